"""From an older format to the newest: numbered steps forward, in one transaction, after a copy was made.

A step has two halves. `stores.schema.FORMATS` says which tables there are; the store makes the
new ones and drops those that are gone. `MOVES` says here, under the number of the format that it
leads to, what fills the new ones; it may open and seal rows, as the vault is open. The rows of
both formats are there while it runs. A format that was released is never changed again, so that
a vault of any age takes every step that it has missed, in order, and all of them or none.

What a step must not change is how a vault is opened: header, key slots and the ledger's row.
A format that does brings along a way to read them as they were.
"""

from __future__ import annotations

from strongroom.errors import Tampered
from strongroom.stores import schema
from strongroom.stores.schema import HEADER
from strongroom.vault.slots import checked_slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.stores.interface import Writing
    from strongroom.vault.core import Core

    Move = Callable[[Core, Writing], None]

MOVES: dict[int, Move] = {}
"""There has been one format so far."""


def is_outdated(core: Core) -> bool:
    """Whether the vault is of an older format than this program works with; then it can only be upgraded."""
    return core.store.format is not schema.newest()


def upgrade(core: Core, *, keep: Callable[[], None]) -> int:
    """Bring the vault to the newest format.

    Args:
        keep: makes a copy of the store as it is; called when nobody else can write any more.

    Returns: the number of the format that it had.
    Raises:
        Tampered: it is not what was written; counting anew would make what lies there genuine.
        OutcomeUnknown: the commit's answer is missing: it is of the old or the new format, whole.
        StoreUnavailable: nothing was changed.
    """
    old = core.store.format
    steps = schema.FORMATS[old.number :]
    if not steps:
        return old.number
    with core.changing(f"upgrade {steps[-1].number}") as change:
        records = checked_slots(core, change.rows)
        rows = change.rows.store_rows
        if not core.ledger.fits(rows, change.state.total, old):
            raise Tampered("the store is not what was written", advice="see what it is: strongroom verify")
        keep()
        for step in steps:
            with core.store.reshaping(step):
                MOVES[step.number](core, rows)
        core.keys.forget_header()
        core.keys.header.format = steps[-1].number
        body, mac = core.keys.seal_header(records)
        change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))
        change.rows.finish()
        # Every row counts anew, once: the steps have written beside the sum.
        change.count_anew(core.ledger, core.ledger.recompute(rows, steps[-1]))
        change.scrub = True
    return old.number
