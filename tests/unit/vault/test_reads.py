"""What a get remembers, it forgets in time: with every commit, with the keys, and by the clock."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from strongroom.errors import Expired, NotFound, Tampered, VaultLocked
from strongroom.keys.slots.key_file import KeyFileCredential, decode_key_file, encode_key_file, new_key_file
from strongroom.stores.interface import Store
from strongroom.stores.schema import VERSIONS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.sealed_versions import SealedVersions
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock, beside


def remembered(vault: Vault) -> int:
    return len(vault._core.sealed._found)


def test_a_second_get_asks_one_question(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read once is not read again, and what may be read is asked again each time."""
    vault.set("a", {"x": "1"})
    assert vault.get("a", "x").reveal() == "1"
    assert remembered(vault) == 1
    monkeypatch.setattr(vault._core, "reading", lambda: pytest.fail("it reads the rows again"))
    assert vault.get("a", "x").reveal() == "1"


def test_own_writes_are_seen(vault: Vault) -> None:
    """After each kind of change a get gives what holds now, also inside a transaction."""
    vault.set("a", {"x": "1"})
    vault.get("a")
    vault.set("a", {"x": "2"})
    assert vault.get("a", "x").reveal() == "2"
    with pytest.raises(RuntimeError), vault.transaction():
        vault.set("a", {"x": "3"})
        assert vault.get("a", "x").reveal() == "3"
        assert remembered(vault) == 0
        raise RuntimeError
    assert vault.get("a", "x").reveal() == "2"
    vault.move("a", "b")
    with pytest.raises(NotFound):
        vault.get("a")
    vault.get("b")
    vault.destroy("b", versions=(2,))
    with pytest.raises(NotFound, match="destroyed"):
        vault.get("b")


def test_rotation_is_survived(vault: Vault) -> None:
    """What lay under the old key is read under the new one."""
    vault.set("a", {"x": "1"})
    vault.get("a")
    vault.rotate(root=True)
    assert vault.get("a", "x").reveal() == "1"


def test_the_clock_is_asked_each_time(vault: Vault, clock: Clock) -> None:
    """A value that is remembered expires, and one that is to be deleted goes, at its moment."""
    vault.set("a", {"x": "1"}, expires=timedelta(seconds=10))
    vault.get("a")
    clock.advance(seconds=10)
    with pytest.raises(Expired):
        vault.get("a")
    assert vault.get("a", "x", allow_expired=True).reveal() == "1"


def test_a_locked_vault_remembers_nothing(vault: Vault) -> None:
    """After lock() there is neither a value nor its ciphertext."""
    vault.set("a", {"x": "1"})
    vault.get("a")
    vault.lock()
    assert remembered(vault) == 0
    with pytest.raises(VaultLocked):
        vault.get("a")


def test_only_so_much_is_remembered(vault: Vault) -> None:
    """Large values are not, and no more of the others than 4,096 and 2 MiB."""
    vault.set("large", {"x": "1" * 5000})
    vault.get("large")
    assert remembered(vault) == 0
    vault.set_many({f"item-{number}": {"x": "1"} for number in range(4200)})
    for number in range(4200):
        vault.get(f"item-{number}")
    assert remembered(vault) == 4200 - 4096


def test_only_so_many_bytes_are_remembered(vault: Vault) -> None:
    """The sealed form of 4,000 bytes is somewhat longer, and 2 MiB hold fewer than 525 of them."""
    vault.set_many({f"item-{number}": {"x": "1" * 4000} for number in range(600)})
    for number in range(600):
        vault.get(f"item-{number}")
        assert sum(len(found[2]) for found in vault._core.sealed._found.values()) <= 2 * 1024 * 1024
    assert 600 - 525 < remembered(vault) < 600 - 500


@pytest.fixture
def key() -> KeyFileCredential:
    return new_key_file()


def test_what_another_program_writes_is_seen(tmp_path: Path, key: KeyFileCredential) -> None:
    """Two programs on one file: each get gives what was committed last, by whichever of them."""
    tmp_path.chmod(0o700)
    path = str(tmp_path / "vault.db")
    data = bytes(encode_key_file(key))
    store = SqliteStore.create(path)
    with create_vault(store, [key], author="one") as one:
        store.publish()
        with open_vault(SqliteStore.open(path), decode_key_file(bytearray(data)), author="two") as two:
            for number in range(3):
                one.set("a", {"x": f"one-{number}"})
                assert one.get("a", "x").reveal() == two.get("a", "x").reveal() == f"one-{number}"
                two.set("a", {"x": f"two-{number}"})
                assert one.get("a", "x").reveal() == two.get("a", "x").reveal() == f"two-{number}"
            two.rotate()
            assert one.get("a", "x").reveal() == "two-2"
            two.delete("a")
            with pytest.raises(NotFound, match="deleted"):
                one.get("a")


