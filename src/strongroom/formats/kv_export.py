"""What HashiCorp Vault and OpenBao give out of a KV store, as JSON. Only read.

``bao kv get -format=json PATH`` (version 1 or 2 of the engine), several of them behind each other, or an object of
paths and their fields. The first kind does not say its path: the import's target does.
"""

from __future__ import annotations

from strongroom.formats import json_file
from strongroom.formats.interface import BadFile, Document, Entry, check_depth, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def read(data: bytes | bytearray) -> Document:
    """Every field, under the components of its path.

    Raises: BadFile: not JSON, or neither a reply of a KV engine nor an object of paths.
    """
    text, bom = decode(data)
    found = json_file.parse(text)
    if not isinstance(found, dict):
        raise BadFile("an export of a KV store is a JSON object")
    if "request_id" in found and isinstance(found.get("data"), dict):
        return Document(text, [_entry((name,), value) for name, value in _secret(found["data"])], bom=bom)
    entries: list[Entry] = []
    for path, fields in found.items():
        _walk(tuple(part for part in path.split("/") if part), fields, entries)
    return Document(text, entries, bom=bom)


def _secret(data: dict[str, object]) -> Iterator[tuple[str, object]]:
    """The fields of a reply, which version 2 of the engine wraps once more."""
    inner = data.get("data")
    if isinstance(inner, dict) and isinstance(data.get("metadata"), dict):
        yield from inner.items()
    elif "metadata" in data and inner is None:
        raise BadFile("this version was deleted; there is nothing in it")
    else:
        yield from data.items()


def _walk(keys: tuple[str, ...], found: object, entries: list[Entry]) -> None:
    """An object whose values are all objects is a folder; any other is an item."""
    check_depth(keys, 1)
    if not keys or not isinstance(found, dict):
        raise BadFile("an export of a KV store holds objects of paths, and in them objects of fields")
    if "request_id" in found and isinstance(found.get("data"), dict):
        found = dict(_secret(found["data"]))
    elif isinstance(found.get("data"), dict) and isinstance(found.get("metadata"), dict):
        found = dict(_secret(found))
    if found and all(isinstance(value, dict) for value in found.values()):
        for name, value in found.items():
            _walk((*keys, *(part for part in name.split("/") if part)), value, entries)
        return
    entries += [_entry((*keys, name), value) for name, value in found.items()]


def _entry(keys: tuple[str, ...], value: object) -> Entry:
    if isinstance(value, str):
        try:
            return Entry(keys, value.encode("utf-8"), is_secret=True)
        except UnicodeEncodeError:
            raise BadFile(f"the value of {'/'.join(keys)} holds half of a surrogate pair") from None
    from json import dumps

    written = dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Entry(keys, written.encode("ascii"), kind="json", is_secret=True)
