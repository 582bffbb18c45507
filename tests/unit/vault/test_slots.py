"""Key slots of an open vault: who may open it, and that nobody else slips in."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.crypto import entropy
from strongroom.errors import Conflict, NotFound, Tampered, WrongKey
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.keys.slots.recovery import new_recovery_code
from strongroom.stores.interface import Store
from strongroom.stores.memory import MemoryStore
from strongroom.stores.schema import SLOTS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault, slot_records
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock


def opens(store: Store, credential: KeyFileCredential) -> bool:
    """Whether *credential* opens the vault in *store*."""
    try:
        open_vault(store, credential, author="x")
    except WrongKey:
        return False
    return True


def test_added_removed_changed(
    vault: Vault, store: Store, credential: KeyFileCredential, clock: Clock
) -> None:
    """A slot opens the vault from when it is added until it is changed or removed."""
    clock.advance(seconds=1)
    second, third = new_key_file(), new_key_file()
    info = vault.add_slot(second, label="the backup job")
    assert (info.kind, info.label) == ("key-file", "the backup job")
    assert [slot.label for slot in vault.slots()] == ["", "the backup job"]
    assert opens(store, second)
    changed = vault.change_slot(info.id[:8], third)
    assert (changed.id, changed.label) == (info.id, "the backup job")
    assert not opens(store, second)
    assert opens(store, third)
    vault.remove_slot(info.id)
    assert not opens(store, third)
    assert opens(store, credential)
    assert vault.verify().slots == 1


def test_the_last_slot_stays(vault: Vault) -> None:
    """Without any slot the vault could never be opened again."""
    with pytest.raises(Conflict, match="last"):
        vault.remove_slot(vault.slots()[0].id)


def test_thirty_two_slots(vault: Vault) -> None:
    """There are at most 32."""
    for _ in range(31):
        vault.add_slot(new_key_file())
    with pytest.raises(Conflict, match="32"):
        vault.add_slot(new_key_file())


@pytest.mark.parametrize("slot_id", ["", "zz", "0" * 32])
def test_unknown_slot(vault: Vault, slot_id: str) -> None:
    """An id that fits no slot, or all of them, is not found."""
    with pytest.raises(NotFound):
        vault.remove_slot(slot_id)


def test_a_recovery_code_opens(vault: Vault, store: Store) -> None:
    """The code that is shown once opens the vault."""
    code = new_recovery_code()
    vault.add_slot(code, label="paper")
    assert opens(store, code)  # type: ignore[arg-type]
    assert [slot.kind for slot in vault.slots()] == ["key-file", "recovery"]


def test_a_planted_slot_is_never_sealed_in(vault: Vault, store: Store) -> None:
    """Adding a slot beside one that somebody planted is refused, not made genuine."""
    stranger = create_vault(MemoryStore(), [new_key_file()], author="mallory")
    with stranger._core.reading() as rows:
        (planted,) = list(rows.scan(SLOTS))
    with store.writing() as rows:
        rows.put(SLOTS, planted)
    for call in (lambda: vault.add_slot(new_key_file()), vault.slots):
        with pytest.raises(Tampered):
            call()
    with pytest.raises(Tampered) as caught:
        vault.verify()
    assert any("key slot" in finding for finding in caught.value.findings)


def test_another_program_changes_the_slots(tmp_path: Path, credential: KeyFileCredential) -> None:
    """Two programs with the same vault open see each other's slots and writes."""
    tmp_path.chmod(0o700)
    path = str(tmp_path / "vault.db")
    store = SqliteStore.create(path)
    with create_vault(store, [credential], author="one") as vault:
        store.publish()
        with open_vault(SqliteStore.open(path), credential, author="other") as other:
            other.add_slot(new_key_file(), label="from the other")
            assert [slot.label for slot in vault.slots()] == ["", "from the other"]
            vault.add_slot(new_key_file(), label="from here")
            other.set("a", {"x": "1"})
            assert vault.get("a").public("x") == "1"
            assert len(other.slots()) == len(slot_records(store)) == 3
            vault.verify()


def test_an_undone_slot_change_leaves_the_vault_usable(vault: Vault) -> None:
    """A header that was sealed but not committed is forgotten."""
    with pytest.raises(RuntimeError), vault.transaction():
        vault.add_slot(new_key_file())
        raise RuntimeError
    assert len(vault.slots()) == 1
    vault.add_slot(new_key_file())
    assert vault.verify().slots == 2


def test_labels_are_checked(vault: Vault) -> None:
    """A label is a name like any other."""
    for label in ("a\nb", "x" * 2000, entropy.random_bytes(4).hex() + "\u202e"):
        with pytest.raises(ValueError):
            vault.add_slot(new_key_file(), label=label)
    assert len(vault.slots()) == 1


def test_a_vault_without_slots_was_tampered_with(
    vault: Vault, store: Store, credential: KeyFileCredential
) -> None:
    """When every slot row is gone no key is wrong: somebody deleted them."""
    with store.writing() as rows:
        for row in list(rows.scan(SLOTS)):
            rows.delete(SLOTS, row[0])
    with pytest.raises(Tampered, match="every key slot"):
        open_vault(store, credential, author="x")
