"""Reserved paths through the agent: the local vault's tests, and what the service itself refuses."""

from __future__ import annotations

import pytest

from strongroom.errors import VaultLocked
from strongroom.items import ReservedPath
from strongroom.remote.agent import RemoteVault
from strongroom.vault.vault import Vault
from tests.unit.vault import test_reserved
from tests.unit.vault.test_reserved import kept  # noqa: F401 - a fixture of the shared tests

SHARED = [name for name in vars(test_reserved) if name.startswith("test_")]
for _name in SHARED:
    globals()[_name] = getattr(test_reserved, _name)


def test_a_request_without_the_header_is_refused_by_the_agent(vault: RemoteVault, held: Vault) -> None:
    """The interlock is the service's: the client's own refusal may be passed by."""
    held.set(ReservedPath("@keys/a"), {"seed": "0123"})
    for call in (vault.get, vault.history, vault.delete, vault.list):
        with pytest.raises(ValueError, match="begins with @"):
            call(ReservedPath("@keys/a"))
    with pytest.raises(ValueError, match="begins with @"):
        vault.get(ReservedPath("@keys/a"), "seed")


def test_closing_ends_the_way_to_reserved_paths(vault: RemoteVault) -> None:
    """It is the same vault: closed is closed."""
    vault.lock()
    with pytest.raises(VaultLocked):
        _ = vault._reserved
