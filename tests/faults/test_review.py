"""Attacks and accidents that a review of the core found, each by the sentence that it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from strongroom.errors import RolledBack, Tampered
from strongroom.keys.format import SlotRecord
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.interface import Row, blob
from strongroom.stores.memory import MemoryStore, _Rows
from strongroom.stores.schema import HEADER, OBJECTS, SLOTS, TABLES
from strongroom.vault.opening import create_vault, open_vault, slot_records
from strongroom.vault.vault import Vault

Copy = dict[int, list[tuple[int | bytes, ...]]]


@pytest.fixture
def credential() -> KeyFileCredential:
    return new_key_file()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def vault(store: MemoryStore, credential: KeyFileCredential) -> Iterator[Vault]:
    with create_vault(store, [credential], author="tester") as vault:
        yield vault


def copy_of(store: MemoryStore) -> Copy:
    """Every row, as somebody who can read the store would keep it."""
    with MemoryStore(store).reading() as rows:
        return {table.number: list(rows.scan(table)) for table in TABLES}


def put_back(store: MemoryStore, copy: Copy) -> None:
    """Make the store what it was, as somebody who can write to it would."""
    with MemoryStore(store).writing() as rows:
        for table in TABLES:
            for row in list(rows.scan(table)):
                rows.delete(table, *row[: table.key_length])
            rows.put_many(table, copy[table.number])


def test_verify_reports_a_roll_back_that_this_program_can_see(vault: Vault, store: MemoryStore) -> None:
    """A whole older copy is consistent, but a program that saw a newer commit remembers that."""
    vault.set("a", {"x": "1"})
    older = copy_of(store)
    vault.set("a", {"x": "2"})
    put_back(store, older)
    with pytest.raises(Tampered) as caught:
        vault.verify()
    assert any(finding.startswith("rolled back:") for finding in caught.value.findings)
    # Verification forgot nothing: a write still does not continue from the older state.
    with pytest.raises(RolledBack):
        vault.set("b", {"x": "1"})


def test_a_roll_back_past_a_slot_change_is_noticed(vault: Vault, store: MemoryStore) -> None:
    """Reading the older header anew does not make the program forget the commits that it saw."""
    vault.set("a", {"x": "1"})
    older = copy_of(store)
    vault.add_slot(new_key_file())
    put_back(store, older)
    with pytest.raises(RolledBack):
        vault.set("b", {"x": "1"})
    with pytest.raises(RolledBack):
        vault.status()


def test_a_commit_too_great_for_the_audit_log_is_refused(
    vault: Vault, store: MemoryStore, credential: KeyFileCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit entry that cannot be read back would stop every later commit of every program."""
    monkeypatch.setattr("strongroom.vault.audit.TOUCHED_MAX", 3)
    with pytest.raises(ValueError, match="in several"):
        vault.set_many({f"item {number}": {"x": "1"} for number in range(4)})
    assert list(vault.list()) == []
    vault.set_many({f"item {number}": {"x": "1"} for number in range(3)})
    with open_vault(MemoryStore(store), credential, author="other") as other:
        other.set("later", {"x": "1"})
        other.verify()


@pytest.mark.parametrize(
    ("item", "target"),
    [
        ("f/a", "/".join(["c" * 1000] * 4 + ["d" * 92])),
        ("f/a", "/".join(["c" * 1000] * 4 + ["d" * 91])),
        ("f/" + "/".join("a" * 20), "/".join("b" * 13)),
    ],
    ids=["audit entry too long", "path too long", "path too deep"],
)
def test_a_folder_is_not_moved_to_where_nothing_can_name_its_items(vault: Vault, item: str, target: str) -> None:
    """Every item has a path that get, set and the audit log take."""
    vault.set(item, {"x": "1"})
    with pytest.raises(ValueError, match=r"longer than|more than 32"):
        vault.move("f/", target + "/")
    assert list(vault.walk()) == [item]
    assert vault.get(item).public("x") == "1"
    vault.set(item, {"x": "2"})
    vault.verify()


def test_a_store_stuffed_with_slots_is_not_read_into_memory(
    vault: Vault, store: MemoryStore, credential: KeyFileCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening reads 33 slots at most, however many lie there."""
    with MemoryStore(store).writing() as rows:
        rows.put_many(SLOTS, [(number.to_bytes(16, "big"), b"planted") for number in range(1000)])
    passed = []
    plain = _Rows._stream

    def count(*arguments: Any) -> Iterator[Row]:
        for row in plain(*arguments):
            passed.append(row)
            yield row

    monkeypatch.setattr(_Rows, "_stream", count)
    with pytest.raises(Tampered, match="more than 32"):
        open_vault(MemoryStore(store), credential, author="other")
    with pytest.raises(Tampered, match="more than 32"):
        slot_records(MemoryStore(store))
    assert len(passed) < 80


def test_a_slot_of_a_newer_program_does_not_lock_this_one_out(
    store: MemoryStore, credential: KeyFileCredential
) -> None:
    """The slots that can be read say what to ask for, and open the vault."""
    with create_vault(store, [credential], author="tester") as vault:
        vault.set("a", {"x": "1"})
        core = vault._core
        newer = core.keys.new_slot(new_key_file(), 1)
        newer.kind = 9
        with core.changing("slot add") as change:
            known = SlotRecord.decode(blob(change.rows.scan(SLOTS)[0], 1))
            change.rows.put(SLOTS, (newer.slot_id, newer.encode()), replaces=None)
            body, mac = core.keys.seal_header([known, newer])
            change.rows.put(HEADER, (1, body, mac), replaces=change.rows.get(HEADER, 1))
    assert [record.kind for record in slot_records(MemoryStore(store))] == [credential.kind]
    with open_vault(MemoryStore(store), credential, author="other") as other:
        assert other.get("a").public("x") == "1"


def test_a_new_root_key_does_not_make_tampering_genuine(vault: Vault, store: MemoryStore) -> None:
    """The sum under the new ledger key is not made over rows that the old one does not know."""
    vault.configure(cas_required=True)
    with MemoryStore(store).reading() as rows:
        older = next(rows.scan(OBJECTS, 1))
    vault.configure(cas_required=False)
    with MemoryStore(store).writing() as written:
        written.put(OBJECTS, older)
    epoch = vault.status().epoch
    with pytest.raises(Tampered):
        vault.rotate(root=True)
    assert vault.status().epoch == epoch
    with pytest.raises(Tampered):
        vault.verify()


def test_a_new_root_key_over_an_untouched_store(vault: Vault) -> None:
    """The check before it raises no false alarm."""
    vault.set("a", {"x": "1"})
    vault.add_slot(new_key_file())
    vault.rotate(root=True)
    assert vault.get("a").public("x") == "1"
    vault.verify()
