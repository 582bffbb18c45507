"""Adding, listing, changing and removing key slots of an open vault.

Every change is preceded by a check of the header MAC over the slots that are there:
sealing a new header over a planted slot would make it genuine.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import Conflict, FormatUnsupported, NotFound, Tampered
from strongroom.items import COMPONENT_BYTES_MAX, check_name
from strongroom.keys.format import SLOTS_MAX, SlotRecord
from strongroom.keys.slots import registry
from strongroom.stores.interface import Reading, Row, blob
from strongroom.stores.schema import HEADER, OBJECTS, SLOTS
from strongroom.vault.change import Change
from strongroom.vault.core import Core
from strongroom.vault.ledger import LedgeredRows
from strongroom.wire import Reader, text, u8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from strongroom.keys.slots.interface import Credential

NOTE_TYPE = 2
_FORM = 1


class SlotInfo:
    """What may be shown of a key slot.

    Attributes:
        id: 32 hex digits.
        kind: as `registry.kind_name`.
        parameters: its key derivation, key file's id or recipient, in words.
        raw_parameters: the same as they are stored (docs/format.md#key-slots).
    """

    __slots__ = ("_created_us", "id", "kind", "label", "parameters", "raw_parameters")

    def __init__(self, record: SlotRecord, label: str) -> None:
        self.id = record.slot_id.hex()
        self.kind = registry.kind_name(record.kind)
        self.parameters = registry.describe(record)
        self.raw_parameters = record.parameters
        self.label = label
        self._created_us = record.created_us

    @property
    def created(self) -> datetime:
        """When the slot was made, or its secret last changed; aware UTC."""
        from datetime import UTC, datetime, timedelta

        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._created_us)

    def __repr__(self) -> str:
        return f"SlotInfo(id={self.id!r}, kind={self.kind!r})"


def list_slots(core: Core) -> list[SlotInfo]:
    """The slots, oldest first."""
    with core.reading() as rows:
        found = [(record, _read_label(core, rows, record.slot_id)) for record in checked_slots(core, rows)]
    found.sort(key=lambda pair: (pair[0].created_us, pair[0].kind, pair[0].slot_id))
    return [SlotInfo(record, label) for record, label in found]


def add_slot(core: Core, credential: Credential, label: str) -> SlotInfo:
    """Make a slot for *credential*; see `Vault.add_slot`."""
    if label:
        check_name(label, "label", COMPONENT_BYTES_MAX)
    # The key derivation takes long and must not happen while other writers wait.
    record = core.keys.new_slot(credential, core.clock_us())
    with core.changing(f"slot add {record.slot_id.hex()[:8]}") as change:
        records = checked_slots(core, change.rows)
        if len(records) >= SLOTS_MAX:
            raise Conflict(f"there are {SLOTS_MAX} key slots already", advice="remove one: strongroom slot remove ID")
        _check_epoch(core, record)
        _put_slot(change, record, replaces=None)
        _seal_header(core, change, [*records, record])
        put_note(core, change.rows, record.slot_id, label)
    return SlotInfo(record, label)


def find_slot(core: Core, slot_id: str) -> SlotRecord:
    """The slot whose id in hex is, or begins with, *slot_id*.

    Raises: NotFound: none, or several.
    """
    with core.reading() as rows:
        return _pick(checked_slots(core, rows), slot_id)


def renew_slot(core: Core, credential: Credential) -> bool:
    """Bring the slot that opened this vault up to date: stronger key derivation, newest identity.

    Returns: whether there was anything to do.
    """
    slot_id = core.keys.slot_id
    with core.reading() as rows:
        found = [record for record in checked_slots(core, rows) if record.slot_id == slot_id]
    if not found or not (core.keys.is_slot_behind or registry.is_outdated(found[0])):
        return False
    change_slot(core, slot_id.hex(), credential)
    core.keys.is_slot_behind = False
    return True


def change_slot(core: Core, slot_id: str, credential: Credential) -> SlotInfo:
    """Replace a slot's secret and key pair; see `Vault.change_slot`."""
    old = find_slot(core, slot_id)
    record = core.keys.new_slot(credential, core.clock_us(), slot_id=old.slot_id)
    with core.changing(f"slot change {record.slot_id.hex()[:8]}") as change:
        records = checked_slots(core, change.rows)
        old = _pick(records, old.slot_id.hex())
        _check_epoch(core, record)
        _put_slot(change, record, replaces=change.rows.get(SLOTS, old.slot_id))
        _seal_header(core, change, [record if other is old else other for other in records])
        label = _read_label(core, change.rows, old.slot_id)
        change.scrub = True
    return SlotInfo(record, label)


def put_note(core: Core, rows: LedgeredRows, slot_id: bytes, label: str) -> None:
    """Store the label of a slot, sealed."""
    sealed = core.envelope.encrypt(labels.SLOT_NOTE, u8(_FORM) + text(label), slot_id)
    row: Row = (NOTE_TYPE, slot_id, sealed)
    rows.put(OBJECTS, row, replaces=rows.get(OBJECTS, NOTE_TYPE, slot_id))


def _read_label(core: Core, rows: Reading | LedgeredRows, slot_id: bytes) -> str:
    row = rows.get(OBJECTS, NOTE_TYPE, slot_id)
    if row is None:
        raise Tampered(f"the label of key slot {slot_id.hex()} is gone from the store", advice="run: strongroom verify")
    return read_note(core, row)


def read_note(core: Core, row: Row) -> str:
    """The label in a note's row.

    Raises: Tampered: it was not sealed for this slot.
    """
    plaintext = core.envelope.decrypt(labels.SLOT_NOTE, blob(row, 2), blob(row, 1))
    reader = Reader(plaintext, "slot note")
    if reader.u8() != _FORM:
        raise FormatUnsupported("this slot note was written by a newer strongroom")
    label = reader.text(COMPONENT_BYTES_MAX)
    reader.finish()
    return label


def checked_slots(core: Core, rows: Reading | LedgeredRows) -> list[SlotRecord]:
    """The slots in the store, authenticated by the header MAC.

    Raises: Tampered: one was changed, planted or taken away.
    """
    return core.keys.check_slots([(blob(row, 0), blob(row, 1)) for row in rows.scan(SLOTS)])


def _pick(records: list[SlotRecord], slot_id: str) -> SlotRecord:
    found = [record for record in records if slot_id and record.slot_id.hex().startswith(slot_id.lower())]
    if len(found) != 1:
        why = "several key slots begin with" if found else "no key slot has the id"
        raise NotFound(f"{why} {slot_id}", advice="see them all: strongroom slot list")
    return found[0]


def _check_epoch(core: Core, record: SlotRecord) -> None:
    if record.epoch != core.keys.header.epoch:
        raise Conflict("the root key was rotated meanwhile", advice="repeat the command")


def _put_slot(change: Change, record: SlotRecord, *, replaces: Row | None) -> None:
    change.rows.put(SLOTS, (record.slot_id, record.encode()), replaces=replaces)


def _seal_header(core: Core, change: Change, records: list[SlotRecord]) -> None:
    body, mac = core.keys.seal_header(records)
    change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))
