"""Records of issued tokens in a vault that an agent holds."""

from __future__ import annotations

import pytest

from strongroom.remote.agent import RemoteVault
from strongroom.testing.token_stores import TokenStoreConformance
from strongroom.tokens import TokenStore, VaultTokenStore


class TestVaultStoreThroughAnAgent(TokenStoreConformance):
    """As in a vault that is opened here."""

    @pytest.fixture(autouse=True)
    def _vault(self, vault: RemoteVault) -> None:
        self.vault = vault

    def new_token_store(self) -> TokenStore:
        return VaultTokenStore(self.vault)  # type: ignore[arg-type]  # it does what a local one does
