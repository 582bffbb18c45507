"""Nodes and versions: what is inside their sealed bodies. Pure; bytes in, values out.

Source: docs/format.md#names and docs/format.md#versions.
"""

from __future__ import annotations

from struct import Struct

from strongroom.errors import FormatUnsupported
from strongroom.items import (
    COMPONENT_BYTES_MAX,
    FIELD_NAME_BYTES_MAX,
    FIELDS_MAX,
    ITEM_BYTES_MAX,
    Field,
    Version,
)
from strongroom.wire import Reader, counted, text, u8, u32

FORM = 1
FOLDER = 1
ITEM = 2
PRESENT = 1
DESTROYED = 2
TOP = bytes(16)
"""The id of the top folder, which has no node of its own."""
NO_REQUEST = bytes(16)
VERSIONS_MAX = 1000
CUSTOM_METADATA_MAX = 64
AUTHOR_BYTES_MAX = 256
_KINDS = {"text": 1, "bytes": 2, "json": 3}
_KIND_NAMES = {number: name for name, number in _KINDS.items()}
_NOT_SECRET = 128
# The parts of fixed width in one call each: an item has up to ten entries, and every write packs them all.
_HEAD = Struct(">QQIBQI")
_ENTRY = Struct(">Q16sQQQB16s")


class Entry:
    """What a node knows of one version: docs/format.md#names. Times in µs, 0 for none."""

    __slots__ = ("author", "created", "deleted", "edition", "expires", "number", "request_id", "state")

    def __init__(
        self,
        number: int,
        edition: bytes,
        created: int,
        author: str,
        *,
        deleted: int = 0,
        expires: int = 0,
        state: int = PRESENT,
        request_id: bytes = NO_REQUEST,
    ) -> None:
        self.number = number
        self.edition = edition
        self.created = created
        self.author = author
        self.deleted = deleted
        self.expires = expires
        self.state = state
        self.request_id = request_id

    def is_deleted(self, now: int) -> bool:
        """Whether it counts as deleted at *now*; a deletion time may lie ahead."""
        return 0 < self.deleted <= now

    def describe(self) -> Version:
        """The public view of it."""
        return Version(
            self.number,
            created_us=self.created,
            deleted_us=self.deleted,
            expires_us=self.expires,
            destroyed=self.state == DESTROYED,
            author=self.author,
        )


class Node:
    """One folder or item: its name, and for an item its head.

    Attributes:
        revision: counts the writes to this node; 0 for folders.
        current: number of the newest version there ever was; 0 before the first.
        max_versions: 0 for the vault's setting.
        delete_after: µs after which a new version is deleted; 0 for the vault's setting.
        entries: ascending by number.
    """

    __slots__ = (
        "cas_required", "current", "custom", "delete_after", "entries", "kind", "max_versions", "name", "revision",
    )  # fmt: skip

    def __init__(self, kind: int, name: str) -> None:
        self.kind = kind
        self.name = name
        self.revision = 0
        self.current = 0
        self.max_versions = 0
        self.cas_required = False
        self.delete_after = 0
        self.custom: dict[str, str] = {}
        self.entries: list[Entry] = []

    def entry(self, number: int) -> Entry | None:
        """The entry of version *number*, or None."""
        for entry in reversed(self.entries):
            if entry.number == number:
                return entry
        return None


def encode_node(node: Node) -> bytes:
    """The plaintext of a node's body."""
    parts = [u8(FORM), u8(node.kind), text(node.name)]
    if node.kind == ITEM:
        parts += [
            _HEAD.pack(
                node.revision,
                node.current,
                node.max_versions,
                node.cas_required,
                node.delete_after,
                len(node.custom),
            )
        ]
        for key, value in node.custom.items():
            parts += [text(key), text(value)]
        parts.append(u32(len(node.entries)))
        for entry in node.entries:
            parts += [
                _ENTRY.pack(
                    entry.number,
                    entry.edition,
                    entry.created,
                    entry.deleted,
                    entry.expires,
                    entry.state,
                    entry.request_id,
                ),
                text(entry.author),
            ]
    return b"".join(parts)


def decode_node(data: bytes) -> Node:
    """The node in an authenticated body.

    Raises:
        FormatUnsupported: a form written by a newer program.
        Tampered: malformed; only a faulty writer holding the keys can have made it.
    """
    reader = Reader(data, "node")
    _check_form(reader)
    kind = reader.u8()
    node = Node(kind, reader.text(COMPONENT_BYTES_MAX))
    if kind == ITEM:
        node.revision = reader.u64()
        node.current = reader.u64()
        node.max_versions = reader.u32()
        node.cas_required = bool(reader.u8())
        node.delete_after = reader.u64()
        for _ in range(reader.count(CUSTOM_METADATA_MAX)):
            key = reader.text(COMPONENT_BYTES_MAX)
            node.custom[key] = reader.text(COMPONENT_BYTES_MAX)
        node.entries = [_decode_entry(reader) for _ in range(reader.count(VERSIONS_MAX))]
    elif kind != FOLDER:
        raise reader.malformed("unknown kind")
    reader.finish()
    return node


def _decode_entry(reader: Reader) -> Entry:
    fixed = _ENTRY.unpack(reader.take(_ENTRY.size))
    number, edition, created, deleted, expires, state, request_id = fixed
    if state not in (PRESENT, DESTROYED):
        raise reader.malformed("unknown state")
    author = reader.text(AUTHOR_BYTES_MAX)
    return Entry(
        number, edition, created, author, deleted=deleted, expires=expires, state=state, request_id=request_id
    )


def encode_fields(fields: dict[str, Field]) -> bytes:
    """The plaintext of a version's body.

    Raises: ValueError: more than 256 fields, or more than 16 MiB in all.
    """
    if len(fields) > FIELDS_MAX:
        raise ValueError(f"an item holds at most {FIELDS_MAX} fields")
    # Values as views, whose content no traceback shows.
    parts: list[bytes | memoryview] = [u8(FORM), u32(len(fields))]
    for field in fields.values():
        flag = 0 if field.is_secret else _NOT_SECRET
        parts += [text(field.name), u8(_KINDS[field.kind] | flag), memoryview(counted(field.data))]
    if sum(map(len, parts)) > ITEM_BYTES_MAX:
        raise ValueError(f"an item holds at most {ITEM_BYTES_MAX // 1024 // 1024} MiB")
    return b"".join(parts)


def decode_fields(data: bytes | memoryview) -> dict[str, Field]:
    """The fields in an authenticated version body, in stored order.

    Raises: FormatUnsupported, Tampered: as `decode_node`.
    """
    reader = Reader(data, "version")
    _check_form(reader)
    fields: dict[str, Field] = {}
    for _ in range(reader.count(FIELDS_MAX)):
        name = reader.text(FIELD_NAME_BYTES_MAX)
        kind = reader.u8()
        kind_name = _KIND_NAMES.get(kind & ~_NOT_SECRET)
        if kind_name is None:
            raise reader.malformed("unknown field kind")
        fields[name] = Field(name, kind_name, reader.counted(ITEM_BYTES_MAX), is_secret=not kind & _NOT_SECRET)
    reader.finish()
    return fields


def _check_form(reader: Reader) -> None:
    if reader.u8() != FORM:
        raise FormatUnsupported("this item was written by a newer strongroom", advice="upgrade strongroom")
