"""Rotation and revocation: new keys at once, old ones destroyed last, nothing lost between."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.errors import Conflict, Tampered, VaultLocked, WrongKey
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.stores.interface import Store
from strongroom.stores.schema import AUDIT, HEADER, NODES, OBJECTS, SLOTS, VERSIONS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import rotation
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import beside


def fill(vault: Vault, number: int = 30) -> None:
    """Items in folders, with versions, one of them destroyed."""
    vault.set_many({f"folder{n % 3}/item{n}": {"x": str(n)} for n in range(number)})
    vault.set("folder0/item0", {"x": "again"})
    vault.destroy("folder0/item0", versions=(1,))
    vault.add_slot(new_key_file(), label="second")
    vault.configure(max_versions=7)


def key_ids(store: Store) -> set[bytes]:
    """The data keys that rows in the store name."""
    with store.reading() as rows:
        return {bytes(row[-1][:4]) for table in (NODES, VERSIONS, OBJECTS, AUDIT) for row in rows.scan(table)}  # type: ignore[index]


@pytest.mark.parametrize("root", [False, True])
def test_everything_is_under_the_new_key(
    vault: Vault, store: Store, credential: KeyFileCredential, root: bool
) -> None:
    """After a rotation no row names an old key, names lie elsewhere, and everything reads as before."""
    fill(vault)
    before = {path: vault.get(path).public("x") for path in vault.walk()}
    with store.reading() as rows:
        tokens = {row[1] for row in rows.scan(NODES)}
    seen: list[tuple[int, int]] = []
    assert vault.rotate(root=root, progress=lambda done, total: seen.append((done, total))) > 60
    assert seen[-1][0] == seen[-1][1]
    assert key_ids(store) == {b"\0\0\0\2"}
    with store.reading() as rows:
        assert not tokens & {row[1] for row in rows.scan(NODES)}
    with open_vault(beside(store), credential, author="later") as later:
        assert {path: later.get(path).public("x") for path in later.walk()} == before
        assert later.settings().max_versions == 7
        assert [slot.label for slot in later.slots()].count("second") == 1
        assert later.status().epoch == (2 if root else 1)
        assert later.status().data_keys == 1
        later.verify()


def test_an_interrupted_rotation_resumes(
    vault: Vault, store: Store, credential: KeyFileCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was re-encrypted stays so; readers and writers work in between; the next call finishes."""
    fill(vault)
    monkeypatch.setattr(rotation, "_BATCH", 5)

    def stop(done: int, _total: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.rotate(progress=stop)
    assert key_ids(store) == {b"\0\0\0\1", b"\0\0\0\2"}
    vault.verify()
    with open_vault(beside(store), credential, author="later") as later:
        assert later.get("folder2/item29").public("x") == "29"
        later.set("folder1/item1", {"x": "changed"})
        later.set("folder1/new", {"x": "new"})
        later.move("folder2/item2", "folder2/moved")
        later.verify()
        later.rotate()
        assert key_ids(store) == {b"\0\0\0\2"}
        assert (later.get("folder1/item1").public("x"), later.get("folder2/moved").public("x")) == ("changed", "2")
        assert not rotation.is_unfinished(later._core)
        later.verify()


def test_a_removed_slot_opens_nothing_new(vault: Vault, store: Store, credential: KeyFileCredential) -> None:
    """The former holder's secret opens neither the vault nor, put back, an old slot row."""
    former = new_key_file()
    info = vault.add_slot(former, label="leaver")
    with store.reading() as rows:
        old_slots, old_header = list(rows.scan(SLOTS)), rows.get(HEADER, 1)
    with open_vault(beside(store), former, author="leaver") as held:
        old_data_key = bytes(held._core.keys.keyset.data_key(1))
    vault.remove_slot(info.id)
    vault.set("new", {"x": "after"})
    assert vault._core.keys.keyset.primary_id == 2
    with pytest.raises(WrongKey):
        open_vault(beside(store), former, author="leaver")
    (row,) = [row for row in old_slots if row[0] == bytes.fromhex(info.id)]
    with store.writing() as rows:
        rows.put(SLOTS, row)
    for who in (former, credential):
        with pytest.raises(Tampered):
            open_vault(beside(store), who, author="x")
    with store.writing() as rows:
        rows.delete(SLOTS, row[0])
    assert old_header is not None
    vault.rotate()
    with open_vault(beside(store), credential, author="x") as later:
        later.verify()
        assert old_data_key not in [bytes(key) for key in later._core.keys.keyset.enabled.values()]


def test_the_last_slot_is_not_removed(vault: Vault) -> None:
    """Not even with a new root key."""
    with pytest.raises(Conflict, match="last"):
        vault.remove_slot(vault.slots()[0].id)
    vault.set("a", {})
    vault.verify()


def test_an_undone_root_rotation_changes_nothing(
    vault: Vault, store: Store, credential: KeyFileCredential
) -> None:
    """If the transaction fails, the old keys go on being used."""
    fill(vault)
    with pytest.raises(RuntimeError), vault.transaction():
        rotation.begin(vault._core, root=True)
        vault.set("inside", {})
        raise RuntimeError
    assert vault.status().epoch == 1
    vault.set("after", {"x": "1"})
    vault.verify()
    with open_vault(beside(store), credential, author="x") as later:
        assert later.get("after").public("x") == "1"
        assert later.status().epoch == 1


def test_a_rotation_is_no_part_of_a_transaction(vault: Vault) -> None:
    """It takes several commits."""
    with pytest.raises(RuntimeError), vault.transaction():
        vault.rotate()


def test_other_programs_go_on(tmp_path: Path, credential: KeyFileCredential) -> None:
    """A program that was open meanwhile reads and writes on after a rotation, and must reopen after a new root."""
    tmp_path.chmod(0o700)
    path = str(tmp_path / "vault.db")
    store = SqliteStore.create(path)
    with create_vault(store, [credential], author="one") as vault:
        store.publish()
        fill(vault)
        with open_vault(SqliteStore.open(path), credential, author="other") as other:
            assert other.get("folder1/item1").public("x") == "1"
            vault.rotate()
            assert other.get("folder1/item1").public("x") == "1"
            other.set("folder1/item1", {"x": "2"})
            assert vault.get("folder1/item1").public("x") == "2"
            other.verify()
            vault.rotate(root=True)
            with pytest.raises(VaultLocked, match="rotated"):
                other.get("folder1/item1")
        vault.verify()


def test_two_rotations_at_once(tmp_path: Path, credential: KeyFileCredential) -> None:
    """A second program's rotation in the middle of ours delays the end, and loses nothing."""
    tmp_path.chmod(0o700)
    path = str(tmp_path / "vault.db")
    store = SqliteStore.create(path)
    with create_vault(store, [credential], author="one") as vault:
        store.publish()
        fill(vault)
        with open_vault(SqliteStore.open(path), credential, author="other") as other:
            rotation.begin(other._core)
            rotation.Pass(other._core, None).run()
            rotation.begin(vault._core)
            assert not rotation.finish(other._core)
            other.rotate()
            vault.rotate()
            assert vault.status().data_keys == 1
            vault.verify()


def test_an_unreachable_row_keeps_the_old_key(vault: Vault, store: Store) -> None:
    """A planted row under the old key is reported; the old key is not destroyed silently."""
    fill(vault)
    with store.reading() as rows:
        row = next(iter(rows.scan(VERSIONS)))
    with store.writing() as rows:
        rows.put(VERSIONS, (bytes(16), 1, row[2]))
    with pytest.raises(Tampered, match="belongs to nothing"):
        vault.rotate()


def test_key_derivation_rises_at_unlock(store: Store) -> None:
    """A slot below today's cost is renewed with the passphrase that opened it."""
    weak = PassphraseCredential(bytearray(b"pass"), profile=Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1))
    with create_vault(beside(store), [weak, new_key_file()], author="x"):
        pass
    today = PassphraseCredential(bytearray(b"pass"))
    with open_vault(beside(store), today, author="x") as vault:
        assert vault.renew_slot(today)
        assert not vault.renew_slot(today)
        assert "64 MiB" in vault.slots()[-1].parameters
        vault.verify()
    with open_vault(beside(store), today, author="x") as vault:
        vault.verify()


def test_a_slot_catches_up_with_a_new_root_key(store: Store) -> None:
    """A slot that was not at hand when the root key was rotated opens, and then starts from the new identity."""
    first, second = new_key_file(), new_key_file()
    with create_vault(beside(store), [first, second], author="x") as vault:
        vault.rotate(root=True)
        vault.rotate(root=True)
        assert vault.status().epoch == 3
    with open_vault(beside(store), second, author="x") as vault:
        assert vault._core.keys.is_slot_behind
        assert vault.renew_slot(second)
        vault.verify()
    with open_vault(beside(store), second, author="x") as vault:
        assert not vault._core.keys.is_slot_behind
