"""The async twins do what the methods without the leading ``a`` do."""

from __future__ import annotations

import asyncio
import inspect
from datetime import timedelta
from pathlib import Path

from strongroom.keys.slots.key_file import new_key_file
from strongroom.locate.depositing import Depositor, write_depositor_file
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


async def look_after(vault: Vault) -> None:
    """One call of every twin that is about the vault itself."""
    await vault.aset("a", {"x": "1"}, expires=timedelta(days=1))
    assert [path for path, _version in await vault.aexpiring(timedelta(days=2))] == ["a"]
    await vault.aconfigure("a", max_versions=3)
    assert (await vault.asettings("a")).max_versions == 3
    assert (await vault.astatus()).slots == 1
    key = new_key_file()
    added = await vault.aadd_slot(key, label="second")
    await vault.arenew_slot(key)
    changed = await vault.achange_slot(added.id, new_key_file())
    await vault.aremove_slot(changed.id)
    assert len(await vault.aslots()) == 1
    steps: list[int] = []
    await vault.arotate(progress=lambda done, _all: steps.append(done))
    assert steps
    await vault.aadd_grant("web", "user", 1001, {"read": ["in/*"]})
    assert [grant.name for grant in await vault.agrants()] == ["web"]
    assert len(await vault.aremove_grant("web")) == 1


async def deposit(vault: Vault, file: Path) -> None:
    """From the depositor's key to the item, and everything that a person may do in between."""
    write_depositor_file(str(file), await vault.adeposit_key("web", ["in/*"]))
    assert [one.name for one in await vault.adepositors()] == ["web"]
    with Depositor(vault.location, key_file=file) as depositor:
        await asyncio.gather(*(depositor.adeposit(f"in/{number}", {"x": "1"}) for number in range(20)))
        assert len(await vault.acollect_deposits()) == 20
        ids = [await depositor.adeposit(f"out/{number}", {"x": "2"}) for number in range(3)]
    assert await vault.acollect_deposits() == []
    assert len(await vault.apending_deposits()) == 3
    await vault.aaccept_deposit(ids[0])
    assert await vault.aaccept_deposit(ids[1], approve=lambda _pending: False) is None
    await vault.adiscard_deposit(ids[1])
    assert len(await vault.apending_deposits()) == 1
    await vault.aremove_depositor("web")
    assert await vault.awalk() == [*sorted(f"in/{number}" for number in range(20)), "out/0"]


def test_twins_of_upkeep(tmp_path: Path) -> None:
    """Slots, grants, rotation and deposits from an event loop."""
    tmp_path.chmod(0o700)
    for name, use_it in (("upkeep", look_after), ("deposits", lambda vault: deposit(vault, tmp_path / "web.key"))):
        store = SqliteStore.create(str(tmp_path / f"{name}.db"))
        with create_vault(store, [new_key_file()], author="tester") as vault:
            store.publish()
            asyncio.run(use_it(vault))


WITHOUT_TWIN = {"transaction", "lock", "close", "answers_to", "begin_lineage"}
"""A transaction belongs to one thread, a lineage begins where a backup is put back; the others do not block."""


def test_each_twin_has_its_sibling_and_its_parameters() -> None:
    """A twin takes what its sibling takes, and every method that may block has one."""
    twins = {name for name in dir(AsyncTwins) if inspect.iscoroutinefunction(getattr(AsyncTwins, name))}
    for name in twins:
        twin = inspect.signature(getattr(AsyncTwins, name)).parameters
        sibling = inspect.signature(getattr(Vault, name[1:])).parameters
        assert list(twin) == list(sibling), name
    methods = {name for name in dir(Vault) if name[0] != "_" and inspect.isfunction(getattr(Vault, name))}
    assert {f"a{name}" for name in methods - twins - WITHOUT_TWIN} == twins
