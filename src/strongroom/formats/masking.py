"""Values taken out of a stream: as they are and in the encodings of `scan_forms`, wherever a write may end. Pure.

Nothing is delayed but what could be the beginning of a value: the end of what has come so far is
held back exactly as long as it is one. All else passes byte for byte.
"""

from __future__ import annotations

import re
from binascii import b2a_base64

from strongroom.formats.scan_forms import BASE64, HEX, JSON, LENGTH_MAX, PERCENT, forms
from strongroom.formats.scan_words import KEY_BYTES_MIN, Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

MASK: Final = b"<hidden>"
VALUE_BYTES_MIN: Final = 4
"""What is shorter stands in any output by chance, and is not masked."""

VALUE_BYTES_MAX: Final = 256 * 1024
_LINE_BYTES_MIN = 16
_ARMOR = b"-----"  # the lines around a key in PEM are no secret, and the same for every key
_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
_HEX_ESCAPE = re.compile(rb"%[0-9A-F]{2}|\\u[0-9a-fA-F]{4}")
_SHELL_SIGN = re.compile(rb"[^A-Za-z0-9_./:=@%+,\n-]")


class Mask:
    """Masks one stream. Feed it with what comes, write what it gives, and finish it at the end.

    Args:
        values: what must not pass, each at most `VALUE_BYTES_MAX` bytes; also without white space at its
            ends, which a shell takes off, and of one with several lines also each longer line by itself.
            Those under `VALUE_BYTES_MIN` are not masked.
    """

    __slots__ = ("_beginnings", "_by_beginning", "_covered", "_held", "_longest", "_short", "_words")

    def __init__(self, values: Iterable[bytes]) -> None:
        patterns: set[bytes] = set()
        for value in values:
            if len(value) > VALUE_BYTES_MAX:
                raise ValueError(f"a value of more than {VALUE_BYTES_MAX} bytes cannot be masked")
            patterns.update(_patterns(value))
        # The few short ones are looked for one by one.
        self._short = [one for one in patterns if len(one) < KEY_BYTES_MIN]
        self._words: Words[bytes] = Words()
        for one in patterns:
            if len(one) >= KEY_BYTES_MIN:
                self._words.add(one, one)
        self._longest = max(map(len, patterns), default=0)
        self._beginnings = {one[:length] for one in patterns for length in range(1, VALUE_BYTES_MIN)}
        self._by_beginning: dict[bytes, list[bytes]] = {}
        for one in patterns:
            self._by_beginning.setdefault(one[:VALUE_BYTES_MIN], []).append(one)
        self._held = b""
        self._covered = 0  # bytes at the front of what is held that belong to a mask already written

    def __repr__(self) -> str:
        return "Mask(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a mask holds secrets and cannot be pickled")

    def feed(self, data: bytes) -> bytes:
        """What may pass now."""
        whole = self._held + data
        return self._pass(whole, self._first_beginning(whole))

    def finish(self) -> bytes:
        """What was held back, for nothing more comes."""
        return self._pass(self._held, len(self._held))

    def _pass(self, whole: bytes, end: int) -> bytes:
        """*whole* up to *end*, masked; the rest is held."""
        passed: list[bytes] = []
        place = 0
        covered = max(0, self._covered - end)
        for start, stop in self._spans(whole):
            if start >= end:
                break
            passed.append(whole[place:start])
            if start or not self._covered:
                passed.append(MASK)
            place = min(stop, end)
            covered = stop - place
        passed.append(whole[place:end])
        self._held = whole[end:]
        self._covered = covered
        return b"".join(passed)

    def _spans(self, whole: bytes) -> list[tuple[int, int]]:
        """Where values stand; what overlaps is one span."""
        found = [(0, self._covered)] if self._covered else []
        for pattern in (*self._short, *self._words.met(whole)):
            place = whole.find(pattern)
            while place >= 0:
                found.append((place, place + len(pattern)))
                place = whole.find(pattern, place + 1)
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(found):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return merged

    def _first_beginning(self, whole: bytes) -> int:
        """Where the longest end of *whole* begins that may become a value; its length when there is none."""
        for place in range(max(0, len(whole) - self._longest + 1), len(whole)):
            start = whole[place : place + VALUE_BYTES_MIN]
            if len(start) < VALUE_BYTES_MIN:
                if start in self._beginnings:
                    return place
            elif start in self._by_beginning:
                rest = whole[place:]
                # Whole ones were masked; here is what still lacks its end.
                if any(len(one) > len(rest) and one.startswith(rest) for one in self._by_beginning[start]):
                    return place
        return len(whole)


def _patterns(value: bytes) -> Iterator[bytes]:
    if len(value) < VALUE_BYTES_MIN:
        return
    for start in range(0, len(value), LENGTH_MAX):
        # The last piece reaches back into the one before, so that it is never too short to be masked.
        piece = value[start : start + LENGTH_MAX]
        yield from _spellings(piece if len(piece) == LENGTH_MAX else value[-LENGTH_MAX:])
    for line in value.splitlines():
        if _LINE_BYTES_MIN <= len(line) < len(value) and not line.startswith(_ARMOR):
            yield line[:LENGTH_MAX]
    if (bare := value.strip()) != value:
        yield from _patterns(bare)


def _spellings(value: bytes) -> Iterator[bytes]:
    yield value
    whole = b2a_base64(value, newline=False)  # to its end, which the forms leave out: something else might follow
    yield whole
    yield whole.translate(_URL_ALPHABET)
    for form, name in forms(value).items():
        yield form
        if name == BASE64:
            yield form.translate(_URL_ALPHABET)
        elif name == HEX:
            yield form.upper()
        elif name in (PERCENT, JSON):
            yield _HEX_ESCAPE.sub(lambda hit: hit[0].lower(), form)
            yield _HEX_ESCAPE.sub(lambda hit: hit[0][:2] + hit[0][2:].upper(), form)
    # What `set -x` and `printf %q` of a shell, and repr() show.
    yield value.replace(b"'", b"'\\''")
    yield value.replace(b"'", b"'\"'\"'")
    yield _SHELL_SIGN.sub(lambda hit: b"\\" + hit[0], value)
    yield repr(value)[2:-1].encode("ascii")
    try:
        yield repr(value.decode("utf-8"))[1:-1].encode("utf-8")
    except UnicodeError:
        return
