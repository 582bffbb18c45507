"""JSON in and out: bounded before it is parsed, and written into memory that can be wiped.

What a client stores as JSON is kept as it was spelled: `members` hands out the source
of each value beside its meaning.
"""

from __future__ import annotations

import json
import re
from binascii import b2a_base64

from strongroom.items import Field
from strongroom.service.refusals import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH_MAX = 32
PUNCTUATION_MAX = 200_000
"""Brackets, braces and commas: each list or object costs tens of bytes, however short it is spelled."""
# An unfinished string runs to the end, so that each byte is looked at once.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{},]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
# What JSON does not let stand in a string; DEL is let through, as by everybody.
_ESCAPED = re.compile(rb'["\\\x00-\x1f]')


class Member:
    """One value of a JSON object: what it means, and how it is spelled."""

    __slots__ = ("source", "value")

    def __init__(self, value: object, source: str) -> None:
        self.value = value
        self.source = source


def members_of_body(body: bytes | bytearray) -> dict[str, Member]:
    """The members of the JSON object in a request's body; an absent body or ``null`` has none.

    Raises: Refused: not JSON, not an object, too deep, too many values, or a name twice. It says
        nothing of what stands there.
    """
    _check_bounds(body)
    try:
        source = str(body, "utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "the body is not UTF-8") from None
    if source.strip(" \t\n\r") in ("", "null"):
        return {}
    return members(source)


def members(source: str) -> dict[str, Member]:
    """The members of a JSON object that is within bounds.

    Raises: Refused: not an object.
    """
    position = _skip(source, 0)
    if not source.startswith("{", position):
        raise Refused(400, "the body is not a JSON object")
    found: dict[str, Member] = {}
    position = _skip(source, position + 1)
    while not source.startswith("}", position):
        if found:
            position = _expect(source, position, ",")
        start = _skip(source, position)
        name, position = _decode(source, start)
        if not isinstance(name, str):
            raise Refused(400, _NOT_JSON)
        if name in found:
            raise Refused(400, _TWICE)
        start = _expect(source, position, ":")
        value, position = _decode(source, start)
        found[name] = Member(value, source[start:position])
        position = _skip(source, position)
    if _skip(source, position + 1) != len(source):
        raise Refused(400, _NOT_JSON)
    return found


def loads(source: str) -> object:
    """The meaning of one JSON text that is within bounds.

    Raises: Refused: it is none.
    """
    value, end = _decode(source, _skip(source, 0))
    if _skip(source, end) != len(source):
        raise Refused(400, _NOT_JSON)
    return value


def write_json(out: bytearray, value: object) -> None:
    """Append *value* to *out*; a `Field` stands for its value, which passes through no other text.

    Args:
        value: what `json.dumps` takes, and mappings with fields in them.
    """
    if isinstance(value, Field):
        _write_field(out, value)
    elif isinstance(value, dict):
        out += b"{"
        comma = b""
        for name, inner in value.items():
            out += comma
            out += json.dumps(name).encode("ascii")
            out += b":"
            write_json(out, inner)
            comma = b","
        out += b"}"
    else:
        out += json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def dumps(value: Mapping[str, object]) -> str:
    """*value* as compact JSON, as it is stored."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def kind_on_wire(field: Field) -> str:
    """The kind of *field*, or ``json-text`` for JSON that is none: a program may have stored anything as such."""
    if field.kind == "json":
        try:
            loads(str(field.data, "utf-8"))
        except Refused:
            return "json-text"
    return field.kind


def _write_field(out: bytearray, field: Field) -> None:
    if field.kind == "json" and kind_on_wire(field) == "json":
        out += field.data
    elif field.kind == "bytes":
        out += b'{"$bytes":"'
        out += b2a_base64(field.data, newline=False)
        out += b'"}'
    else:
        out += b'"'
        start = 0
        view = memoryview(field.data)
        for special in _ESCAPED.finditer(field.data):
            out += view[start : special.start()]
            out += b"\\u%04x" % field.data[special.start()]
            start = special.end()
        out += view[start:]
        out += b'"'


def _check_bounds(body: bytes | bytearray) -> None:
    depth = count = 0
    for token in _TOKEN.finditer(body):
        first = body[token.start()]
        if first == 0x22:
            continue
        count += 1
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
        if depth > DEPTH_MAX:
            raise Refused(400, f"JSON is nested more than {DEPTH_MAX} deep")
        if count > PUNCTUATION_MAX:
            raise Refused(400, "JSON has too many values")


_NOT_JSON = "the body is not JSON"
_TWICE = "a name stands twice in one JSON object"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused(400, _TWICE)
    return found


def _refuse_constant(_text: str) -> object:
    raise Refused(400, "NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Refused(400, "a number is too large to be kept exactly")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)


def _decode(source: str, start: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(source, start)
    except (ValueError, RecursionError):
        # `from None`: the cause holds the whole text.
        raise Refused(400, _NOT_JSON) from None


def _skip(source: str, position: int) -> int:
    found = _SPACE.match(source, position)
    return position if found is None else found.end()


def _expect(source: str, position: int, sign: str) -> int:
    position = _skip(source, position)
    if not source.startswith(sign, position):
        raise Refused(400, _NOT_JSON)
    return _skip(source, position + 1)
