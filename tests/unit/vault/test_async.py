"""The async twins do what the methods without the leading ``a`` do."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.asynchronous import AsyncTwins
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault


async def use(vault: Vault) -> None:
    """One call of every twin."""
    await vault.aset("a", {"x": "1"})
    await vault.aset_many({"b/c": {"x": "2"}, "b/d": {"x": "3"}})
    await asyncio.gather(*(vault.aset(f"many/{number}", {"x": "y"}) for number in range(20)))
    assert len(await vault.alist("many/")) == 20
    await vault.apatch("a", {"y": "4"})
    assert (await vault.aget("a", "x")).reveal() == "1"
    assert list(await vault.aget_many(["a", "b/c"])) == ["a", "b/c"]
    assert (await vault.arequire("a", "y")).public("y") == "4"
    await vault.amove("a", "z")
    assert [version.number for version in await vault.ahistory("z")] == [1, 2]
    await vault.adelete("z")
    await vault.aundelete("z")
    assert (await vault.arestore("z", 1)).number == 3
    await vault.adestroy("b/d")
    assert await vault.awalk("b/") == ["b/c"]
    assert (await vault.averify()).items == 22
    await vault.abackup(vault.location + ".backup")


def test_all_twins(tmp_path: Path) -> None:
    """From an event loop, over a real file, concurrently."""
    tmp_path.chmod(0o700)
    store = SqliteStore.create(str(tmp_path / "vault.db"))
    with create_vault(store, [new_key_file()], author="tester") as vault:
        store.publish()
        asyncio.run(use(vault))
    assert (tmp_path / "vault.db.backup").exists()


def test_each_twin_has_its_sibling_and_its_parameters() -> None:
    """A twin takes what its sibling takes, except where its docstring says otherwise."""
    twins = [name for name, value in vars(AsyncTwins).items() if inspect.iscoroutinefunction(value)]
    assert len(twins) == 16
    for name in twins:
        twin = inspect.signature(getattr(AsyncTwins, name)).parameters
        sibling = inspect.signature(getattr(Vault, name[1:])).parameters
        assert list(twin) == list(sibling), name
