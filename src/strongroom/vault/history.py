"""Writing, deleting, restoring and destroying versions, as Vault's KV v2 does.

Functions over a `Change`: everything they do commits with it. The version counter of
an item only grows; deletion is a mark that can be taken back; destruction removes the
values and keeps what is known about them. Source: docs/format.md#versions.
"""

from __future__ import annotations

from strongroom.crypto import entropy, labels
from strongroom.errors import Conflict, Expired, NotFound, Tampered
from strongroom.items import COMPONENT_BYTES_MAX, RESERVED_MARK, Field, Version, parse_path, quoted_name
from strongroom.stores.interface import Reading, Row, blob
from strongroom.stores.schema import VERSIONS
from strongroom.vault.change import Change
from strongroom.vault.core import Core
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.names import Place
from strongroom.vault.records import (
    CUSTOM_METADATA_MAX,
    DESTROYED,
    ITEM,
    NO_REQUEST,
    Entry,
    Node,
    decode_fields,
    encode_fields,
)
from strongroom.vault.settings import VaultSettings
from strongroom.vault.spans import deadline
from strongroom.wire import u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from typing import Literal


def find_item(core: Core, rows: Reading | LedgeredRows, path: str) -> Place:
    """The item at *path*.

    Raises: NotFound: there is none.
    """
    place = core.tree.find(rows, parse_path(path), ITEM)
    if place is None:
        raise NotFound(f"no item {path}", advice="see what there is: strongroom ls")
    return place


def read_fields(core: Core, rows: Reading | LedgeredRows, place: Place, entry: Entry, path: str) -> dict[str, Field]:
    """The fields of one version that is neither destroyed nor, to the caller, deleted.

    Raises: Tampered: its row is missing, or was not sealed for this item, number and edition.
    """
    row = rows.get(VERSIONS, place.id, entry.number)
    if row is None:
        raise missing_version(path, entry.number)
    where = place.id, u64(entry.number), entry.edition
    try:
        # As a view, whose content no traceback shows.
        plaintext = memoryview(core.envelope.decrypt(labels.VERSION, blob(row, 2), *where))
    except Tampered:
        raise changed_version(path, entry.number) from None
    return decode_fields(plaintext)


def changed_version(path: str, number: int) -> Tampered:
    """The error for a version whose row was not sealed for it."""
    return Tampered(
        f"version {number} of {path} is not what was written: changed, swapped, or of another vault",
        advice="see what happened: strongroom verify",
    )


def missing_version(path: str, number: int) -> Tampered:
    """The error for a version that its item promises and the store does not have."""
    return Tampered(f"version {number} of {path} is gone from the store", advice="run: strongroom verify")


def write_version(
    change: Change,
    core: Core,
    path: str,
    fields: dict[str, Field],
    *,
    settings: VaultSettings,
    cas: int | None,
    expires: int = 0,
) -> Version:
    """Write *fields* as the next version of the item at *path*.

    Raises: Conflict: *cas* differs from the current version, or is missing and required.
    """
    components = parse_path(path)
    place = core.tree.find(change.rows, components, ITEM)
    node = Node(ITEM, components[-1]) if place is None else place.node
    repeated = _repeated(change, node)
    if repeated is not None:
        return repeated.describe()
    _check_cas(path, node, settings, cas)
    item_id = entropy.random_bytes(16) if place is None else place.id
    entry = Entry(
        node.current + 1,
        entropy.random_bytes(16),
        change.now,
        change.author,
        expires=expires,
        request_id=change.request_id,
    )
    # What the vault's owner says of items must not make a key of strongroom's own disappear.
    if components[0][:1] != RESERVED_MARK and (delete_after := node.delete_after or settings.delete_after):
        entry.deleted = change.now + delete_after
    _put_version(change, core, item_id, entry, fields)
    _append(change, node, entry)
    node.revision += 1
    _trim(change, item_id, node, settings)
    if place is None:
        parent = core.tree.make_folder(change.rows, components[:-1])
        core.tree.insert(change.rows, parent, components, node, item_id)
    else:
        core.tree.save(change.rows, place)
    change.touch(item_id, node.revision, entry.number, path)
    return entry.describe()


