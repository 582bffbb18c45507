"""Which of thousands of keys may stand in a text: in one pass, at the speed of a set's look-up. Pure.

A key of 15 bytes covers an aligned machine word of 8 bytes whole, wherever it begins; one of 7 bytes a
word of 4. So each key is known by one word for every position that it can have relative to a border of
words, and a text's aligned words are looked up all at once. What is met may stand there; what is not, does not.
"""

from __future__ import annotations

import sys
from array import array
from typing import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

T = TypeVar("T")

KEY_BYTES_MIN: Final = 7
_LONG_MIN = 15
# Words with these are rarer in texts than others, and so met less often by chance.
_RARE = frozenset(b"0123456789jqxzkvw%/@#$!*^&;:=?")


class Words(Generic[T]):
    """Keys, each with what it stands for."""

    __slots__ = ("_long", "_short")

    def __init__(self) -> None:
        self._long: _Pass[T] = _Pass("Q")
        self._short: _Pass[T] = _Pass("I")

    def add(self, key: bytes, value: T) -> None:
        """Know one more key, of at least `KEY_BYTES_MIN` bytes."""
        (self._long if len(key) >= _LONG_MIN else self._short).add(key, value)

    def met(self, text: bytes) -> list[T]:
        """The values of the keys that may stand in *text*, each once."""
        # A NUL more or less at the end meets nothing that ends before it.
        whole = text + b"\0" * (-len(text) % 8)
        return [*self._long.met(whole), *self._short.met(whole)]

    def __repr__(self) -> str:
        return "Words(<hidden>)"


class _Pass(Generic[T]):
    """One look at a text.

    Args:
        kind: the array's: words of 8 bytes, or of 4.
    """

    __slots__ = ("_kind", "_size", "_values", "_wanted")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._size = array(kind).itemsize
        self._values: dict[int, list[T]] = {}
        # Beside the dict: a set looks up all words of an array in one call.
        self._wanted: set[int] = set()

    def add(self, key: bytes, value: T) -> None:
        for word in _words(key, self._size):
            self._wanted.add(word)
            self._values.setdefault(word, []).append(value)

    def met(self, whole: bytes) -> Iterator[T]:
        """What may stand in *whole*, a multiple of 8 bytes."""
        if not self._wanted:
            return
        known: set[int] = set()
        for word in self._wanted.intersection(array(self._kind, whole)):
            for value in self._values[word]:
                if id(value) not in known:
                    known.add(id(value))
                    yield value


def _words(key: bytes, size: int) -> Iterator[int]:
    """For each position of a key relative to a border of words, one word that it covers there whole."""
    for first in range(size):
        places = range(first, len(key) - size + 1, size)
        best = max(places, key=lambda place: sum(byte in _RARE for byte in key[place : place + size]))
        yield int.from_bytes(key[best : best + size], sys.byteorder)
