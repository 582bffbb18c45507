"""Fields as JSON and back: one form for ``get --json``, ``set --json`` and ``edit``.

Text is a string, bytes are ``{"$bytes": "base64"}``, other JSON stands as it is, and as
``{"$json": ...}`` where it would read as one of the two.
"""

from __future__ import annotations

import base64
import json

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.opening import checked_field
from strongroom.items import Field, is_secret_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.items import Item, Version

_BYTES = "$bytes"
_JSON = "$json"


def field_to_json(field: Field) -> object:
    """One field's value, ready for `json.dumps`."""
    if field.kind == "text":
        return str(field.data, "utf-8")
    if field.kind == "bytes":
        return {_BYTES: base64.b64encode(field.data).decode("ascii")}
    value: object = json.loads(bytes(field.data))
    if isinstance(value, str) or (isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$")):
        return {_JSON: value}
    return value


def fields_to_json(item: Item) -> dict[str, object]:
    """All fields of *item*, by name."""
    return {name: field_to_json(item.field(name)) for name in item.names()}


def fields_from_json(text: bytes | bytearray, *, known: Item | None = None) -> dict[str, Field]:
    """The fields of one JSON object.

    Args:
        text: UTF-8.
        known: the item whose fields keep being secret, or not, as they are.

    Raises: UsageError: not a JSON object, a name twice, a refused name, NaN, bad base64. The
        message says where, never what.
    """
    try:
        found = json.loads(
            bytes(text), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        # `from None`: the cause holds the whole text.
        raise UsageError(f"this is not JSON: line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise UsageError("this is not JSON: it is not UTF-8 text") from None
    except RecursionError:
        raise UsageError("this JSON is nested too deeply") from None
    if not isinstance(found, dict):
        raise UsageError('an item is a JSON object, as in {"username": "dustin"}')
    return {checked_field(name): _field(name, value, known) for name, value in found.items()}


def describe_version(version: Version) -> dict[str, object]:
    """What is known of *version*, ready for `json.dumps`; times in RFC 3339."""
    return {
        "version": version.number,
        "created": version.created.isoformat(),
        "author": version.author,
        "deleted": version.deleted.isoformat() if version.deleted else None,
        "expires": version.expires.isoformat() if version.expires else None,
        "destroyed": version.destroyed,
    }


def _field(name: str, value: object, known: Item | None) -> Field:
    kind, data = "json", b""
    if isinstance(value, str):
        kind, data = "text", _encoded(name, value)
    elif isinstance(value, dict) and set(value) == {_BYTES}:
        kind, data = "bytes", _from_base64(name, value[_BYTES])
    else:
        if isinstance(value, dict) and set(value) == {_JSON}:
            value = value[_JSON]
        data = _encoded(name, json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")))
    if known is not None and name in known:
        is_secret = known.is_secret(name)
    else:
        is_secret = is_secret_name(name) or kind == "bytes" or isinstance(value, list | dict)
    return Field(name, kind, data, is_secret=is_secret)


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f'{name} holds half of a surrogate pair; store it as {{"{_BYTES}": "base64"}}') from None


def _from_base64(name: str, text: object) -> bytes:
    try:
        if not isinstance(text, str):
            raise ValueError
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise UsageError(f"{name} is not valid base64") from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UsageError("a name stands twice in one JSON object")
    return found


def _refuse_constant(_text: str) -> object:
    raise UsageError("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise UsageError("a number is too large to be kept exactly")
    return number