def delete_versions(change: Change, core: Core, path: str, numbers: Sequence[int], *, undo: bool = False) -> None:
    """Mark versions deleted, or take the mark back; none given: the current one.

    Raises: NotFound: no such item or version.
    """
    place = find_item(core, change.rows, path)
    entries = _entries(path, place.node, numbers or (place.node.current,))
    changed = False
    for entry in entries:
        # A deletion that lies ahead is taken back as well, as KV v2 does.
        is_done = not entry.deleted if undo else entry.is_deleted(change.now)
        if entry.state == DESTROYED or is_done:
            continue
        entry.deleted = 0 if undo else change.now
        changed = True
    if changed:
        _save(change, core, place, path, entries[-1].number)


def destroy_versions(change: Change, core: Core, path: str, numbers: Sequence[int]) -> None:
    """Remove the values of versions for good; what is known about them stays.

    Raises: NotFound: no such item or version.
    """
    place = find_item(core, change.rows, path)
    entries = _entries(path, place.node, numbers)
    for entry in entries:
        _delete_row(change, place.id, entry.number)
        entry.state = DESTROYED
    _save(change, core, place, path, entries[-1].number)
    change.scrub = True


def destroy_item(change: Change, core: Core, path: str) -> None:
    """Remove an item, its versions and all that was known about it, for good.

    Raises: NotFound: no such item.
    """
    place = find_item(core, change.rows, path)
    for row in change.rows.scan(VERSIONS, place.id):
        change.rows.delete(VERSIONS, row)
    core.tree.remove(change.rows, parse_path(path), place)
    change.touch(place.id, 0, 0, path)
    change.scrub = True


def configure_item(
    change: Change,
    core: Core,
    path: str,
    *,
    max_versions: int | None,
    cas_required: bool | None,
    delete_after: int | None,
    custom: dict[str, str] | None,
    create: bool,
) -> None:
    """Change an item's own settings; None leaves one as it is.

    Args:
        create: make an item without versions where there is none.

    Raises: NotFound: no such item.
    """
    components = parse_path(path)
    if create and core.tree.find(change.rows, components, ITEM) is None:
        parent = core.tree.make_folder(change.rows, components[:-1])
        core.tree.insert(change.rows, parent, components, Node(ITEM, components[-1]), entropy.random_bytes(16))
    place = find_item(core, change.rows, path)
    node = place.node
    if max_versions is not None:
        node.max_versions = max_versions
    if cas_required is not None:
        node.cas_required = cas_required
    if delete_after is not None:
        node.delete_after = delete_after
    if custom is not None:
        node.custom = custom
    _save(change, core, place, path, node.current)


def check_custom(custom: Mapping[str, str]) -> dict[str, str]:
    """*custom*, if it can be stored.

    Raises:
        TypeError: not text to text.
        ValueError: more than 64 entries, or a name or value that is too long.
    """
    if len(custom) > CUSTOM_METADATA_MAX:
        raise ValueError(f"an item holds at most {CUSTOM_METADATA_MAX} entries of custom metadata")
    for words in custom.items():
        for word in words:
            if type(word) is not str:
                raise TypeError("custom metadata is text to text")
            if len(word) > COMPONENT_BYTES_MAX or len(word.encode("utf-8", "replace")) > COMPONENT_BYTES_MAX:
                raise ValueError(f"custom metadata is at most {COMPONENT_BYTES_MAX} bytes each")
            if any("\ud800" <= character <= "\udfff" for character in word):
                raise ValueError("custom metadata holds lone surrogates")
    return dict(custom)


