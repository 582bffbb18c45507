"""Which rows of a ledger that cannot be read belong to it, for `verifying` to go on with."""

from __future__ import annotations

from strongroom.errors import Tampered
from strongroom.stores.interface import WRITERS_MAX, Reading, blob, integer
from strongroom.stores.schema import AUDIT, LEDGER
from strongroom.vault.audit import writer_id
from strongroom.vault.ledger import Ledger, State


def those_that_open(ledger: Ledger, rows: Reading, error: Tampered) -> tuple[State | None, list[str]]:
    """What the rows say that were sealed for their writers, and a finding for each of the others.

    Args:
        error: why the ledger as a whole cannot be read.

    Returns: None in place of the state when a writer's row is gone or changed.
    """
    shares: dict[int, tuple[int, int]] = {}
    findings = []
    for row in rows.scan(LEDGER):
        writer = integer(row, 0)
        try:
            shares[writer] = ledger.open(writer, blob(row, 1))
        except Tampered:
            if 0 <= writer < WRITERS_MAX and rows.last(AUDIT, writer_id(writer)) is not None:
                return None, [f"changed: the ledger: {error.message}"]
            findings.append("inserted: a second ledger row")
    if not shares:
        return None, [f"changed: the ledger: {error.message}"]
    return State(shares), findings
