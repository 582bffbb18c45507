"""A vault in a file against a plain dictionary, through rotations, changes of slots, backups and sudden deaths.

Whatever step a process was killed in: another one finds the state before it or after it, in
full, opened by exactly the keys that belong to that state.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from strongroom.errors import WrongKey
from strongroom.locate.anchor import FileAnchor
from strongroom.locate.key_files import obtain_key_file, read_key_file
from strongroom.stores.registry import open_copy
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from tests.property.crash_worker import fields

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("crash_worker.py")
SLOTS_MAX = 4

paths = st.sampled_from(["a", "b", "f/a", "f/b", "f/g/a"])
values = st.sampled_from("0123456789")
# Half of the steps go through; a write makes some twenty calls, a rotation some hundred.
deaths = st.sampled_from([0] * 20 + list(range(1, 30)) + [40, 60, 90, 130, 180])


class State:
    """What the vault must hold: path -> value, and slot's label -> the key file that opens it."""

    def __init__(self, items: dict[str, str], slots: dict[str, str]) -> None:
        self.items = items
        self.slots = slots

    def copy(self) -> State:
        return State(dict(self.items), dict(self.slots))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and (self.items, self.slots) == (other.items, other.slots)

    def __repr__(self) -> str:
        return f"State({self.items}, {self.slots})"


