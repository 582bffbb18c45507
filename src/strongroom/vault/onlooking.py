"""Verifying a vault while it goes on being used: through a second connection, with the same keys.

`Vault.verify` holds up every other thread of its program; what serves others verifies like this.
"""

from __future__ import annotations

from strongroom.errors import StoreUnavailable, Tampered
from strongroom.stores.interface import Reading, Store, blob
from strongroom.stores.schema import HEADER
from strongroom.vault.core import Core
from strongroom.vault.verifying import Report, verify


class _Onlooker(Core):
    """A core that borrows another's keys: it never takes in new ones, and is never locked by itself."""

    def synchronise(self, rows: Reading) -> None:
        """As `Core.synchronise`, but a new header is the owner of the keys' business."""
        header = rows.get(HEADER, 1)
        if header is None:
            raise Tampered("the header row is missing", advice="run: strongroom verify")
        if not self.keys.has_header(blob(header, 1), blob(header, 2)):
            raise StoreUnavailable("the vault's keys were changed meanwhile", is_transient=True)
        super().synchronise(rows)


def verify_beside(core: Core, store: Store) -> Report:
    """As `Vault.verify`, without holding up anybody.

    Args:
        core: of the open vault, which goes on being used.
        store: another connection to the same store; closed here.

    Raises:
        Tampered: something was found, or the vault got new keys meanwhile: `Vault.verify` knows which.
        VaultLocked: it was locked meanwhile.
        StoreUnavailable: its header was changed meanwhile.
    """
    try:
        with core.mutex:
            core.keys  # noqa: B018 - raises VaultLocked before the store is asked
            # The other connection would find another file intact that has taken this one's place.
            core.store.check()
            onlooker = _Onlooker(store, core.keys, author=core.author, clock_us=core.clock_us)
            # What this program has seen of the vault already counts here too.
            onlooker.ledger.forget(core.ledger.seen)
        return verify(onlooker)
    finally:
        store.close()
