"""Deposits are taken in by whoever opens the vault with its keys, without being asked to."""

from __future__ import annotations

import os

from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.vault import Vault

INBOX_ENDING = ".inbox"
"""As in `vault.depositors`, which a vault without an inbox need not load."""


def collect(vault: Vault) -> None:
    """Take in what known depositors have left. What cannot be taken in now is a note of the vault, not an error."""
    if not os.path.isdir(vault.location + INBOX_ENDING):
        return
    try:
        vault.collect_deposits()
        waiting = len(vault.pending_deposits())
    except StrongroomError as error:
        # Read-only, busy, or an inbox that somebody meddled with: reading the vault goes on.
        vault.notes.append(f"deposits were not taken in: {error.message}")
        return
    if waiting:
        vault.notes.append(f"deposits that wait for a person: {waiting:,} (strongroom deposit list)")
