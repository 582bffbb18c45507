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

_REMEMBERED_MAX = 512
_REMEMBERED_BYTES = 4096


class SealedVersions:
    """The sealed versions that were read lately: at most 512, of at most 4 KiB.

    Attributes:
        times_forgotten: whoever reads without holding up other threads remembers what was read only if this
            is as it was before; one's own commits leave the store's change token as it is.
    """

    __slots__ = ("_found", "times_forgotten")

    def __init__(self) -> None:
        self.times_forgotten = 0
        self._found: dict[tuple[str, int | None], Remembered] = {}

    def get(self, path: str, version: int | None) -> Remembered | None:
        """What was read for this question, or None."""
        return self._found.get((path, version))

    def remember(self, path: str, version: int | None, found: Remembered) -> None:
        """Keep the answer to a question, if it is small."""
        if len(found[2]) <= _REMEMBERED_BYTES:
            if len(self._found) >= _REMEMBERED_MAX:
                self._found.clear()
            self._found[path, version] = found

    def forget(self) -> None:
        """After any commit, and when the keys change or go."""
        self.times_forgotten += 1
        self._found.clear()
