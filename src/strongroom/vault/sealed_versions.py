"""The sealed versions that were read lately, so that a get asks the store one question instead of four.

What is remembered is ciphertext, as it lies in the store. It is forgotten with every commit:
with other programs' as the names are (`Core.synchronise`), with one's own at its beginning
and end.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.names import Place

    Parts = tuple[bytes, bytes, bytes]
    Remembered = tuple[Place, int, bytes, Parts]

_ENTRIES_MAX = 4096
_BYTES_MAX = 2 * 1024 * 1024
_ENTRY_BYTES_MAX = 4096


class SealedVersions:
    """The sealed versions that were read lately: at most 4,096 and 2 MiB, each of at most 4 KiB.

    Attributes:
        times_forgotten: whoever reads without holding up other threads remembers what was read only if this
            is as it was before; one's own commits leave the store's change token as it is.
    """

    __slots__ = ("_bytes", "_found", "times_forgotten")

    def __init__(self) -> None:
        self.times_forgotten = 0
        self._found: dict[tuple[str, int | None], Remembered] = {}
        self._bytes = 0

    def get(self, path: str, version: int | None) -> Remembered | None:
        """What was read for this question, or None."""
        return self._found.get((path, version))

    def remember(self, path: str, version: int | None, found: Remembered) -> None:
        """Keep the answer to a question, if it is small."""
        size = len(found[2])
        if size <= _ENTRY_BYTES_MAX:
            if len(self._found) >= _ENTRIES_MAX or self._bytes + size > _BYTES_MAX:
                self._clear()
            self._bytes += size
            self._found[path, version] = found

    def forget(self) -> None:
        """After any commit, and when the keys change or go."""
        self.times_forgotten += 1
        self._clear()

    def _clear(self) -> None:
        self._found.clear()
        self._bytes = 0
