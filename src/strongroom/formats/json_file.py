"""JSON files. The standard library reads the values, a scan over the checked text finds their places."""

from __future__ import annotations

import json
import re

from strongroom.formats.interface import DEPTH_MAX, BadFile, Document, Entry, Lines, check_depth, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def read(data: bytes | bytearray) -> Document:
    """Every string, number, true, false and null, under the names and list places that lead to it.

    Raises: BadFile: not JSON, a name twice in one object, NaN, nested too deeply.
    """
    text, bom = decode(data)
    # A byte order mark is kept; json.loads would refuse it.
    found = parse(text)
    lines, entries = Lines(text), []
    for (keys, value), (start, end) in zip(_leaves(found, ()), spans(text), strict=True):
        line = lines.at(start)
        check_depth(keys, line)
        if isinstance(value, str):
            kind, stored = "text", _utf8(value, line)
        else:
            kind, stored = "json", text[start:end].encode("ascii")
        entries.append(Entry(keys or ("value",), stored, kind=kind, line=line, span=(start, end)))
    return Document(text, entries, _write, template="json", bom=bom)


def parse(text: str) -> object:
    """What *text* holds.

    Raises: BadFile: as `read`.
    """
    try:
        found: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        # `from None`: the cause holds the whole text.
        raise BadFile(f"this is not JSON: line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep") from None
    except BadFile:
        raise
    except ValueError:
        raise BadFile("the file holds a number of too many digits") from None
    return found


def _write(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _leaves(found: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if len(keys) > DEPTH_MAX:
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep")
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _leaves(value, (*keys, name))
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from _leaves(value, (*keys, str(place)))
    else:
        yield keys, found


def spans(text: str) -> Iterator[tuple[int, int]]:
    """The places of all values that are neither objects, lists nor names; *text* is known to be JSON."""
    waiting: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        sign = text[token.start()]
        if sign == ":":
            waiting = None  # It was a name.
        elif sign in "{}[],":
            if waiting is not None:
                yield waiting
            waiting = None
        else:
            waiting = token.span()
    if waiting is not None:
        yield waiting


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadFile("a name stands twice in one JSON object")
    return found


def _refuse(_text: str) -> object:
    raise BadFile("NaN and Infinity are not JSON")


def _utf8(value: str, line: int) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadFile(f"line {line} holds half of a surrogate pair") from None