def next_deadline(path: str, entry: Entry, now: int, expires: timedelta | Literal["never"] | None) -> int:
    """When a version that follows *entry* expires, in µs; 0 for never.

    A merge must not bring a value back to life that is past its date, nor lose the date of
    one that is not.

    Raises: Expired: *entry* is past its date and *expires* says nothing.
    """
    if expires == "never":
        return 0
    if expires is not None:
        return deadline(now, expires)
    if 0 < entry.expires <= now:
        advice = f"say how long it holds now: strongroom set --expires 90d {quoted_name(path)}"
        raise Expired(f"{path} has expired", advice=advice)
    return entry.expires


def _save(change: Change, core: Core, place: Place, path: str, version: int) -> None:
    place.node.revision += 1
    core.tree.save(change.rows, place)
    change.touch(place.id, place.node.revision, version, path)


def _append(change: Change, node: Node, entry: Entry) -> None:
    change.written.add(entry.edition)
    node.entries.append(entry)
    node.current = entry.number


def _repeated(change: Change, node: Node) -> Entry | None:
    """What an earlier commit with this change's request id wrote here, if there was one."""
    if change.request_id == NO_REQUEST:
        return None
    earlier = [
        entry
        for entry in node.entries
        if entry.request_id == change.request_id and entry.edition not in change.written
    ]
    if not earlier:
        return None
    # A transaction may write an item several times; its repetition passes them in the same order.
    # The first of them may be trimmed by now: the whole commit was carried out all the same.
    entry = next((entry for entry in earlier if entry.edition not in change.repeated), earlier[-1])
    change.repeated.add(entry.edition)
    return entry


def is_repetition(change: Change, core: Core, path: str) -> bool:
    """Whether an earlier commit with this change's request id, by the same author, wrote a version at *path*."""
    place = core.tree.find(change.rows, parse_path(path), ITEM)
    return place is not None and any(
        entry.request_id == change.request_id != NO_REQUEST
        and entry.author == change.author
        and entry.edition not in change.written
        for entry in place.node.entries
    )


def _check_cas(path: str, node: Node, settings: VaultSettings, cas: int | None) -> None:
    if cas is None:
        # As with deletion: what is said of items is not about strongroom's own.
        if node.cas_required or (settings.cas_required and path[:1] != RESERVED_MARK):
            raise Conflict(f"{path} requires check-and-set", advice=f"say which version you saw: --cas {node.current}")
        return
    if cas != node.current:
        found = f"is at version {node.current}" if node.current else "does not exist"
        raise Conflict(f"{path} {found}, not at version {cas}", advice="read it again, then repeat the change")


def _put_version(change: Change, core: Core, item_id: bytes, entry: Entry, fields: dict[str, Field]) -> None:
    plaintext = memoryview(encode_fields(fields))
    sealed = core.envelope.encrypt(labels.VERSION, plaintext, item_id, u64(entry.number), entry.edition)
    row: Row = (item_id, entry.number, sealed)
    # Version numbers are never reused, so nothing of ours can lie there. What somebody
    # planted is not in the ledger's sum and is overwritten.
    change.rows.put(VERSIONS, row, replaces=None)


def _trim(change: Change, item_id: bytes, node: Node, settings: VaultSettings) -> None:
    keep = node.max_versions or settings.max_versions
    while len(node.entries) > keep:
        _delete_row(change, item_id, node.entries.pop(0).number)


def _delete_row(change: Change, item_id: bytes, number: int) -> None:
    row = change.rows.get(VERSIONS, item_id, number)
    if row is not None:
        change.rows.delete(VERSIONS, row)


def _entries(path: str, node: Node, numbers: Sequence[int]) -> list[Entry]:
    if not numbers:
        raise ValueError("no version given")
    entries = []
    for number in numbers:
        entry = node.entry(number)
        if entry is None:
            raise NotFound(f"{path} has no version {number}", advice=f"see them: strongroom log {quoted_name(path)}")
        entries.append(entry)
    return entries
