"""Thousands of forms looked for in one pass, in plain Python, at the speed of a set's look-up.

1. What may stand between the pieces of a value that was split, wrapped or escaped (white space, quotes,
   backslashes, the signs that join literals) is deleted from the text, and from the forms; letters are
   folded. So one short form stands for many spellings.
2. Each form is known by machine words of 8 bytes (of 4, for short ones), one for each position that
   a form can have relative to a border of words: a text's aligned words are looked up in one set.
   A text without any of them, nearly all, is done.
3. Whose word was met is looked for in the squeezed text, then, with gaps, in the text itself, and what
   stands there is taken back to the form before it counts. So nothing is reported that is merely similar.

Nothing here knows where values or texts come from. Pure.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_right

from strongroom.formats.scan_forms import LENGTH_MIN, forms
from strongroom.formats.scan_spellings import JOINING, spans, spelling_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FOLD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_", b"abcdefghijklmnopqrstuvwxyz/")
_UNFOLD = {byte: bytes(other for other in range(256) if _FOLD[other] == byte) for byte in range(256)}
_GAP = rb"[ \t\r\n\0\"'`\\+\-.&|]{0,512}"
_SHORT_MIN = 7
"""A form of 7 bytes covers an aligned word of 4 at every position; one of 15 a word of 8."""
_LONG_MIN = 15
_END = b"\n"  # squeezed out of every form, so that no form is met across the border of two texts
_RARE = frozenset(b"0123456789jqxzkvw%/@#$!*^&;:=?")
_FOUND_MAX = 1_000
"""In one text; whoever has so many leaks needs no more lines."""


class Match:
    """One place where a value stands.

    Attributes:
        text: number of the text.
        start, end: offsets in it.
        value: number of the value.
        form: what it is called.
    """

    __slots__ = ("end", "form", "start", "text", "value")

    def __init__(self, text: int, start: int, end: int, value: int, form: str) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.value = value
        self.form = form

    def __repr__(self) -> str:
        return f"Match(text={self.text}, {self.start}..{self.end}, value={self.value}, {self.form!r})"


class _Pattern:
    """One squeezed form, and what has it."""

    __slots__ = ("_compiled", "forms", "squeezed")

    def __init__(self, squeezed: bytes) -> None:
        self.squeezed = squeezed
        self.forms: list[tuple[int, bytes, str]] = []
        self._compiled: re.Pattern[bytes] | None = None

    def compiled(self) -> re.Pattern[bytes]:
        if self._compiled is None:
            pieces = (b"[" + re.escape(_UNFOLD[byte]) + b"]" for byte in self.squeezed)
            self._compiled = re.compile(_GAP.join(pieces))
        return self._compiled


class Search:
    """What finds a set of values, which it is given with `add`."""

    __slots__ = ("_long", "_patterns", "_plain", "_short")

    def __init__(self) -> None:
        self._patterns: dict[bytes, _Pattern] = {}
        # Mostly punctuation: of these too little is left to be known by, and so they are looked for one by one.
        self._plain: list[tuple[int, bytes, str]] = []
        self._long = _Pass("Q")
        self._short = _Pass("I")

    def add(self, number: int, value: bytes) -> None:
        """Look for one more value.

        Args:
            number: what a `Match` calls it.
            value: of at least `LENGTH_MIN` bytes; `is_searchable` says whether it makes sense.
        """
        for form, name in forms(value).items():
            squeezed = form.translate(_FOLD, JOINING)
            if len(squeezed) < _SHORT_MIN:
                self._plain.append((number, form, name))
                continue
            pattern = self._patterns.get(squeezed)
            if pattern is None:
                pattern = self._patterns[squeezed] = _Pattern(squeezed)
                (self._long if len(squeezed) >= _LONG_MIN else self._short).add(pattern)
            pattern.forms.append((number, form, name))

    def __repr__(self) -> str:
        return "Search(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a search holds secrets and cannot be pickled")

    def find(self, texts: Sequence[bytes | bytearray | memoryview]) -> list[Match]:
        """Every place in *texts* where one of the values stands, in order; each place once for each value."""
        copies = [bytes(text) for text in texts]
        squeezed: list[bytes] = []
        ends: list[int] = []
        length = 0
        for text in copies:
            squeezed += (text.translate(_FOLD, JOINING), _END)
            length += len(squeezed[-2]) + 1
            ends.append(length)
        whole = b"".join(squeezed) + _END * (-length % 8)
        found: dict[tuple[int, int, int], Match] = {}
        counts = [0] * len(copies)
        for match in (*self._squeezed(whole, ends, copies), *self._punctuation(copies)):
            if counts[match.text] < _FOUND_MAX:
                counts[match.text] += 1
                found.setdefault((match.text, match.value, match.start), match)
        return _widest(found.values())

    def _squeezed(self, whole: bytes, ends: Sequence[int], texts: Sequence[bytes]) -> Iterator[Match]:
        for pattern in self._met(whole):
            place = whole.find(pattern.squeezed)
            while place >= 0:
                number = bisect_right(ends, place)
                yield from _in_text(pattern, number, texts[number])
                # All of that text was looked at.
                place = whole.find(pattern.squeezed, ends[number])

    def _punctuation(self, texts: Sequence[bytes]) -> Iterator[Match]:
        for value, form, name in self._plain:
            for number, text in enumerate(texts):
                place = text.find(form)
                while place >= 0:
                    yield Match(number, place, place + len(form), value, name)
                    place = text.find(form, place + len(form))

    def _met(self, whole: bytes) -> list[_Pattern]:
        met: dict[bytes, _Pattern] = {}
        for one in (self._long, self._short):
            for pattern in one.met(whole):
                met[pattern.squeezed] = pattern
        return list(met.values())


class _Pass:
    """One look at the words of a text.

    Args:
        kind: the array's: words of 8 bytes, or of 4.
    """

    __slots__ = ("_kind", "_size", "_wanted", "_words")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._size = array(kind).itemsize
        self._words: dict[int, list[_Pattern]] = {}
        # Beside the dict: a set looks up all words of an array in one call.
        self._wanted: set[int] = set()

    def add(self, pattern: _Pattern) -> None:
        """Know one more pattern by its words."""
        for word in _words(pattern.squeezed, self._size):
            self._wanted.add(word)
            self._words.setdefault(word, []).append(pattern)

    def met(self, whole: bytes) -> Iterator[_Pattern]:
        """The patterns of which a word stands in *whole*, a multiple of 8 bytes."""
        if not self._wanted:
            return
        for word in self._wanted.intersection(array(self._kind, whole)):
            yield from self._words[word]


def is_searchable(value: bytes) -> bool:
    """Whether looking for *value* makes sense: it is long enough, and more than punctuation and blanks."""
    return len(value) >= LENGTH_MIN and len(value[:64].translate(_FOLD, JOINING)) >= 4


def _words(squeezed: bytes, size: int) -> Iterator[int]:
    """For each position of a form relative to a border of words, one word that it covers there whole."""
    for first in range(size):
        places = range(first, len(squeezed) - size + 1, size)
        best = max(places, key=lambda place: sum(byte in _RARE for byte in squeezed[place : place + size]))
        yield int.from_bytes(squeezed[best : best + size], sys.byteorder)


def _in_text(pattern: _Pattern, number: int, text: bytes) -> Iterator[Match]:
    for hit in pattern.compiled().finditer(text):
        found: dict[int, Match] = {}
        for value, form, name in pattern.forms:
            for start, end in spans(text, hit.start(), hit.end(), form):
                called = spelling_of(text[start:end], form, name)
                # What stands there letter by letter goes before what it may be an escaped spelling of.
                if called and (value not in found or text[start:end] == form):
                    found[value] = Match(number, start, end, value, called)
        yield from found.values()


def _widest(found: Iterable[Match]) -> list[Match]:
    """Without those that lie inside another one of the same value."""
    kept: list[Match] = []
    for match in sorted(found, key=lambda one: (one.text, one.value, one.start, -one.end)):
        last = kept[-1] if kept else None
        if last and (last.text, last.value) == (match.text, match.value) and match.start < last.end:
            continue
        kept.append(match)
    return sorted(kept, key=lambda one: (one.text, one.start, one.value))
