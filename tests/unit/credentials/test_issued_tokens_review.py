"""Issued tokens whose holder does not want them to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.errors import TokenRefused
from strongroom.items import Item, ReservedPath
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.tokens import TokenIssuer, VaultTokenStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def vault() -> Iterator[Vault]:
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        yield vault


class Besieged:
    """A vault in which the token is used between any reading of its record and the writing of what follows."""

    def __init__(self, vault: Vault, store: VaultTokenStore) -> None:
        self._inner = vault._reserved
        self._store = store
        self.uses = 0

    def get(self, path: ReservedPath) -> Item:
        item = self._inner.get(path)
        self.uses += 1
        self._store.note_use(path.rpartition("/")[2], NOW + timedelta(seconds=self.uses))
        return item

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_a_flood_of_uses_does_not_keep_a_token_good(vault: Vault) -> None:
    """Each use changes the record, so that a revocation which looks first is always late; it ends it all the same."""
    store, quiet = VaultTokenStore(vault), VaultTokenStore(vault)
    issuer = TokenIssuer(quiet, prefix="acme", clock=lambda: NOW)
    issued = issuer.issue("nightly")
    besieged = Besieged(vault, quiet)
    store._vault = besieged  # type: ignore[assignment]
    store.revoke(issued.record.id, NOW)
    assert besieged.uses > 10
    with pytest.raises(TokenRefused, match="was revoked"):
        issuer.verify(issued.token)
