"""Fields as the body of a request, written into memory that can be wiped. Pure.

Text is a string, bytes are ``{"$bytes": "base64"}``, other JSON stands as it is; ``strongroom``
beside them names the secret fields and the kinds.
"""

from __future__ import annotations

import json
import re
from binascii import b2a_base64

from strongroom.vault.values import to_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from strongroom.items import Field
    from strongroom.vault.values import FieldValue

# What JSON does not let stand in a string.
_ESCAPED = re.compile(rb'["\\\x00-\x1f]')


def write_body(
    fields: Mapping[str, FieldValue],
    *,
    cas: int | None = None,
    lifetime: int | str | None = None,
    request_id: str = "",
    removed: Iterable[str] = (),
    create: bool = False,
) -> bytearray:
    """The body of a write.

    Args:
        cas: the version that must be current.
        lifetime: in µs; ``"never"`` in a merge.
        request_id: 32 hex digits.
        removed: names that a merge takes away.
        create: whether a merge may make an item.

    Returns: JSON, which the caller wipes.
    Raises: TypeError, ValueError: a name or value that cannot be stored.
    """
    options: dict[str, object] = {} if cas is None else {"cas": cas}
    own: dict[str, object] = {}
    if lifetime is not None:
        own["lifetime_us"] = lifetime
    if request_id:
        own["request_id"] = request_id
    if create:
        own["create"] = True
    return _body(to_fields(fields), options, own, removed)


def _body(
    fields: Mapping[str, Field], options: dict[str, object], own: dict[str, object], removed: Iterable[str]
) -> bytearray:
    own["secret"] = [name for name, field in fields.items() if field.is_secret]
    own["kinds"] = {name: field.kind for name, field in fields.items()}
    out = bytearray(b'{"data":{')
    comma = b""
    for name in removed:
        out += comma + _text(name) + b":null"
        comma = b","
    for name, field in fields.items():
        out += comma + _text(name) + b":"
        _write_field(out, field)
        comma = b","
    out += b'},"options":' + _text({**options, "strongroom": own}) + b"}"
    return out


def write_bodies(items: Mapping[str, Mapping[str, FieldValue]], *, request_id: str) -> bytearray:
    """The body of a write of several items.

    Returns: JSON, which the caller wipes.
    Raises: TypeError, ValueError: as `write_body`.
    """
    converted = {path: to_fields(fields) for path, fields in items.items()}
    out = bytearray(b'{"request_id":' + _text(request_id) + b',"items":{')
    comma = b""
    for path, fields in converted.items():
        out += comma + _text(path) + b":"
        out += _body(fields, {}, {}, ())
        comma = b","
    out += b"}}"
    return out


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _write_field(out: bytearray, field: Field) -> None:
    data = field.data
    if field.kind == "json":
        out += data
    elif field.kind == "bytes":
        out += b'{"$bytes":"'
        out += b2a_base64(data, newline=False)
        out += b'"}'
    else:
        out += b'"'
        start = 0
        for special in _ESCAPED.finditer(data):
            out += memoryview(data)[start : special.start()]
            out += b"\\u%04x" % data[special.start()]
            start = special.end()
        out += memoryview(data)[start:]
        out += b'"'
