"""Which vault was seen where: another one of this user's, put in its place, opens with the same key.

A small file for each place, beside the anchors. A place is the location as it was given, and
the real path that it leads to: a link on the way that leads elsewhere shows as well.
"""

from __future__ import annotations

import os

from strongroom.crypto.digest import sha256
from strongroom.errors import FormatUnsupported, NotFound, Tampered
from strongroom.locate.addresses import is_path
from strongroom.locate.anchor_record import sealed
from strongroom.locate.state_directory import Mutex, make_directory
from strongroom.stores import files

_MAGIC = "strongroom-place-v"
_FIRST_LINE = f"{_MAGIC}1"
_LENGTH_MAX = 512
_WHAT = "anchor"


class Places:
    """The places of one location. Source: docs/format.md#anchor.

    Args:
        directory: from `state_directory`.
        location: a vault's, absolute, or a URL.
    """

    def __init__(self, directory: str, location: str) -> None:
        self._directory = directory
        names = [location]
        if is_path(location):
            names.append(files.real_path(location))
        self._digests = [sha256(os.fsencode(name)).hex() for name in dict.fromkeys(names)]

    def seen(self) -> list[bytes | None]:
        """The id of the vault that was seen at each of the places; None for one that is new.

        Raises:
            Tampered: a file is damaged.
            UnsafePermissions: somebody else could change it.
            FormatUnsupported: a newer program wrote it.
            StoreUnavailable: it cannot be read.
        """
        return [self._read(digest) for digest in self._digests]

    def is_foreign(self, vault_id: bytes) -> bytes | None:
        """The id of another vault that was seen here; None when there was none.

        Raises: as `seen`.
        """
        return next((other for other in self.seen() if other not in (None, vault_id)), None)

    def remember(self, vault_id: bytes, *, instead: bool = False) -> None:
        """Say that this vault lies here.

        Args:
            instead: of whatever was seen here until now; else what was is left as it is.

        Raises: StrongroomError, OSError: it was not written.
        """
        if not self._open_to(vault_id, instead=instead):
            return
        make_directory(self._directory)
        with Mutex(os.path.join(self._directory, "lock")):
            for digest in self._open_to(vault_id, instead=instead):
                files.replace_private(self._path(digest), _encode(digest, vault_id))

    def _open_to(self, vault_id: bytes, *, instead: bool) -> list[str]:
        """The places that shall say this vault's id and do not yet."""
        pairs = zip(self._digests, self.seen(), strict=True)
        return [digest for digest, seen in pairs if seen is None or (instead and seen != vault_id)]

    def _read(self, digest: str) -> bytes | None:
        path = self._path(digest)
        try:
            data = bytes(files.read_private(path, _LENGTH_MAX, _WHAT))
        except NotFound:
            return None
        try:
            return _decode(data, digest)
        except (Tampered, FormatUnsupported) as error:
            from shlex import quote

            raise type(error)(
                f"the anchor {path} cannot be believed: {error.message}",
                advice=error.advice
                or f"begin anew: rm {quote(path)}\n"
                "and see that it is the vault that you know: strongroom verify --expect-vault FINGERPRINT",
            ) from None

    def _path(self, digest: str) -> str:
        return os.path.join(self._directory, f"{digest[:32]}.place")


def _encode(digest: str, vault_id: bytes) -> bytes:
    return sealed(f"{_FIRST_LINE}\nplace {digest}\nvault {vault_id.hex()}\n")


def _decode(data: bytes, digest: str) -> bytes:
    first, _, rest = data.partition(b"\n")
    number = first.removeprefix(_MAGIC.encode("ascii"))
    if first != _FIRST_LINE.encode("ascii") and number != first and number.isdigit():
        raise FormatUnsupported("it was written by a newer strongroom", advice="upgrade strongroom")
    word, _, digits = rest.split(b"\n")[1].partition(b" ") if rest.count(b"\n") > 1 else (b"", b"", b"")
    try:
        vault_id = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        vault_id = b""
    if word != b"vault" or len(vault_id) != 16 or data != _encode(digest, vault_id):
        raise Tampered("it is not what was written")
    return vault_id