class CrashMachine(RuleBasedStateMachine):
    """One file, one worker at a time, and a judge that opens the file by itself."""

    planted: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="crash", dir="/dev/shm" if os.access("/dev/shm", 2) else None))
        self.vault = self.directory / "vault.db"
        self.worker: subprocess.Popen[str] | None = None
        self.made = 0
        key = self.new_key()
        self.model = State({}, {"slot 1": key})
        store = SqliteStore.create(str(self.vault))
        with create_vault(store, [read_key_file(key)], author="judge", labels=("slot 1",)):
            store.publish()

    def teardown(self) -> None:
        self.end_worker()
        shutil.rmtree(self.directory)

    def new_key(self) -> str:
        self.made += 1
        path = str(self.directory / f"{self.made}.key")
        obtain_key_file(path)[0].wipe()
        return path

    def end_worker(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.communicate()
            self.worker = None

    def started(self) -> subprocess.Popen[str]:
        if self.worker is None:
            environment = {**os.environ, "XDG_STATE_HOME": str(self.directory / "state")}
            environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
            key = next(iter(self.model.slots.values()))
            self.worker = subprocess.Popen(
                [sys.executable, "-B", str(WORKER), str(self.vault), key, *self.planted],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            )  # fmt: skip
            assert self.answer() == "open"
        return self.worker

    def answer(self) -> str | None:
        """What the worker says; None when it has died."""
        assert self.worker is not None
        assert self.worker.stdout is not None
        line = self.worker.stdout.readline()
        return json.loads(line) if line else None

    def do(self, name: str, *arguments: object, after: State, calls: int) -> None:
        """A step, in which the worker may die; then the vault is as it was, or as it shall be."""
        worker = self.started()
        assert worker.stdin is not None
        worker.stdin.write(json.dumps([name, arguments, calls]) + "\n")
        worker.stdin.flush()
        answer = self.answer()
        if answer is None:
            assert calls, "it died by itself"
            self.end_worker()
            found = self.look()
            assert found in (self.model, after), f"killed in {name}: {found} is neither {self.model} nor {after}"
            self.model = found
        else:
            assert answer == "done"
            self.model = after
            assert self.look() == self.model, name

    def look(self) -> State:
        """What another program finds, and who can open it."""
        slots: dict[str, str] = {}
        items: dict[str, str] = {}
        for number in range(1, self.made + 1):
            key = str(self.directory / f"{number}.key")
            with closing(SqliteStore.open(str(self.vault))) as store:
                try:
                    vault = open_vault(store, read_key_file(key), author="judge")
                except WrongKey:
                    continue
                with vault:
                    label = next(slot.label for slot in vault.slots() if slot.id == vault._core.keys.slot_id.hex())
                    slots[label] = key
                    items = self.contents(vault)
                    vault.verify()
                    record = FileAnchor(f"{self.directory}/state/strongroom", vault.vault_id, tell=pytest.fail).read()
                    if record is not None:
                        header = vault._core.keys.header
                        record.check(str(self.vault), header, vault.commit_counter, is_proved=True)
        return State(items, slots)

    def contents(self, vault: Vault) -> dict[str, str]:
        items = {}
        for path in vault.walk():
            item = vault.get(path)
            items[path] = str(item["value"].reveal())
            assert {name: item[name].reveal() for name in item} == fields(items[path])
        return items

    @rule(path=paths, value=values, calls=deaths)
    def set(self, path: str, value: str, calls: int) -> None:
        after = self.model.copy()
        after.items[path] = value
        self.do("set", path, value, after=after, calls=calls)

    @rule(items=st.dictionaries(paths, values, min_size=2), calls=deaths)
    def batch(self, items: dict[str, str], calls: int) -> None:
        after = self.model.copy()
        after.items.update(items)
        self.do("batch", items, after=after, calls=calls)

    @precondition(lambda self: self.model.items)
    @rule(data=st.data(), calls=deaths)
    def destroy(self, data: st.DataObject, calls: int) -> None:
        after = self.model.copy()
        path = data.draw(st.sampled_from(sorted(after.items)))
        del after.items[path]
        self.do("destroy", path, after=after, calls=calls)

    @precondition(lambda self: self.model.items and "moved" not in self.model.items)
    @rule(data=st.data(), calls=deaths)
    def move(self, data: st.DataObject, calls: int) -> None:
        after = self.model.copy()
        path = data.draw(st.sampled_from(sorted(after.items)))
        after.items["moved"] = after.items.pop(path)
        self.do("move", path, "moved", after=after, calls=calls)

    @rule(root=st.booleans(), calls=deaths)
    def rotate(self, root: bool, calls: int) -> None:
        self.do("rotate", root, after=self.model, calls=calls)

    @precondition(lambda self: len(self.model.slots) < SLOTS_MAX)
    @rule(calls=deaths)
    def add_slot(self, calls: int) -> None:
        key = self.new_key()
        after = self.model.copy()
        after.slots[f"slot {self.made}"] = key
        self.do("add", f"slot {self.made}", key, after=after, calls=calls)

    @precondition(lambda self: len(self.model.slots) > 1)
    @rule(data=st.data(), calls=deaths)
    def remove_slot(self, data: st.DataObject, calls: int) -> None:
        after = self.model.copy()
        label = data.draw(st.sampled_from(sorted(after.slots)))
        del after.slots[label]
        self.do("remove", label, after=after, calls=calls)

    @rule(data=st.data(), calls=deaths)
    def change_slot(self, data: st.DataObject, calls: int) -> None:
        after = self.model.copy()
        label = data.draw(st.sampled_from(sorted(after.slots)))
        after.slots[label] = self.new_key()
        self.do("change", label, after.slots[label], after=after, calls=calls)

    @rule(calls=deaths)
    def backup(self, calls: int) -> None:
        target = self.directory / "backup.db"
        target.unlink(missing_ok=True)
        before = self.model.copy()
        self.do("backup", str(target), after=self.model, calls=calls)
        if target.exists():
            with closing(open_copy(str(target))) as store:
                key = next(iter(before.slots.values()))
                with open_vault(store, read_key_file(key), author="judge") as copy:
                    assert self.contents(copy) == before.items
                    copy.verify()

    @rule()
    def end(self) -> None:
        """The worker goes, with its vault open; the next one is another process."""
        self.end_worker()


TestCrashMachine = CrashMachine.TestCase
TestCrashMachine.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)


class PlantedMachine(CrashMachine):
    planted = ("half-batch",)


def test_the_machine_finds_a_batch_of_several_commits() -> None:
    """A worker that writes the items of a batch one by one is killed between two of them before long."""
    hasty = settings(
        max_examples=60, stateful_step_count=25, deadline=None, derandomize=True, phases=[Phase.generate], database=None
    )
    with pytest.raises(AssertionError, match=r"killed in batch|neither"):
        run_state_machine_as_test(PlantedMachine, settings=hasty)
