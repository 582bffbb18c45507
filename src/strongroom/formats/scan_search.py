"""Thousands of forms looked for in one pass, in plain Python, at the speed of a set's look-up.

1. What may stand between the pieces of a value that was split, wrapped or escaped (white space, quotes,
   backslashes, the signs that join literals) is deleted from the text, and from the forms; letters are
   folded. So one short form stands for many spellings.
2. Each form is known by a few machine words (`scan_words`), which are looked up in one set. A text without
   any of them, nearly all, is done.
3. Whose word was met is looked for in the squeezed text, its place in the text itself worked out, and what
   stands there taken back to the form before it counts. So nothing is reported that is merely similar.

Nothing here knows where values or texts come from. Pure. No value becomes a regular expression: `re` would
keep it in its cache.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from strongroom.formats.scan_forms import LENGTH_MIN, forms
from strongroom.formats.scan_spellings import JOINING, spans, spelling_of
from strongroom.formats.scan_words import KEY_BYTES_MIN, Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

_FOLD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_", b"abcdefghijklmnopqrstuvwxyz/")
SQUEEZING: Final = 1
"""The number of this way to squeeze: to be raised with `JOINING` or the folding, for the two sides must agree."""

_SQUEEZED_MIN = 4
_END = b"\n"  # squeezed out of every form, so that no form is met across the border of two texts
_FOUND_MAX = 1_000
"""In one text; whoever has so many leaks needs no more lines."""
_LOOKED_AT_MAX = 20_000
"""Places of one pattern in one text that are looked at: an answer has to come within a moment."""
_LOOKED_AT_BYTES_MAX = 2 * 1024 * 1024
"""Of one pattern in one call, all its places together: values that stand there overlap little, so these are more."""
_SPAN_MAX = 64 * 1024
_CHUNK = 4096


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

    __slots__ = ("forms", "squeezed")

    def __init__(self, squeezed: bytes) -> None:
        self.squeezed = squeezed
        self.forms: list[tuple[int, bytes, str]] = []


class _Offsets:
    """Where in a text the bytes stand that were left when it was squeezed."""

    __slots__ = ("_chunks", "_ends", "_text")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._chunks: dict[int, list[int]] = {}
        self._ends: list[int] = []
        kept = 0
        for start in range(0, len(text), _CHUNK):
            kept += len(text[start : start + _CHUNK].translate(None, JOINING))
            self._ends.append(kept)

    def of(self, number: int) -> int:
        """The offset of the byte with this number among those that were left."""
        chunk = bisect_right(self._ends, number)
        places = self._chunks.get(chunk)
        if places is None:
            start = chunk * _CHUNK
            part = self._text[start : start + _CHUNK]
            places = [place for place, byte in enumerate(part, start) if byte not in JOINING]
            self._chunks[chunk] = places
        return places[number - (self._ends[chunk - 1] if chunk else 0)]


class Search:
    """What finds a set of values, which it is given with `add`."""

    __slots__ = ("_few", "_patterns", "_words")

    def __init__(self) -> None:
        self._patterns: dict[bytes, _Pattern] = {}
        self._words: Words[_Pattern] = Words()
        # Too short to cover a word: mostly punctuation was in them. There are few, and they are looked for one by one.
        self._few: list[_Pattern] = []

    def add(self, number: int, value: bytes) -> None:
        """Look for one more value.

        Args:
            number: what a `Match` calls it.
            value: of at least `LENGTH_MIN` bytes; `is_searchable` says whether it makes sense.
        """
        for form, name in forms(value).items():
            squeezed = form.translate(_FOLD, JOINING)
            if len(squeezed) < _SQUEEZED_MIN:
                continue
            pattern = self._patterns.get(squeezed)
            if pattern is None:
                pattern = self._patterns[squeezed] = _Pattern(squeezed)
                if len(squeezed) < KEY_BYTES_MIN:
                    self._few.append(pattern)
                else:
                    self._words.add(squeezed, pattern)
            pattern.forms.append((number, form, name))

    def __repr__(self) -> str:
        return "Search(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a search holds secrets and cannot be pickled")

    def find(self, texts: Sequence[bytes]) -> list[Match]:
        """Every place in *texts* where one of the values stands, in order; each place once for each value."""
        found: dict[tuple[int, int, int], Match] = {}
        counts = [0] * len(texts)
        offsets: dict[int, _Offsets] = {}
        looked_at: dict[int, int] = {}
        for pattern, number, first in self._met(squeeze(texts)):
            text = texts[number]
            if number not in offsets:
                offsets[number] = _Offsets(text)
            start = offsets[number].of(first)
            end = offsets[number].of(first + len(pattern.squeezed) - 1) + 1
            length = looked_at.get(id(pattern), 0) + end - start
            if end - start > _SPAN_MAX or length > _LOOKED_AT_BYTES_MAX:
                continue
            looked_at[id(pattern)] = length
            for match in _at(pattern, number, text, start, end):
                if counts[number] < _FOUND_MAX:
                    counts[number] += 1
                    found.setdefault((number, match.value, match.start), match)
        return _widest(found.values())

    def suspects(self, squeezed: Sequence[bytes]) -> set[tuple[int, int]]:
        """Which texts may hold which values, as far as can be said of what `squeeze` left of them.

        Returns: numbers of texts and values; what is not among them stands nowhere.
        """
        return {(number, value) for pattern, number, _ in self._met(squeezed) for value, _, _ in pattern.forms}

    def _met(self, squeezed: Sequence[bytes]) -> Iterator[tuple[_Pattern, int, int]]:
        """Each place of each squeezed form: the form, the number of the text, and the offset in it."""
        ends = list(accumulate(len(one) + 1 for one in squeezed))
        whole = _END.join((*squeezed, b""))
        for pattern in (*self._few, *self._words.met(whole)):
            place = whole.find(pattern.squeezed)
            looked_at, last = 0, -1
            while place >= 0:
                number = bisect_right(ends, place)
                looked_at = looked_at + 1 if number == last else 1
                last = number
                if looked_at > _LOOKED_AT_MAX:
                    place = whole.find(pattern.squeezed, ends[number])
                    continue
                yield pattern, number, place - (ends[number - 1] if number else 0)
                place = whole.find(pattern.squeezed, place + 1)


def squeeze(texts: Sequence[bytes]) -> list[bytes]:
    """What is left of *texts* to search in: see `SQUEEZING`."""
    return [text.translate(_FOLD, JOINING) for text in texts]


def is_searchable(value: bytes) -> bool:
    """Whether looking for *value* makes sense: it is long enough, and more than punctuation and blanks."""
    return len(value) >= LENGTH_MIN and len(value[:64].translate(_FOLD, JOINING)) >= _SQUEEZED_MIN


def _at(pattern: _Pattern, number: int, text: bytes, met: int, until: int) -> Iterator[Match]:
    """What of *pattern* stands at the span that was met, once for each value."""
    found: dict[int, Match] = {}
    for value, form, name in pattern.forms:
        for start, end in spans(text, met, until, form):
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
