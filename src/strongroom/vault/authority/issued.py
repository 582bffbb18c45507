"""A certificate that was issued, with the chain behind it and, if it was made here, its key."""

from __future__ import annotations

from strongroom.crypto.x509.revocation import KEY_COMPROMISE as KEY_COMPROMISE
from strongroom.crypto.x509.revocation import REASONS as REASONS
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from strongroom.crypto.x509.certificates import Certificate
    from strongroom.crypto.x509.keys import PrivateKey

class IssuedCertificate:
    """What `Authority.issue` returns. A context manager: leaving it lets go of the key.

    Attributes:
        certificate: the leaf.
        chain: the intermediates behind it, without the root.
        key: None when somebody else has it.
    """

    __slots__ = ("certificate", "chain", "key")

    def __init__(
        self, certificate: Certificate, chain: tuple[Certificate, ...], key: PrivateKey | None = None
    ) -> None:
        self.certificate = certificate
        self.chain = chain
        self.key = key

    def chain_pem(self) -> bytes:
        """The leaf and the intermediates, as servers send them."""
        return b"".join(one.pem() for one in (self.certificate, *self.chain))

    def pem(self) -> bytearray:
        """Key, leaf and intermediates in one file, as nginx and haproxy take it; the caller wipes it.

        Raises: ValueError: the key is not here.
        """
        if self.key is None:
            raise ValueError("the key of this certificate is not here")
        key = self.key.pem()
        whole = HiddenBuffer(len(key))
        whole[:] = key
        whole += self.chain_pem()
        wipe(key)
        return whole

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.key = None

    def __repr__(self) -> str:
        return f"IssuedCertificate({self.certificate!r})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("an issued certificate may hold a key and cannot be pickled")


class IssuedRecord:
    """What the vault knows of a certificate.

    Attributes:
        revoked: when it was; None for one that is good until its end.
        reason: one of `REASONS`; empty unless revoked.
    """

    __slots__ = ("certificate", "reason", "revoked")

    def __init__(self, certificate: Certificate, revoked: datetime | None = None, reason: str = "") -> None:
        self.certificate = certificate
        self.revoked = revoked
        self.reason = reason

    def state(self, now: datetime) -> str:
        """``"revoked"``, ``"expired"`` or ``"good"``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if now > self.certificate.not_after else "good"

    def __repr__(self) -> str:
        return f"IssuedRecord({self.certificate!r}{', revoked' if self.revoked else ''})"
