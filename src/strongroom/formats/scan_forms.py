"""How one value may stand in a file: as stored, and in each encoding that hides it from a search. Pure.

What is found with these is a leak; what a form leaves out of a value at its edges (base64
across a border of three bytes) is a bit or two that depends on what stands beside it.
"""

from __future__ import annotations

from binascii import b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

LENGTH_MIN: Final = 8
"""Bytes; what is shorter stands in files by chance."""

LENGTH_MAX: Final = 4096
"""Bytes; a longer value is looked for by its beginning."""

STORED: Final = "as stored"
BASE64: Final = "base64"
HEX: Final = "hex"
PERCENT: Final = "percent-encoded"
JSON: Final = "JSON-escaped"
HTML: Final = "HTML-escaped"
UTF_16: Final = "UTF-16"
SHELL: Final = "backslash-escaped"
SPLIT: Final = "split over literals"
WRAPPED: Final = "split over lines"

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# What the usual functions leave as it is: RFC 3986, Python's quote, JavaScript's encodeURIComponent and encodeURI,
# and forms, which write a space as a plus.
_URL_SAFE = (
    _UNRESERVED,
    _UNRESERVED | frozenset(b"/"),
    _UNRESERVED | frozenset(b"!'()*"),
    _UNRESERVED | frozenset(b"!'()*;/?:@&=+$,#"),
)
_JSON_SHORT = {0x22: '\\"', 0x5C: "\\\\", 0x08: "\\b", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
_HTML = {0x26: "&amp;", 0x3C: "&lt;", 0x3E: "&gt;", 0x22: "&quot;", 0x27: "&#39;"}
_HTML_SIGNS = (
    _HTML,
    {**_HTML, 0x27: "&#x27;"},  # Python's html.escape
    {**_HTML, 0x27: "&apos;"},
    {code: sign for code, sign in _HTML.items() if code in (0x26, 0x3C, 0x3E)},  # the text of an XML element
)
# Django's escapejs, and what template engines do for text inside a script.
_SCRIPT_SIGNS = frozenset(b"\\'\"<>&=-;`")


def forms(value: bytes) -> dict[bytes, str]:
    """What to look for.

    Args:
        value: at least `LENGTH_MIN` bytes; only its first `LENGTH_MAX` count.

    Returns: each form, none shorter than `LENGTH_MIN`, and what it is called.
    """
    value = value[:LENGTH_MAX]
    found: dict[bytes, str] = {}
    for form, name in _every(value):
        if len(form) >= LENGTH_MIN:
            found.setdefault(form, name)
    return found


def _every(value: bytes) -> Iterator[tuple[bytes, str]]:
    yield value, STORED
    for offset in range(3):
        yield base64_inside(value, offset), BASE64
    yield value.hex().encode("ascii"), HEX
    for safe in _URL_SAFE:
        quoted = "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in value)
        yield quoted.encode("ascii"), PERCENT
        yield quoted.replace("%20", "+").encode("ascii"), PERCENT
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        # Its beginning alone may end inside a character; bytes that are no text have no escapes.
        text = value.decode("utf-8", "ignore") if len(value) == LENGTH_MAX else ""
    if text:
        yield from _escaped(text)


def _escaped(text: str) -> Iterator[tuple[bytes, str]]:
    plain = "".join(_JSON_SHORT.get(ord(one)) or (f"\\u{ord(one):04x}" if ord(one) < 0x20 else one) for one in text)
    yield plain.encode("utf-8"), JSON
    yield plain.replace("/", "\\/").encode("utf-8"), JSON
    yield _ascii(plain).encode("ascii"), JSON
    yield _ascii(plain).replace("/", "\\/").encode("ascii"), JSON
    script = "".join(f"\\u{ord(one):04X}" if ord(one) in _SCRIPT_SIGNS or ord(one) < 0x20 else one for one in text)
    yield _ascii(script).encode("ascii"), JSON
    for signs in _HTML_SIGNS:
        yield text.translate(signs).encode("utf-8"), HTML


def _ascii(text: str) -> str:
    """*text* with what is beyond ASCII as ``\\uXXXX``, in pairs where it takes two."""
    if text.isascii():
        return text
    units = (text[place].encode("utf-16-be").hex() for place in range(len(text)))
    return "".join(
        one if one.isascii() else "".join(f"\\u{unit[at : at + 4]}" for at in range(0, len(unit), 4))
        for one, unit in zip(text, units, strict=True)
    )


def base64_inside(value: bytes, offset: int) -> bytes:
    """The characters that *value* alone decides when it stands in base64 after *offset* bytes, modulo three.

    Args:
        offset: 0 to 2.
    """
    encoded = b2a_base64(bytes(offset) + value, newline=False).rstrip(b"=")
    # The first characters also carry bits of what stands before, the last one of what stands after.
    first = (0, 2, 3)[offset]
    last = len(encoded) - (1 if (offset + len(value)) % 3 else 0)
    return encoded[first:last]
