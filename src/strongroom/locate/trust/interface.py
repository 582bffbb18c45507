"""What a trust store can do, and what is found in one."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.crypto.x509.certificates import Certificate

TRUSTED = "trusted"
PENDING = "pending"
"""Its file lies there, and the system has not taken it up."""
LEFT = "left"
"""Its file is gone, and the system trusts it still."""
UNTRUSTED = "untrusted"
"""It lies there without being trusted."""
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
FINGERPRINT_DIGITS = 16
"""So much of a root's fingerprint is in the names under which it lies in stores: 64 bits tell one's own apart."""


class Found:
    """A root in a store.

    Attributes:
        name: the file, or the nickname, under which it lies there.
        state: `TRUSTED`, `PENDING`, `LEFT` or `UNTRUSTED`.
        is_alone: whether nothing else lies under that name.
    """

    __slots__ = ("certificate", "is_alone", "name", "state")

    def __init__(self, certificate: Certificate, name: str, state: str, *, is_alone: bool = True) -> None:
        self.certificate = certificate
        self.name = name
        self.state = state
        self.is_alone = is_alone

    def __repr__(self) -> str:
        return f"Found({self.name!r}, {self.state})"


class TrustStore(Protocol):
    """A place where programs look up whom they trust."""

    kind: str
    """``"system"`` or ``"nss"``."""
    place: str
    """Its directory."""

    def check_writable(self) -> None:
        """Refuse before anything is changed.

        Raises: Denied: this user may not change it.
        """

    def found(self, root: Certificate | None) -> list[Found]:
        """The roots that strongroom has put there, and every copy of *root*, whoever has put it there.

        Raises: StoreUnavailable, Tampered: it cannot be read, or what lies there under our name is no certificate.
        """

    def install(self, root: Certificate) -> bool:
        """Have *root* trusted; False when it was already. There is never a second copy.

        Args:
            root: seen by `check_root`.

        Raises: Denied, StoreUnavailable: it cannot be; nothing of it is left.
        """

    def remove(self, root: Certificate) -> bool:
        """Have *root* trusted no longer, whoever has put it there; False when it was not there.

        Raises:
            Conflict: it lies in a file with others, which is left as it is.
            Denied, StoreUnavailable: it cannot be.
        """


def label(root: Certificate) -> str:
    """What ends the name of *root* in every store."""
    return root.fingerprint[:FINGERPRINT_DIGITS]


def is_same(one: Certificate, other: Certificate | None) -> bool:
    """Whether they are one certificate, to the last bit."""
    return other is not None and one.fingerprint == other.fingerprint


def pem_blocks(data: bytes) -> list[bytes]:
    """The certificates of a file as bytes; nobody reads them: among those of others are some that no reader takes."""
    from binascii import Error, a2b_base64

    found = []
    for part in data.split(_BEGIN)[1:]:
        try:
            found.append(a2b_base64(part.partition(_END)[0]))
        except Error:
            continue  # not ours to judge: what makes the bundle takes it or not
    return found
