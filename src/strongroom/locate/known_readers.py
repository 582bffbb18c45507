"""Who may read the encrypted files that this user has written, as this machine remembers it, place by place.

Anybody can encrypt a whole file anew, to its readers and to himself, and put it in the place of the old one; whoever
then adds a value gives it to him. So a file with another key than before, and with a reader who is new there, is
written to only when somebody has looked at its readers. The same goes for an older revision: whoever was taken away
has the key that it had, and is among its readers. Source: docs/format-files.md#what-a-machine-remembers.
"""

from __future__ import annotations

import os

from strongroom.crypto.digest import sha256
from strongroom.errors import NotFound, StoreUnavailable, Tampered, VaultNotFound
from strongroom.locate.state_directory import is_foreign, make_directory, state_directory
from strongroom.stores import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

_FIRST: Final = "strongroom-readers-v1"
_FOLDER = "readers"
_BYTES_MAX = 65_536
_MARKS_MAX = 32
_READERS_MAX = 256
_WHAT = "list of readers"
_HEX = frozenset("0123456789abcdef")


class KnownReaders:
    """What this machine remembers of the encrypted file at one place.

    Args:
        path: the file's.
        environment: as `os.environ`.

    Attributes:
        marks: of the keys that it had, the newest last; see `OpenFile.key_mark`.
        readers: digests of the recipients that it had under the newest of them.

    Raises:
        UnsafePermissions: somebody else could have written what is remembered.
        Tampered: it is damaged.
        StoreUnavailable: it cannot be read.
    """

    __slots__ = ("_path", "marks", "readers")

    def __init__(self, path: str, environment: Mapping[str, str] = os.environ) -> None:
        place = sha256(os.fsencode(os.path.realpath(path))).hex()[:32]
        self._path = os.path.join(state_directory(environment), _FOLDER, place)
        self.marks: list[str] = []
        self.readers: list[str] = []
        try:
            text = bytes(files.read_private(self._path, _BYTES_MAX, _WHAT)).decode("ascii", "replace")
        except NotFound:
            return
        first, *lines = text.removesuffix("\n").split("\n")
        found: dict[str, list[str]] = {"key": self.marks, "reader": self.readers}
        for line in lines:
            word, _, digits = line.partition(" ")
            found.setdefault(word, []).append(digits)
            if len(digits) != 64 or not _HEX.issuperset(digits):
                first = ""
        if first != _FIRST or len(found) > 2 or not self.marks:
            raise Tampered(f"the {_WHAT} {self._path} is damaged", advice=f"look at it, and remove it: {self._path}")

    def strangers(self, mark: bytes, readers: Sequence[str]) -> list[str]:
        """The readers that came with another key than the newest here; none when nothing is remembered."""
        if not self.marks or mark.hex() == self.marks[-1]:
            return []
        return [one for one in readers if _digest(one) not in self.readers]

    def remember(self, mark: bytes, readers: Sequence[str]) -> None:
        """Write down a key that the file has, and who may read it.

        Raises: StrongroomError: it cannot be written.
        """
        marks = [*(one for one in self.marks if one != mark.hex()), mark.hex()][-_MARKS_MAX:]
        # Who is missing under a new key was taken away.
        before = self.readers if self.marks[-1:] == marks[-1:] else []
        digests = list(dict.fromkeys([*before, *map(_digest, readers)]))[-_READERS_MAX:]
        if marks == self.marks and digests == self.readers:
            return
        self.marks, self.readers = marks, digests
        lines = [_FIRST, *(f"key {one}" for one in marks), *(f"reader {one}" for one in digests)]
        try:
            make_directory(os.path.dirname(self._path))
        except OSError as error:
            raise StoreUnavailable(f"cannot make a directory for {self._path}: {error.strerror}") from None
        files.replace_private(self._path, ("\n".join(lines) + "\n").encode("ascii"))


def known_readers(path: str, environment: Mapping[str, str] = os.environ) -> KnownReaders | None:
    """What is remembered of a place; None where this user has no home of his own to remember anything in.

    Raises: UnsafePermissions, Tampered, StoreUnavailable: as `KnownReaders`.
    """
    try:
        return None if is_foreign(state_directory(environment)) else KnownReaders(path, environment)
    except VaultNotFound:
        return None


def _digest(reader: str) -> str:
    return sha256(reader.encode("utf-8")).hex()
