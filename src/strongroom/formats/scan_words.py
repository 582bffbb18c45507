"""Which of thousands of keys may stand in a text: in one pass, at the speed of a set's look-up. Pure.

A key of 7 bytes covers an aligned machine word of 4 bytes whole, wherever it begins; one of 15 bytes a
word of 8. So each key is known by one word for every position that it can have relative to a border of
words, and a text's aligned words are looked up all at once. What is met may stand there; what is not, does not.

While there are few keys, one pass over words of 4 bytes says enough of nearly every text. Where much is met by
chance (many keys, a text of hashes) a second one over words of 8 says it of the longer keys.
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
_FEW_KEYS = 4_000
_FEW_MET = 24
"""A second pass costs as much as looking for so many keys one by one."""
_LONG = 8
_PLACES = 8
_COMMON = b"abcdefghilmnoprstuy.,:;()[]{}="
_VOWELS = frozenset(b"aeiou")
_KINDS = bytes(0 if 0x61 <= byte <= 0x7A else 1 if 0x30 <= byte <= 0x39 else 2 for byte in range(256))


class Words(Generic[T]):
    """Keys, each with what it stands for."""

    __slots__ = ("_keys", "_long", "_long_ids", "_short")

    def __init__(self) -> None:
        self._keys = 0
        self._short: _Pass[T] = _Pass("I")
        self._long: _Pass[T] = _Pass("Q")
        self._long_ids: set[int] = set()

    def add(self, key: bytes, value: T) -> None:
        """Know one more key, of at least `KEY_BYTES_MIN` bytes."""
        self._keys += 1
        is_long = len(key) >= _LONG_MIN
        if is_long:
            self._long.add(key, value)
            self._long_ids.add(id(value))
        if not is_long or self._keys <= _FEW_KEYS:
            self._short.add(key, value)

    def met(self, text: bytes) -> list[T]:
        """The values of the keys that may stand in *text*, each once."""
        # A NUL more or less at the end meets nothing that ends before it.
        whole = text + b"\0" * (-len(text) % 8)
        met = list(self._short.met(whole))
        if self._keys <= _FEW_KEYS and len(met) <= _FEW_MET:
            return met
        return [*(one for one in met if id(one) not in self._long_ids), *self._long.met(whole)]

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
        best = key[first : first + size]
        if size < _LONG:
            # Of words this short some stand in any text: of the first few, the one least like a word of a language.
            for place in range(first + size, min(len(key) - size + 1, first + _PLACES * size), size):
                best = max(best, key[place : place + size], key=_rarity)
        yield int.from_bytes(best, sys.byteorder)


def _rarity(word: bytes) -> int:
    """How unlike four letters of a language or a program: a guess that costs a moment where it is wrong."""
    kinds = word.translate(_KINDS)
    changes = (kinds[0] != kinds[1]) + (kinds[1] != kinds[2]) + (kinds[2] != kinds[3])
    return 2 * (len(word.translate(None, _COMMON)) + changes) + _VOWELS.isdisjoint(word)
