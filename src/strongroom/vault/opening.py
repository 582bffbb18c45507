"""Making a vault in an empty store, and opening one with a credential."""

from __future__ import annotations

from time import time_ns

from strongroom.crypto import entropy
from strongroom.errors import FormatUnsupported, StoreUnavailable, Tampered, VaultNotFound
from strongroom.keys.format import SlotRecord
from strongroom.keys.opening import create_keys, unlock
from strongroom.stores.interface import Reading, Store, blob
from strongroom.stores.schema import HEADER, SLOTS
from strongroom.vault.audit import AuditEntry, Touched
from strongroom.vault.core import Core, check_format, slot_rows
from strongroom.vault.ledger import LedgeredRows, State
from strongroom.vault.settings import VaultSettings, write_settings
from strongroom.vault.slots import put_note
from strongroom.vault.vault import Vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.keys.slots.interface import Credential


def wall_clock_us() -> int:
    """µs since 1970 UTC.

    Raises: StoreUnavailable: the machine's clock shows a time before 1970, or after 2262, which Python cannot tell.
    """
    try:
        now = time_ns() // 1000
    except OverflowError:
        now = 0
    if now <= 0:
        raise StoreUnavailable(
            "this machine's clock is wrong: it shows a year before 1970 or after 2262", advice="set it: timedatectl"
        )
    return now


def create_vault(
    store: Store,
    credentials: Sequence[Credential],
    *,
    author: str,
    clock_us: Callable[[], int] = wall_clock_us,
    labels: Sequence[str] = (),
) -> Vault:
    """Write a new vault into *store*, which is empty, with one slot for each credential.

    Args:
        credentials: 1 to 32.
        author: how this program calls itself in the audit log, at most 256 bytes.
        labels: for the slots, in the same order; missing ones are empty.

    Returns: the vault, unlocked; the caller locks it.
    Raises: ValueError: no credential.
    """
    if not credentials:
        raise ValueError("a vault without a key slot could never be opened")
    now = clock_us()
    keys = create_keys(entropy.random_bytes(16), entropy.random_bytes(16), now)
    records = [keys.new_slot(credential, now) for credential in credentials]
    body, mac = keys.seal_header(records)
    core = Core(store, keys, author=author, clock_us=clock_us)
    with store.writing() as rows:
        ledgered = LedgeredRows(rows, core.ledger)
        for record in records:
            ledgered.put(SLOTS, (record.slot_id, record.encode()), replaces=None)
        ledgered.put(HEADER, (1, body, mac), replaces=None)
        for number, record in enumerate(records):
            put_note(core, ledgered, record.slot_id, labels[number] if number < len(labels) else "")
        write_settings(core.envelope, ledgered, VaultSettings())
        touched = [Touched(stamp, 0, 0, path) for path, stamp in ledgered.stamps.items()]
        core.audit.append(ledgered, AuditEntry(now, author, "init", 1, entropy.random_bytes(16), touched))
        ledgered.finish()
        core.ledger.write(rows, State({}).after(ledgered.writer, ledgered.delta))
    return Vault(core)


def open_vault(
    store: Store, credential: Credential, *, author: str, clock_us: Callable[[], int] = wall_clock_us
) -> Vault:
    """Open the vault in *store*.

    Raises:
        VaultNotFound: the store is empty.
        WrongKey: no slot opens with *credential*.
        Tampered: the header, a slot or the keyset is not what was written.
        FormatUnsupported: it was written by a newer program.
    """
    body, mac, slots = _read_header(store)
    keys = unlock(body, mac, slots, credential)
    check_format(keys, store)
    return Vault(Core(store, keys, author=author, clock_us=clock_us))


def slot_records(store: Store) -> list[SlotRecord]:
    """The key slots as they claim to be, before anything is authenticated: only to decide what to ask for.

    Those that are damaged, or of a kind that a newer program made, are left out: another slot may
    open the vault, and opening it judges all of them.

    Raises: VaultNotFound, Tampered, FormatUnsupported: as `open_vault`; the last two when none can be read.
    """
    records: list[SlotRecord] = []
    flaws: list[Tampered | FormatUnsupported] = []
    for _id, record in _read_header(store)[2]:
        try:
            records.append(SlotRecord.decode(record))
        except (Tampered, FormatUnsupported) as flaw:
            flaws.append(flaw)
    if flaws and not records:
        raise flaws[0]
    return records


def _read_header(store: Store) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]]:
    with store.reading() as rows:
        header = rows.get(HEADER, 1)
        slots = slot_rows(rows)
        if header is None:
            _refuse_unfinished(store, rows)
    if header is None:
        if slots:
            raise Tampered(f"the header of {store.location} is missing")
        raise VaultNotFound(f"no vault in {store.location}", advice="make one: strongroom init")
    if not slots:
        # A vault never loses its last slot by itself: this is no question of the right key.
        raise Tampered(
            f"every key slot of {store.location} is gone", advice="restore a backup: strongroom restore-backup FILE"
        )
    return blob(header, 1), blob(header, 2), slots


def _refuse_unfinished(store: Store, rows: Reading) -> None:
    from strongroom.vault.copying import is_unfinished  # where there is no vault, nothing is in a hurry

    if is_unfinished(rows):
        raise VaultNotFound(
            f"a copy into {store.location} was not finished", advice="finish it: strongroom copy SOURCE TARGET"
        )
