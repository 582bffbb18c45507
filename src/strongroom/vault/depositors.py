"""Depositors: who may write into the inbox, stored as sealed rows; and the deposit key that they find there.

What becomes of their deposits is in `deposits`. Source: docs/format.md#deposits.
"""

from __future__ import annotations

from strongroom.crypto import entropy, labels
from strongroom.errors import Conflict, NotFound, StoreUnavailable, StrongroomError, Tampered
from strongroom.items import quoted_name
from strongroom.keys import deposit_keys
from strongroom.stores.inbox import Inbox
from strongroom.stores.interface import Reading, Row, blob
from strongroom.stores.schema import HEADER, OBJECTS
from strongroom.vault.core import Core
from strongroom.vault.deposit_records import Depositor, decode_depositor, encode_depositor
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.slots import checked_slots
from strongroom.wire import u8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.keys.deposit_keys import DepositorKey

TYPE = 4
DEPOSITORS_MAX = 64
INBOX_ENDING = ".inbox"


def inbox_of(core: Core) -> Inbox:
    """The inbox beside the vault's file, which may be absent.

    Raises: StoreUnavailable: this kind of store has none.
    """
    if not core.store.location.startswith("/"):
        raise StoreUnavailable("only a vault in a file has an inbox", advice="grant the capability deposit instead")
    return Inbox(core.store.location + INBOX_ENDING)


def list_depositors(core: Core) -> list[Depositor]:
    """All depositors, oldest first."""
    with core.reading() as rows:
        return read_depositors(core, rows)


def add_depositor(core: Core, name: str, patterns: Sequence[str], group: int | None) -> DepositorKey:
    """See `Vault.deposit_key`."""
    refuse_transaction(core)
    inbox = inbox_of(core)
    with core.changing("depositor add") as change:
        known = read_depositors(core, change.rows)
        if any(depositor.name == name for depositor in known):
            raise Conflict(f"there is a depositor {name}", advice=f"strongroom deposit remove-key {quoted_name(name)}")
        if len(known) >= DEPOSITORS_MAX:
            raise Conflict(f"there are at most {DEPOSITORS_MAX} depositors", advice="strongroom deposit keys")
        key = deposit_keys.new_depositor_key(core.keys, entropy.random_bytes(16))
        depositor = Depositor(key.depositor_id, name, key.public_key(), patterns, change.now)
        inbox.create(group)
        records = checked_slots(core, change.rows)
        if not deposit_keys.has_deposit_key(core.keys):
            core.keys.forget_header()
            deposit_keys.ensure_deposit_seed(core.keys.keyset)
            body, mac = core.keys.seal_header(records)
            change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))
            core.replace_keys(change, core.keys)
        write_depositor(core, change.rows, depositor, replaces=None)
    refresh_notice(core)
    return key


def remove_depositor(core: Core, name: str) -> Depositor:
    """See `Vault.remove_depositor`."""
    with core.changing("depositor remove") as change:
        for depositor in read_depositors(core, change.rows):
            if name in (depositor.name, depositor.id.hex()):
                row = change.rows.get(OBJECTS, TYPE, depositor.id)
                if row is not None:
                    change.rows.delete(OBJECTS, row)
                return depositor
        raise NotFound(f"no depositor {name}", advice="see them: strongroom deposit keys")


def refresh_notice(core: Core) -> None:
    """Publish the deposit key in the inbox, where another one or none is; nothing happens without an inbox.

    Raises: UnsafePermissions, StoreUnavailable, Denied: about the inbox.
    """
    with core.reading():
        keys = core.keys
        if not core.store.location.startswith("/") or not deposit_keys.has_deposit_key(keys):
            return
        inbox = inbox_of(core)
        if not inbox.exists:
            return
        notice = inbox.notice()
        if notice is None or not deposit_keys.is_newest_notice(keys, notice):
            inbox.write_notice(deposit_keys.make_notice(keys))


def count_waiting(core: Core) -> int | None:
    """How many deposits lie in the inbox; 0 where there can be none, None when it cannot be looked into."""
    if not core.store.location.startswith("/"):
        return 0
    try:
        return len(inbox_of(core).letters())
    except StrongroomError:
        return None


def read_depositor(core: Core, row: Row) -> Depositor:
    """The depositor in a row of the store.

    Raises: Tampered, FormatUnsupported: it is not what was written there.
    """
    depositor_id = blob(row, 1)
    return decode_depositor(depositor_id, core.envelope.decrypt(labels.OBJECT, blob(row, 2), u8(TYPE), depositor_id))


def read_depositors(core: Core, rows: Reading | LedgeredRows) -> list[Depositor]:
    """All depositors in the store, oldest first.

    Raises: Tampered, FormatUnsupported: as `read_depositor`, or too many.
    """
    found: list[Depositor] = []
    for row in rows.scan(OBJECTS, TYPE):
        if len(found) == DEPOSITORS_MAX:
            raise Tampered(f"there are more than {DEPOSITORS_MAX} depositors", advice="run: strongroom verify")
        found.append(read_depositor(core, row))
    return sorted(found, key=lambda depositor: (depositor.created_us, depositor.id))


def write_depositor(core: Core, rows: LedgeredRows, depositor: Depositor, *, replaces: Row | None) -> None:
    """Seal *depositor* into the store."""
    sealed = core.envelope.encrypt(labels.OBJECT, encode_depositor(depositor), u8(TYPE), depositor.id)
    rows.put(OBJECTS, (TYPE, depositor.id, sealed), replaces=replaces)


def refuse_transaction(core: Core) -> None:
    """Raise RuntimeError inside a transaction."""
    if core.change is not None:
        raise RuntimeError("deposits are files, which no transaction can undo")
