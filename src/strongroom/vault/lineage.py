"""How far a vault has come: its commit counter, its newest commit, and the lineage they count in.

A lineage is one unbroken row of commits. A restored backup begins another, so that its
counter, which starts lower, is not mistaken for a roll-back by those who accept it, and
cannot pass for progress with those who do not. Source: docs/format.md#header.
"""

from __future__ import annotations

from strongroom.crypto import entropy
from strongroom.keys.format import ID_BYTES
from strongroom.stores.interface import Store
from strongroom.stores.schema import AUDIT, HEADER
from strongroom.vault.audit import writer_id
from strongroom.vault.core import Core
from strongroom.vault.ledger import Ledger
from strongroom.vault.slots import checked_slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime


def commit_counter(core: Core) -> int:
    """How many commits the vault has seen, as its sealed ledger row says.

    Raises: Tampered, RolledBack: the row is not what was written, or older than one seen before.
    """
    with core.reading() as rows:
        return core.ledger.read(rows).counter


def last_commit(core: Core) -> datetime | None:
    """When the newest commit was written, by the clock of its writer; None without an audit entry.

    Raises: Tampered: the newest audit entry is not what was written.
    """
    from datetime import UTC, datetime, timedelta

    with core.reading() as rows:
        # Each writer's newest; the newest of all has seen the most commits.
        newest = [rows.last(AUDIT, writer_id(writer)) for writer in core.ledger.read(rows).shares]
        entries = [core.audit.open(row)[0] for row in newest if row is not None]
    entry = max(entries, key=lambda entry: entry.counter, default=None)
    return None if entry is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=entry.time)


def begin_lineage(core: Core, operation: str = "restore-backup") -> None:
    """Give the vault a fresh random lineage.

    Args:
        operation: what the audit log calls it.

    Raises: Tampered: a key slot is not what was written; a new header must not make it genuine.
    """
    with core.changing(operation) as change:
        records = checked_slots(core, change.rows)
        core.keys.forget_header()
        core.keys.header.lineage = entropy.random_bytes(ID_BYTES)
        body, mac = core.keys.seal_header(records)
        change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))


def counter_of_copy(core: Core, copy: Store) -> int:
    """The commit counter that a copy of this vault holds.

    Raises: Tampered: it is no copy of this vault, or was made before its ledger key.
    """
    with copy.reading() as rows:
        return Ledger(core.keys.mac("ledger"), core.envelope).read(rows).counter
