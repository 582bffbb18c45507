"""New keys at once, old rows re-encrypted bit by bit, old keys destroyed last.

`begin` makes a new primary data key and a new index key; from then on nothing is
written under the old ones. `Pass` walks over every table in small commits, between
which readers and writers go on; each row says by its key id whether it was done, so an
interrupted pass is simply started again. `finish` destroys the old keys once no row
uses them. Source: docs/format.md#rotation.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import Conflict, Tampered
from strongroom.keys.deposit_keys import renew_deposit_seed
from strongroom.keys.format import SlotRecord
from strongroom.stores.interface import Reading, Row, Table, blob, integer
from strongroom.stores.schema import AUDIT, HEADER, NODES, OBJECTS, SLOTS, VERSIONS
from strongroom.vault.change import Change
from strongroom.vault.core import Core
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.names import Place
from strongroom.vault.records import DESTROYED, ITEM
from strongroom.vault.slots import NOTE_TYPE, checked_slots
from strongroom.wire import u8, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[int, int], None]

_BATCH = 200
"""Rows in one commit: a few milliseconds in which other writers wait."""
_KEY_ID = slice(0, 4)
_UNFINISHED_MAX = 32
"""Every look-up tries each index key, and a keyset holds 64 purpose keys."""


def is_unfinished(core: Core) -> bool:
    """Whether old keys are still waiting for rows to be re-encrypted."""
    keyset = core.keys.keyset
    return len(keyset.enabled) > 1 or len(keyset.purpose_versions(labels.INDEX_KEY)) > 1


def rotate(core: Core, *, root: bool = False, progress: Progress | None = None) -> int:
    """See `Vault.rotate`.

    Returns: how many rows were re-encrypted by this call.
    """
    with core.reading():
        if core.change is not None:
            raise RuntimeError("a rotation takes several commits and cannot be part of a transaction")
        resumes = is_unfinished(core)
    if root or not resumes:
        begin(core, root=root)
    total = 0
    while True:
        done = Pass(core, progress).run()
        total += done
        if finish(core):
            return total
        if not done:
            raise Tampered(
                "a row is still under an old key and belongs to nothing", advice="see what it is: strongroom verify"
            )


def begin(core: Core, *, root: bool = False, without: bytes | None = None) -> None:
    """New data and index keys; with *root* also a new root key, identity and ledger key.

    Args:
        without: the id of a slot that gets no new root key: it is removed.

    Raises: Conflict: there is no other slot, or too many rotations were begun and never finished.
    """
    operation = "slot remove" if without is not None else "rotate root" if root else "rotate"
    with core.changing(operation) as change:
        records = checked_slots(core, change.rows)
        now = change.now
        if len(core.keys.keyset.purpose_versions(labels.INDEX_KEY)) > _UNFINISHED_MAX:
            raise Conflict(f"{_UNFINISHED_MAX} rotations are unfinished", advice="finish them: strongroom rotate")
        if not root:
            keys = core.keys
        else:
            left = [record for record in records if record.slot_id != without]
            if not left:
                raise Conflict(
                    "the last key slot cannot be removed", advice="add another one first: strongroom slot add"
                )
            keys, left = core.keys.next_epoch(left)
            renew_deposit_seed(keys.keyset)
            keys.keyset.add_purpose_key(labels.LEDGER_KEY)
            # The whole sum is made anew below, so that nothing needs the old key.
            keys.keyset.drop_old_purpose_keys(labels.LEDGER_KEY)
            # An old record would let the removed slot, or an older state, come back from a free page.
            change.scrub = True
            _replace_slots(change, records, left)
            records = left
        keys.forget_header()
        keys.keyset.add_primary(now)
        keys.keyset.add_purpose_key(labels.INDEX_KEY)
        body, mac = keys.seal_header(records)
        change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))
        core.replace_keys(change, keys)


def _replace_slots(change: Change, old: list[SlotRecord], new: list[SlotRecord]) -> None:
    kept = {record.slot_id: record for record in new}
    for record in old:
        row: Row = (record.slot_id, record.encode())
        successor = kept.get(record.slot_id)
        if successor is not None:
            change.rows.put(SLOTS, (successor.slot_id, successor.encode()), replaces=row)
            continue
        change.rows.delete(SLOTS, row)
        note = change.rows.get(OBJECTS, NOTE_TYPE, record.slot_id)
        if note is not None:
            change.rows.delete(OBJECTS, note)


class Pass:
    """One walk over every row that is sealed under a data key.

    Args:
        progress: called with (rows looked at, rows in all) after each commit.
    """

    def __init__(self, core: Core, progress: Progress | None) -> None:
        self._core = core
        self._progress = progress
        self._seen = 0
        self._total = 0
        self._done = 0

    def run(self) -> int:
        """Re-encrypt what is not under the primary. Returns: how many rows that were."""
        with self._core.reading() as rows:
            self._total = sum(1 for table in (NODES, VERSIONS, OBJECTS, AUDIT) for _ in rows.scan(table))
        for table, renew in ((NODES, self._node), (OBJECTS, self._object), (AUDIT, self._entry)):
            after: tuple[int | bytes, ...] | None = None
            while True:
                batch = self._batch(table, after, renew)
                if not batch:
                    break
                after = batch[-1][: table.key_length]
        return self._done

    def _batch(
        self, table: Table, after: tuple[int | bytes, ...] | None, renew: Callable[[Change, Row], None]
    ) -> list[Row]:
        with self._core.store.reading() as rows:
            batch = rows.page(table, after, _BATCH)
        if any(self._is_old(row) or table is NODES for row in batch):
            with self._core.changing("rotate") as change:
                # What was read may have been changed since; only what is there now counts.
                for key in [row[: table.key_length] for row in batch]:
                    row = change.rows.get(table, *key)
                    if row is not None:
                        renew(change, row)
        self._seen += len(batch)
        if self._progress is not None and batch:
            self._progress(min(self._seen, self._total), self._total)
        return batch

    def _is_old(self, row: Row) -> bool:
        return blob(row, -1)[_KEY_ID] != self._core.keys.keyset.primary_id.to_bytes(4, "big")

    def _node(self, change: Change, row: Row) -> None:
        tree = self._core.tree
        place = tree.open(row)
        if place.node.kind == ITEM:
            self._versions(change, place)
        if self._is_old(row) or not tree.has_current_token(place):
            tree.save(change.rows, place)
            self._done += 1

    def _versions(self, change: Change, place: Place) -> None:
        envelope = self._core.envelope
        for entry in place.node.entries:
            row = None if entry.state == DESTROYED else change.rows.get(VERSIONS, place.id, entry.number)
            if row is None:
                continue  # gone from the store: `verify` says so, and `finish` does not mind
            self._seen += 1
            if self._is_old(row):
                parts = (place.id, u64(entry.number), entry.edition)
                plaintext = memoryview(envelope.decrypt(labels.VERSION, blob(row, 2), *parts))
                sealed = envelope.encrypt(labels.VERSION, plaintext, *parts)
                change.rows.put(VERSIONS, (place.id, entry.number, sealed), replaces=row)
                self._done += 1

    def _object(self, change: Change, row: Row) -> None:
        if integer(row, 0) == NOTE_TYPE:
            self._reseal(change, OBJECTS, row, labels.SLOT_NOTE, (blob(row, 1),))
        else:
            self._reseal(change, OBJECTS, row, labels.OBJECT, (u8(integer(row, 0)), blob(row, 1)))

    def _entry(self, change: Change, row: Row) -> None:
        self._reseal(change, AUDIT, row, labels.AUDIT_ENTRY, (blob(row, 0), u64(integer(row, 1))))

    def _reseal(self, change: Change, table: Table, row: Row, object_type: int, parts: tuple[bytes, ...]) -> None:
        if not self._is_old(row):
            return
        envelope = self._core.envelope
        sealed = envelope.encrypt(object_type, envelope.decrypt(object_type, blob(row, -1), *parts), *parts)
        change.rows.put(table, (*row[:-1], sealed), replaces=row)
        self._done += 1


def finish(core: Core) -> bool:
    """Destroy the old keys, and what free pages and logs still hold of them.

    Returns: False, and nothing is destroyed, when a row still uses one: another program has
        begun a rotation of its own meanwhile, or the row belongs to no item.
    """
    with core.changing("rotate finish") as change:
        records = checked_slots(core, change.rows)
        keyset = core.keys.keyset
        if _has_leftovers(core, change.rows):
            return False
        core.keys.forget_header()
        for key_id in [key_id for key_id in keyset.enabled if key_id != keyset.primary_id]:
            keyset.disable(key_id)
            keyset.destroy(key_id)
        keyset.drop_destroyed()
        for purpose in (labels.INDEX_KEY, labels.LEDGER_KEY, labels.IDENTITY_SEED):
            keyset.drop_old_purpose_keys(purpose)
        body, mac = core.keys.seal_header(records)
        change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))
        core.replace_keys(change, core.keys)
        change.scrub = True
    return True


def _has_leftovers(core: Core, rows: Reading | LedgeredRows) -> bool:
    primary = core.keys.keyset.primary_id.to_bytes(4, "big")
    return any(
        blob(row, -1)[_KEY_ID] != primary for table in (NODES, VERSIONS, OBJECTS, AUDIT) for row in rows.scan(table)
    )
