"""What a local vault does, a remote one does: the local vault's tests, run through the agent's service."""

from __future__ import annotations

import inspect

import pytest

from strongroom.errors import Denied, VaultLocked
from strongroom.remote.agent import RemoteVault
from strongroom.vault.vault import Vault
from tests.unit.vault import test_versions

# What is about a key in this process, or about blocks of several writes, has its own tests below.
LOCAL_ONLY = {
    "test_transaction_is_all_or_nothing",
    "test_half_an_operation_is_never_committed",
    "test_a_refused_operation_leaves_its_transaction_alone",
    "test_a_locked_vault_does_nothing",
}
SHARED = {name for name in vars(test_versions) if name.startswith("test_")} - LOCAL_ONLY
for _name in SHARED:
    globals()[_name] = getattr(test_versions, _name)


def test_the_behaviours_are_shared() -> None:
    """Nearly all tests of the local vault run here, and those that do not still exist."""
    assert not LOCAL_ONLY - set(vars(test_versions))
    assert len(SHARED) >= 20
    assert not SHARED - set(globals())


def test_every_method_is_there() -> None:
    """A remote vault has every public name of a local one, with the same parameters."""
    names = [name for name in dir(Vault) if not name.startswith("_")]
    assert [name for name in names if not hasattr(RemoteVault, name) and name not in ("ask", "notes", "anchor")] == []
    shared = ["get", "get_many", "list", "walk", "history", "set", "set_many", "patch", "require", "restore", "delete"]
    shared += ["undelete", "destroy", "move", "settings", "configure", "expiring"]
    for name in shared:
        ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (RemoteVault, Vault))
        assert list(ours.parameters) == list(theirs.parameters), name


@pytest.mark.parametrize(
    "name",
    ["verify", "slots", "add_slot", "remove_slot", "change_slot", "renew_slot", "rotate", "backup", "begin_lineage",
     "grants", "add_grant", "remove_grant", "transaction"],
)  # fmt: skip
def test_what_needs_the_key_is_refused_with_advice(vault: RemoteVault, name: str) -> None:
    """The agent gives out no key; the error names another way."""
    with pytest.raises(Denied, match="key") as caught:
        getattr(RemoteVault, name)(vault)
    assert "use_agent=False" in caught.value.advice
    assert len(caught.value.advice.splitlines()) == 2


def test_closing_leaves_the_agent_open(vault: RemoteVault, held: Vault) -> None:
    """lock() ends this object alone; a second one does no harm."""
    vault.set("a", {"x": "1"})
    vault.lock()
    vault.lock()
    with pytest.raises(VaultLocked, match="closed"):
        vault.get("a")
    assert vault.is_locked and "closed" in repr(vault)
    assert held.get("a").public("x") == "1"


async def _twins(vault: RemoteVault) -> list[str]:
    await vault.aset("a/b", {"x": "1"})
    await vault.apatch("a/b", {"y": "2"})
    item = await vault.aget("a/b")
    return [*item.names(), *await vault.alist("a"), *await vault.awalk()]  # type: ignore[union-attr]


def test_the_async_twins(vault: RemoteVault) -> None:
    """The twins are those of the local vault."""
    import asyncio

    assert asyncio.run(_twins(vault)) == ["x", "y", "b", "a/b"]


def test_it_is_a_vault_for_who_asks(vault: RemoteVault) -> None:
    """As for type checkers; a subclass of either is no other's, and nothing else is one."""
    assert isinstance(vault, Vault)
    assert issubclass(RemoteVault, Vault)
    assert not isinstance(object(), Vault)
    assert not issubclass(Vault, RemoteVault)

    class Own(Vault):
        """A local vault of somebody's own."""

    assert not isinstance(vault, Own)
    assert issubclass(Own, Vault)