def test_what_another_restores_is_there_at_once(
    vault: Vault, store: Store, credential: KeyFileCredential, clock: Clock
) -> None:
    """A version that is deleted, destroyed or past its date as far as one knows is asked for again."""
    with open_vault(beside(store), credential, author="other", clock_us=clock) as other:
        vault.set_many({"deleted": {"x": "1"}, "destroyed": {"x": "1"}})
        vault.set("late", {"x": "1"}, expires=timedelta(seconds=60))
        clock.advance(seconds=61)
        vault.delete("deleted")
        vault.destroy("destroyed", versions=(1,))
        for path in ("deleted", "destroyed", "late"):
            for read in (other.get, lambda path: other.get_many([path])):
                with pytest.raises((NotFound, Expired)):
                    read(path)
        vault.restore("deleted")
        vault.set("destroyed", {"x": "2"})
        vault.set("late", {"x": "2"})
        assert other.get("deleted", "x").reveal() == "1"
        assert other.get("destroyed", "x").reveal() == "2"
        assert [item["x"].reveal() for item in other.get_many(["late", "deleted"]).values()] == ["2", "1"]


def test_many_are_asked_for_in_one_question(
    vault: Vault, store: Store, credential: KeyFileCredential, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once their places are known, in a store to which each question is a journey; what others do is seen."""
    paths = [f"folder/{number}" for number in range(40)]
    with open_vault(beside(store), credential, author="other", clock_us=clock) as other:
        vault.set_many({path: {"x": path} for path in paths})
        for _ in range(2):
            assert {path: item["x"].reveal() for path, item in other.get_many(paths).items()} == {p: p for p in paths}
        if other._core.store.is_remote:
            with monkeypatch.context() as alone:
                alone.setattr(type(other._core), "reading", lambda core: pytest.fail("it begins a transaction"))
                assert list(other.get_many([*paths, paths[0]])) == paths
                assert other.get_many([]) == {}
        vault.set(paths[3], {"x": "new"})
        assert other.get_many(paths)[paths[3]]["x"].reveal() == "new"
        vault.rotate()
        assert other.get_many(paths)[paths[3]]["x"].reveal() == "new"
        vault.move(paths[3], "elsewhere")
        with pytest.raises(NotFound):
            other.get_many(paths)
        with pytest.raises(ValueError, match="empty"):
            other.get_many(["folder/4", "folder//4"])


@pytest.mark.parametrize("question", ["glance", "glance_many"])
def test_another_threads_write_is_not_forgotten_for_what_was_read_before_it(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """The answer to a question that was asked before the write is given, and not remembered after it."""
    vault.set_many({"a": {"x": "old"}, "b": {"x": "old"}})
    vault.get_many(["a", "b"])
    vault._core.sealed.forget()
    ask = getattr(vault._core.store, question)

    def ask_slowly(*what: object) -> object:
        answer = ask(*what)
        writer = Thread(target=vault.set, args=("a", {"x": "new"}))
        writer.start()
        writer.join()
        return answer

    with monkeypatch.context() as slow:
        slow.setattr(vault._core.store, question, ask_slowly)
        read = vault.get("a") if question == "glance" else vault.get_many(["a", "b"])["a"]
    assert read["x"].reveal() == "old"
    # A store at hand is not asked in this way.
    now = "new" if vault._core.store.is_remote else "old"
    for _ in range(2):
        assert vault.get_many(["a", "b"])["a"]["x"].reveal() == vault.get("a", "x").reveal() == now


def test_many_that_were_swapped_are_tampering(vault: Vault, store: Store) -> None:
    """Also when nobody has counted the commit that did it."""
    vault.set_many({"a": {"x": "1"}, "b": {"x": "2"}})
    vault.get_many(["a", "b"])
    with store.writing() as rows:
        (first, second) = list(rows.scan(VERSIONS))
        rows.put_many(VERSIONS, [(*first[:2], second[2]), (*second[:2], first[2])])
    vault._core.sealed.forget()
    with pytest.raises(Tampered):
        vault.get_many(["a", "b"])


def test_a_read_block_that_was_left_open_does_not_stop_time(tmp_path: Path, key: KeyFileCredential) -> None:
    """A Ctrl-C may leave a transaction open; the next get of something remembered is not answered from its moment."""
    tmp_path.chmod(0o700)
    path = str(tmp_path / "vault.db")
    data = bytes(encode_key_file(key))
    store = SqliteStore.create(path)
    with create_vault(store, [key], author="one") as one:
        store.publish()
        one.set("a", {"x": "old"})
        one.get("a")
        session = store._session
        block = store.reading()
        block.__enter__()
        session.depth = 0  # as when the end of the block is interrupted after its first line
        session.mutex.release()
        with open_vault(SqliteStore.open(path), decode_key_file(bytearray(data)), author="two") as two:
            two.set("a", {"x": "new"})
        assert one.get("a", "x").reveal() == "new"


def test_forgetting() -> None:
    """forget() leaves nothing."""
    sealed = SealedVersions()
    sealed.remember("a", None, (None, 1, b"x", (b"", b"", b"")))  # type: ignore[arg-type]
    assert sealed.get("a", None) is not None
    sealed.forget()
    assert sealed.get("a", None) is None
