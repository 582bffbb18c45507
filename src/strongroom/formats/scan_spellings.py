"""Whether what stands in a text is a form of a value after all, in some spelling, and what to call it. Pure."""

from __future__ import annotations

import re

from strongroom.formats.scan_forms import BASE64, HEX, PERCENT, SHELL, SPLIT, STORED, UTF_16, WRAPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

JOINING: Final = b" \t\r\n\0\"'`\\+-.&|"
"""What may stand between the pieces of a value, and is left out of what is searched."""

# Between two literals: the closing quote, what joins them, the prefix and quote of the next.
_LITERALS = re.compile(rb"""["'`][ \t\r\n]*(?:[+.&]|\|\||\.\.|\\\r?\n)?[ \t\r\n]*["'`]""")
_CONTINUED = re.compile(rb"\\\r?\n[ \t]*")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_INDENTED = re.compile(rb"[ \t]*\r?\n[ \t]*")
_WHITE = re.compile(rb"[ \t\r\n\\\"']+")
_PERCENT = re.compile(rb"%[0-9a-f]{2}")
_STANDARD = bytes.maketrans(b"-_", b"+/")


def spans(text: bytes, start: int, end: int, form: bytes) -> Iterator[tuple[int, int]]:
    """The span that was met, with what of *form* was squeezed out at its ends where that stands in the text."""
    lead = form[: len(form) - len(form.lstrip(JOINING))]
    trail = form[len(form.rstrip(JOINING)) :]
    for before in _spellings(lead):
        if text.endswith(before, 0, start):
            for after in _spellings(trail):
                if text.startswith(after, end):
                    yield start - len(before), end + len(after)


def _spellings(edge: bytes) -> tuple[bytes, ...]:
    if not edge:
        return (edge,)
    letters = [edge[place : place + 1] for place in range(len(edge))]
    escaped = b"".join(b"\\" + one for one in letters)
    wide = b"".join(one + b"\0" for one in letters)
    return (edge, escaped, edge.replace(b"+", b"-"), wide, b"\0" + wide[:-1])


def spelling_of(found: bytes, form: bytes, name: str) -> str:
    """What to call *found*, if it is *form* in some spelling; else empty."""
    if found == form:
        return name
    if name == BASE64:
        found, form = found.translate(_STANDARD), form.translate(_STANDARD)
    elif name == HEX:
        found = found.lower()
    elif name == PERCENT:
        found, form = _PERCENT.sub(_upper, found), _PERCENT.sub(_upper, form)
    if found == form:
        return name
    if b"\0" in found and found.replace(b"\0", b"") == form:
        return UTF_16 if name == STORED else name
    joined = _LITERALS.sub(b"", found)
    if joined == form:
        return SPLIT
    if name in (BASE64, HEX):
        return WRAPPED if _WHITE.sub(b"", joined) == form or _WHITE.sub(b"", found) == form else ""
    for one in (found, joined):
        continued = _CONTINUED.sub(b"", one)
        if continued == form:
            return WRAPPED
        if _ESCAPED.sub(rb"\1", continued) == form:
            return SHELL
    if b"\n" in form and _INDENTED.sub(b"\n", found) == _INDENTED.sub(b"\n", form):
        return name
    return ""


def _upper(hit: re.Match[bytes]) -> bytes:
    return hit[0].upper()
