"""Numbers and names about an open vault: `Vault.status`."""

from __future__ import annotations

from strongroom.stores.schema import SLOTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from strongroom.vault.core import Core


class Status:
    """Numbers and names about an open vault; nothing secret.

    Attributes:
        epoch: counts root keys.
        fingerprint: 64 hex digits; see `Vault.fingerprint`.
        lineage: 32 hex digits; a restored backup starts a new one.
        commit_counter: how many commits this vault has seen.
    """

    __slots__ = (
        "_created_us", "commit_counter", "data_keys", "epoch", "fingerprint", "lineage", "location", "slots",
        "vault_id",
    )  # fmt: skip

    def __init__(self, core: Core, commit_counter: int, slots: int) -> None:
        header = core.keys.header
        self.location = core.store.location
        self.vault_id = header.vault_id.hex()
        self.lineage = header.lineage.hex()
        self.epoch = header.epoch
        self.fingerprint = header.identity.hex()
        self.commit_counter = commit_counter
        self.slots = slots
        self.data_keys = len(core.keys.keyset.data_keys())
        self._created_us = header.created_us

    @property
    def created(self) -> datetime:
        """When the vault was made; aware UTC."""
        from datetime import UTC, datetime, timedelta

        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._created_us)


def status(core: Core) -> Status:
    """See `Vault.status`."""
    with core.reading() as rows:
        return Status(core, core.ledger.read(rows).counter, sum(1 for _ in rows.scan(SLOTS)))
