"""A vault against a plain dictionary: whatever is done to both, they agree."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from strongroom.errors import Conflict, NotFound
from strongroom.keys.slots.key_file import new_key_file
from strongroom.secret import SecretStr
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault, open_vault

names = st.sampled_from(["a", "b", "ä", "a b", "c.d"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
values = st.dictionaries(st.sampled_from(["x", "y", "password"]), st.text(max_size=20).map(SecretStr), max_size=3)
KEPT = 10


class VaultMachine(RuleBasedStateMachine):
    """The model maps a path to a list of (fields or None when destroyed, deleted) by version."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.credential = new_key_file()
        self.vault = create_vault(self.store, [self.credential], author="model")
        self.model: dict[str, dict[int, list[object]]] = {}
        self.counter: dict[str, int] = {}

    def _write(self, path: str, fields: dict[str, SecretStr]) -> int:
        versions = self.model.setdefault(path, {})
        number = self.counter[path] = self.counter.get(path, 0) + 1
        versions[number] = [dict(fields), False]
        while len(versions) > KEPT:
            del versions[min(versions)]
        return number

    @rule(path=paths, fields=values)
    def set(self, path: str, fields: dict[str, SecretStr]) -> None:
        assert self.vault.set(path, fields).number == self._write(path, fields)

    @rule(batch=st.dictionaries(paths, values, max_size=5))
    def set_many(self, batch: dict[str, dict[str, SecretStr]]) -> None:
        written = self.vault.set_many(batch)
        for path, fields in batch.items():
            assert written[path].number == self._write(path, fields)

    @rule(path=paths, fields=values)
    def patch(self, path: str, fields: dict[str, SecretStr]) -> None:
        current = self.model.get(path, {}).get(self.counter.get(path, 0))
        if current is None or current[0] is None or current[1]:
            with pytest.raises(NotFound):
                self.vault.patch(path, fields)
        else:
            self.vault.patch(path, fields)
            self._write(path, {**current[0], **fields})  # type: ignore[dict-item]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), number=st.integers(1, 12), undo=st.booleans())
    def delete(self, data: st.DataObject, number: int, undo: bool) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        call = self.vault.undelete if undo else self.vault.delete
        entry = self.model[path].get(number)
        if entry is None:
            with pytest.raises(NotFound):
                call(path, versions=(number,))
        else:
            call(path, versions=(number,))
            if entry[0] is not None:
                entry[1] = not undo

    @precondition(lambda self: self.model)
    @rule(data=st.data(), number=st.integers(0, 12))
    def destroy(self, data: st.DataObject, number: int) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        if number == 0:
            self.vault.destroy(path)
            del self.model[path], self.counter[path]
        elif number in self.model[path]:
            self.vault.destroy(path, versions=(number,))
            self.model[path][number][0] = None

    @precondition(lambda self: self.model)
    @rule(data=st.data(), new=paths)
    def move(self, data: st.DataObject, new: str) -> None:
        path = data.draw(st.sampled_from(sorted(self.model)))
        if new in self.model:
            with pytest.raises(Conflict):
                self.vault.move(path, new)
        else:
            self.vault.move(path, new)
            self.model[new] = self.model.pop(path)
            self.counter[new] = self.counter.pop(path)

    @rule()
    def abandoned_transaction(self) -> None:
        with pytest.raises(ZeroDivisionError), self.vault.transaction():
            self.vault.set("never/there", {"x": "y"})
            for path in list(self.model):
                self.vault.destroy(path)
            raise ZeroDivisionError

    @rule()
    def reopen(self) -> None:
        self.vault = open_vault(self.store, self.credential, author="model")

    @rule()
    def verify(self) -> None:
        report = self.vault.verify()
        assert report.items == len(self.model)
        kept = sum(entry[0] is not None for versions in self.model.values() for entry in versions.values())
        assert report.versions == kept

    @invariant()
    def same_paths(self) -> None:
        assert sorted(self.vault.walk(deleted=True)) == sorted(self.model)

    @invariant()
    def same_values(self) -> None:
        for path, versions in self.model.items():
            assert [version.number for version in self.vault.history(path)] == sorted(versions)
            for number, (fields, deleted) in versions.items():
                if fields is None or deleted:
                    with pytest.raises(NotFound):
                        self.vault.get(path, version=number)
                else:
                    item = self.vault.get(path, version=number)
                    assert {name: item[name] for name in item} == fields


TestVaultMachine = VaultMachine.TestCase
TestVaultMachine.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
