"""A vault in another store: all of it, nothing opened, taken up again wherever it stopped, and told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from strongroom.errors import Conflict, NotFound, OutcomeUnknown, StoreUnavailable, Tampered, VaultNotFound
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.interface import Row, Store, Table, Writing
from strongroom.stores.memory import MemoryStore
from strongroom.stores.registry import create_store, open_store
from strongroom.stores.schema import AUDIT, HEADER, LEDGER, NODES, OBJECTS, SLOTS, TABLES, VERSIONS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import copying
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from tests.patience import wait_for
from tests.postgres_cluster import Role

Rows = dict[Table, list[Row]]
NewStore = Callable[[], Store]


def rows_of(store: Store) -> Rows:
    with store.reading() as rows:
        return {table: list(rows.scan(table)) for table in TABLES}


def copy(vault: Vault, store: Store, **options: copying.Progress) -> Vault:
    return Vault(copying.copy_vault(vault._core, store, **options).core)


@pytest.fixture
def store() -> MemoryStore:
    """What is copied lies in memory; where it goes differs."""
    return MemoryStore()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Makes stores of each kind."""
    tmp_path.chmod(0o700)
    made: list[Store] = []

    def make() -> Store:
        if request.param == "postgres":
            made.append(create_store(request.getfixturevalue("postgres_schema").vault_url))
        elif request.param == "sqlite":
            made.append(SqliteStore.create(str(tmp_path / f"{len(made)}.db")))
        else:
            made.append(MemoryStore())
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def lived(vault: Vault, credential: KeyFileCredential, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault in which every table has more rows than one commit of a copy takes."""
    monkeypatch.setattr(copying, "_BATCH_ROWS", 4)
    monkeypatch.setattr(copying, "_PAGE_ROWS", 3)
    vault.set_many({f"many/{number}": {"password": f"value {number}"} for number in range(9)})
    for number in range(6):
        vault.set("bank/checking", {"password": f"number {number}", "photo": b"\0" * 100})
    vault.delete("many/3")
    vault.destroy("bank/checking", versions=[2])
    vault.configure("many/4", max_versions=3)
    vault.add_slot(new_key_file(), label="second")
    return vault


def test_all_of_it_goes_over_as_it_lies(lived: Vault, new_store: NewStore, credential: KeyFileCredential) -> None:
    """Every row is the same, byte for byte, but header, ledger and one audit entry; the vault itself is not touched."""
    before = rows_of(lived._core.store)
    store = new_store()
    with copy(lived, store) as made:
        after = rows_of(store)
        for table in (SLOTS, OBJECTS, NODES, VERSIONS):
            assert after[table] == before[table], table
        assert after[AUDIT][:-1] == before[AUDIT]
        assert len(after[HEADER]) == 1
        assert made.verify().items == lived.verify().items
        assert made.get("bank/checking", version=3)["password"].reveal() == "number 2"
        assert [one.number for one in made.history("bank/checking")] == [
            one.number for one in lived.history("bank/checking")
        ]
    assert rows_of(lived._core.store) == before


def test_a_copy_is_opened_with_what_opened_the_vault(lived: Vault, tmp_path: Path) -> None:
    """Each of its slots, by a program that knows nothing of the copying; and what is written there stays there."""
    tmp_path.chmod(0o700)
    third = new_key_file()
    lived.add_slot(third)
    copy(lived, SqliteStore.create(str(tmp_path / "copy.db"))).lock()
    with open_vault(SqliteStore.open(str(tmp_path / "copy.db")), third, author="test") as opened:
        opened.set("new", {"password": "of the copy"})
        opened.verify()
    assert "new" not in list(lived.list())
    lived.verify()


def test_there_and_back(lived: Vault, new_store: NewStore, credential: KeyFileCredential) -> None:
    """A copy is a vault like any other: it is written to, and copied into every kind of store."""
    store = new_store()
    with copy(lived, store) as there:
        there.set("new", {"password": "there"})
        with copy(there, MemoryStore()) as back:
            assert back.get("new", "password").reveal() == "there"
            assert back.verify().audit_entries == lived.verify().audit_entries + 3
            back.rotate(root=True)
            back.verify()


def test_of_several_writers(postgres_schema: Role) -> None:
    """Each has its share of the ledger and a chain of its own; they go along, and a file goes on with them."""
    key = new_key_file()
    store = create_store(postgres_schema.vault_url)
    with create_vault(store, [key], author="first") as vault:
        store.publish()
        enough = Event()

        def write(writer: int) -> None:
            with open_vault(open_store(postgres_schema.vault_url), key, author=f"writer {writer}") as other:
                while not enough.is_set():
                    other.set(f"of {writer}", {"password": "x"})

        def count_writers() -> int:
            with vault._core.store.reading() as rows:
                return len(list(rows.scan(LEDGER)))

        threads = [Thread(target=write, args=(writer,)) for writer in range(3)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: count_writers() > 1, "a second writer at the same moment")
        finally:
            enough.set()
            for thread in threads:
                thread.join()
        with copy(vault, MemoryStore()) as made:
            assert list(made.list()) == list(vault.list())
            made.set("later", {"password": "x"})
            assert made.verify().audit_entries == vault.verify().audit_entries + 2
            made.rotate(root=True)
            made.verify()


def test_two_copies_that_live_are_told_apart(lived: Vault) -> None:
    """Vault id and fingerprint stay; each copy has a lineage of its own, and an audit entry says where it began."""
    with copy(lived, MemoryStore()) as one, copy(lived, MemoryStore()) as two:
        assert one.vault_id == two.vault_id == lived.vault_id
        assert one.fingerprint == lived.fingerprint
        assert len({one.lineage, two.lineage, lived.lineage}) == 3
        assert one.commit_counter == lived.commit_counter + 1
        with one._core.reading() as rows:
            *_, last = rows.scan(AUDIT)
        assert one._core.audit.open(last)[0].operation == "copy"


def test_what_the_audit_log_calls_it(lived: Vault) -> None:
    """A backup that goes into another kind of store is restored, and not copied."""
    with Vault(copying.copy_vault(lived._core, MemoryStore(), operation="restore-backup").core) as made:
        with made._core.reading() as rows:
            *_, last = rows.scan(AUDIT)
        assert made._core.audit.open(last)[0].operation == "restore-backup"


class Stopping:
    """A store that fails at its *left*-th write, as if the program ended there."""

    def __init__(self, store: Store, left: int) -> None:
        self._store = store
        self.left = left

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def writing(self, *, beside: bool = False) -> AbstractContextManager[Writing]:
        return self._writing()

    @contextmanager
    def _writing(self) -> Iterator[Writing]:
        with self._store.writing() as rows:
            yield _StoppingRows(rows, self)  # type: ignore[misc]  # all of it, by `__getattr__`

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


class _StoppingRows:
    def __init__(self, rows: Writing, store: Stopping) -> None:
        self._rows = rows
        self._store = store

    def __getattr__(self, name: str) -> object:
        found = getattr(self._rows, name)
        if name in ("put", "put_many", "delete"):
            self._store.count()
        return found


def stops(vault: Vault, store: Store, *, step: int = 1) -> Iterator[int]:
    """Copy again and again, each time *step* writes further, until it is done."""
    left = 0
    while True:
        try:
            copying.copy_vault(vault._core, Stopping(store, left))  # type: ignore[arg-type]
        except KeyboardInterrupt:
            yield left
            left += step
        else:
            return


def is_copy(vault: Vault, store: Store) -> bool:
    """Whether *store* holds what the vault holds now."""
    of_vault, there = rows_of(vault._core.store), rows_of(store)
    return there[AUDIT][:-1] == of_vault[AUDIT] and all(
        there[table] == of_vault[table] for table in (SLOTS, OBJECTS, NODES, VERSIONS)
    )


def test_taken_up_again_wherever_it_stopped(lived: Vault, new_store: NewStore, credential: KeyFileCredential) -> None:
    """At no write is there half a vault; what comes of it in the end is the vault."""
    store = new_store()
    count = 0
    step = 3 if store.location.startswith("postgresql") else 1
    for left in stops(lived, store, step=step):
        count += step
        with pytest.raises(VaultNotFound, match="was not finished" if left else "no vault"):
            open_vault(store, credential, author="test")
    assert count > 20
    assert is_copy(lived, store)


def test_written_to_between_two_attempts(lived: Vault) -> None:
    """What was copied before is brought to the newest state, whatever happened: also under a new root key."""
    steps: list[Callable[[], object]] = [
        lambda: lived.set("many/1", {"password": "changed"}),
        lambda: lived.destroy("many/2", versions=[1]),
        lambda: lived.move("bank/checking", "0/first"),
        lambda: lived.rotate(),
        lambda: lived.set_many({f"later/{one}": {"password": "x"} for one in range(9)}),
        lambda: lived.rotate(root=True),
        lambda: lived.set("many/1", {"password": "last"}),
    ]
    store = MemoryStore()
    for left in stops(lived, store):
        if left % 3 == 2 and steps:
            steps.pop(0)()
    assert not steps
    assert is_copy(lived, store)
    with copy(lived, store) as made:
        assert made.get("many/1", "password").reveal() == "last"
        with pytest.raises(NotFound):
            made.get("many/2")


def test_finished_and_asked_for_again(lived: Vault) -> None:
    """As when the answer to its last commit was lost: it is verified, and is the same copy."""
    store = MemoryStore()
    first = copy(lived, store)
    lineage = first.lineage
    with copy(lived, MemoryStore(store)) as again:
        assert again.lineage == lineage
        assert again.commit_counter == lived.commit_counter + 1


def _write_to_copy(lived: Vault, store: MemoryStore) -> None:
    with copy(lived, store) as made:
        made.set("many/1", {"password": "elsewhere"})


def _write_to_vault(lived: Vault, store: MemoryStore) -> None:
    copy(lived, store)
    lived.set("many/1", {"password": "here"})


def _write_to_both(lived: Vault, store: MemoryStore) -> None:
    with copy(lived, store):
        _write_to_copy(lived, MemoryStore())
    with open_other(store, lived) as made:
        made.set("x", {"password": "elsewhere"})
    lived.set("y", {"password": "here"})


def _new_root_key(lived: Vault, store: MemoryStore) -> None:
    copy(lived, store)
    lived.rotate(root=True)


def _another_vault(lived: Vault, store: MemoryStore) -> None:
    create_vault(store, [new_key_file()], author="test")


def _itself(lived: Vault, store: MemoryStore) -> None:
    store._shared = lived._core.store._shared  # type: ignore[attr-defined]


def _unfinished_of_another(lived: Vault, store: MemoryStore) -> None:
    with create_vault(MemoryStore(), [new_key_file()], author="test") as other:
        assert next(stops_after(other, store, 3))


def _something(lived: Vault, store: MemoryStore) -> None:
    with store.writing() as rows:
        rows.put(AUDIT, (bytes(16), 1, b"body"))


def open_other(store: MemoryStore, vault: Vault) -> Vault:
    return Vault(copying.copy_vault(vault._core, MemoryStore(store)).core)


def stops_after(vault: Vault, store: Store, left: int) -> Iterator[bool]:
    with pytest.raises(KeyboardInterrupt):
        copying.copy_vault(vault._core, Stopping(store, left))  # type: ignore[arg-type]
    yield True


IN_THE_WAY = {
    "a copy that was written to": _write_to_copy,
    "a copy of an earlier state": _write_to_vault,
    "a copy, both written to once": _write_to_both,
    "a copy from before the new root key": _new_root_key,
    "another vault": _another_vault,
    "the vault itself": _itself,
    "an unfinished copy of another vault": _unfinished_of_another,
    "something": _something,
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_nothing_is_copied_over_anything(lived: Vault, what: str) -> None:
    """Whatever lies there already is a conflict, and stays as it is."""
    store = MemoryStore()
    IN_THE_WAY[what](lived, store)
    before = rows_of(MemoryStore(store))
    with pytest.raises(Conflict):
        copying.copy_vault(lived._core, MemoryStore(store))
    assert rows_of(MemoryStore(store)) == before


def _change(table: Table) -> Callable[[Writing], None]:
    def change(rows: Writing) -> None:
        *_, row = rows.scan(table)
        last = row[-1]
        assert isinstance(last, bytes)
        rows.put(table, (*row[:-1], last[:-1] + bytes([last[-1] ^ 1])))

    return change


def _delete(table: Table) -> Callable[[Writing], None]:
    return lambda rows: rows.delete(table, *next(iter(rows.scan(table)))[: table.key_length])


def _insert(table: Table) -> Callable[[Writing], None]:
    def insert(rows: Writing) -> None:
        columns = [9 if kind == "INTEGER" else b"\xff" * 16 for _, kind in table.columns]
        rows.put(table, tuple(columns))

    return insert


ATTACKS = {
    f"{name} {table.name}": attack(table)
    for table in (NODES, VERSIONS, OBJECTS, AUDIT)
    for name, attack in {"change": _change, "delete": _delete, "insert": _insert}.items()
} | {"insert header": _insert(HEADER), "insert slots": _insert(SLOTS)}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tampered_vault_is_not_made_genuine(lived: Vault, attack: str) -> None:
    """What the ledger does not count is never sealed anew, and nothing is left that is a vault."""
    with MemoryStore(lived._core.store).writing() as rows:  # type: ignore[arg-type]
        ATTACKS[attack](rows)
    store = MemoryStore()
    with pytest.raises(Tampered):
        copying.copy_vault(lived._core, store)
    assert not rows_of(store)[HEADER]


@pytest.mark.parametrize("attack", ATTACKS)
def test_tampered_between_the_look_and_the_copy(
    lived: Vault, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sum over what was copied is compared again: the look before only gives it names."""
    with MemoryStore(lived._core.store).writing() as rows:  # type: ignore[arg-type]
        ATTACKS[attack](rows)
    monkeypatch.setattr(copying, "verify", lambda _core: None)
    store = MemoryStore()
    with pytest.raises(Tampered):
        copying.copy_vault(lived._core, store)
    assert not [row for row in rows_of(store)[HEADER] if row[0] == 1]


@pytest.mark.parametrize("attack", ATTACKS)
def test_whoever_writes_to_the_place_meanwhile_is_found_out(
    lived: Vault, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was changed there while it was being copied is no vault, and is mended by copying again."""
    store = MemoryStore()
    finish = copying._Transfer.finish
    left = [ATTACKS[attack]]

    def meanwhile(self: copying._Transfer, operation: str) -> object:
        while left:
            with MemoryStore(store).writing() as rows:
                left.pop()(rows)
        return finish(self, operation)

    monkeypatch.setattr(copying._Transfer, "finish", meanwhile)
    # These are made anew in the last commit: nothing of what lay there counts.
    if attack not in ("insert header", "insert slots"):
        with pytest.raises(Tampered, match="somebody else wrote to it"):
            copying.copy_vault(lived._core, store)
        assert not [row for row in rows_of(store)[HEADER] if row[0] == 1]
    copying.copy_vault(lived._core, MemoryStore(store))
    assert not left
    assert is_copy(lived, store)


class Unclear(Stopping):
    """A store that does not say what became of the commit that made a vault of it; *left*: was it carried out?"""

    depth = 0

    @contextmanager
    def _writing(self) -> Iterator[Writing]:
        self.depth += 1
        with self._store.writing() as rows:
            yield rows
            self.depth -= 1
            is_last = not self.depth and next(iter(rows.scan(LEDGER)), None) is not None
            if is_last and not self.left:
                raise OutcomeUnknown("the answer is missing")
        if is_last:
            raise OutcomeUnknown("the answer is missing")


@pytest.mark.parametrize("was_carried_out", [True, False])
def test_the_last_commit_without_an_answer(lived: Vault, was_carried_out: bool) -> None:
    """Whether it was carried out or not, the same call is right afterwards."""
    store = MemoryStore()
    with pytest.raises(OutcomeUnknown) as caught:
        copying.copy_vault(lived._core, Unclear(store, was_carried_out))  # type: ignore[arg-type]
    assert "copy again" in caught.value.advice
    assert bool(rows_of(store)[LEDGER]) is was_carried_out
    copying.copy_vault(lived._core, MemoryStore(store)).core.lock()
    assert is_copy(lived, store)


def test_inside_a_transaction(lived: Vault) -> None:
    """What is not committed is not copied."""
    with pytest.raises(RuntimeError, match="inside a transaction"), lived.transaction():
        lived.set("half", {"password": "x"})
        copying.copy_vault(lived._core, MemoryStore())


def test_a_copy_that_does_not_verify(lived: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not handed out, and its keys are wiped."""
    made: list[copying.Core] = []

    def suspicious(core: copying.Core) -> object:
        if core is not lived._core:
            made.append(core)
            raise Tampered("planted")
        return None

    monkeypatch.setattr(copying, "verify", suspicious)
    with pytest.raises(Tampered, match="planted"):
        copying.copy_vault(lived._core, MemoryStore())
    assert [core.is_locked for core in made] == [True]


def test_progress_is_told(lived: Vault) -> None:
    """It grows to the number of all rows."""
    seen: list[tuple[int, int]] = []
    copy(lived, MemoryStore(), progress=lambda done, total: seen.append((done, total))).lock()
    totals = {total for _, total in seen}
    assert len(totals) == 1
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == totals.pop()


def test_a_store_that_fails_is_no_loss(lived: Vault) -> None:
    """The keys of the copy are wiped, and the vault goes on."""

    class Full(Stopping):
        def count(self) -> None:
            super().count()
            if not self.left:
                raise StoreUnavailable("the disk is full")

    counting = Stopping(MemoryStore(), 1000)
    copying.copy_vault(lived._core, counting).core.lock()  # type: ignore[arg-type]
    last = 1000 - counting.left

    with ExitStack() as stack:
        made: list[copying.Core] = []
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(
            copying._Transfer, "_open", _remembering(copying._Transfer._open, made)
        )
        with pytest.raises(StoreUnavailable):
            copying.copy_vault(lived._core, Full(MemoryStore(), last))  # type: ignore[arg-type]
    (core,) = made
    with pytest.raises(ValueError, match="wiped"):
        core.keys.root_key.reveal_buffer()
    lived.verify()


def _remembering(method: Callable[..., copying.Core], made: list[copying.Core]) -> Callable[..., copying.Core]:
    def wrapper(*args: object) -> copying.Core:
        core = method(*args)
        made.append(core)
        return core

    return wrapper


def test_an_unfinished_copy_is_what_the_reading_says() -> None:
    """The mark beside a header is no unfinished copy."""
    store = MemoryStore()
    with store.writing() as rows:
        assert not copying.is_unfinished(rows)
        rows.put(HEADER, (0, b"body", b""))
        assert copying.is_unfinished(rows)
        rows.put(HEADER, (1, b"body", b"mac"))
        assert not copying.is_unfinished(rows)

