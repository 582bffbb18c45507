"""Several writers beside one another: nothing is lost, every chain is checked, and each is a witness of the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from strongroom.errors import Conflict, OutcomeUnknown, Tampered
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.stores.interface import Store
from strongroom.stores.registry import open_copy
from strongroom.stores.schema import AUDIT, HEADER, LEDGER, NODES, OBJECTS, VERSIONS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.audit import writer_id
from strongroom.vault.change import Change
from strongroom.vault.opening import open_vault
from strongroom.vault.vault import Vault
from tests.patience import wait_for
from tests.postgres_cluster import Role
from tests.unit.vault.conftest import beside

PATIENCE_SECONDS = 60.0
ROUNDS = 4
every_kind = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
many_writers = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


@contextmanager
def as_writer(store: Store, number: int) -> Iterator[None]:
    """While this lasts, all lower writers' numbers are taken."""
    others = [beside(store) for _ in range(number)]
    blocks = [other.writing(beside=True) for other in others]
    for block in blocks:
        block.__enter__()
    try:
        yield
    finally:
        for block in blocks:
            block.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


@pytest.fixture
def of_three(vault: Vault, store: Store) -> Vault:
    """A vault that three writers have written to, each having seen the one before."""
    for number in range(3):
        with as_writer(store, number):
            other = Vault(vault._core) if not number else vault
            other._core.store._session.beginning.writer = number  # type: ignore[attr-defined]  # the one that it asks for first
            other.set(f"of/{number}", {"n": str(number)})
            other.set("of/all", {"n": str(number)})
    return vault


def together(*calls: Callable[[], object]) -> None:
    """Run all at once, and fail if one fails."""
    failures: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not failures, failures
    assert not any(thread.is_alive() for thread in threads)


@every_kind
def test_nothing_is_lost(vault: Vault, store: Store, credential: KeyFileCredential) -> None:
    """Eight programs write the same item, the same new folders and their own items; every write is there."""
    vaults = [open_vault(beside(store), credential, author=f"w{number}") for number in range(8)]

    def write(number: int) -> None:
        for round_ in range(ROUNDS):
            vaults[number].set("shared/item", {"n": f"{number} {round_}"})
            vaults[number].set(f"new/{round_}/of-{number}", {"n": "1"})
            vaults[number].patch("shared/merged", {f"of-{number}": str(round_)}, create=True)

    vault.configure(max_versions=1000)
    before = vault.status().commit_counter
    together(*(lambda number=number: write(number) for number in range(8)))
    assert len(vault.history("shared/item")) == 8 * ROUNDS
    assert len(list(vault.walk("new"))) == 8 * ROUNDS
    assert set(vault.get("shared/merged")) == {f"of-{number}" for number in range(8)}
    report = vault.verify()
    assert report.commit_counter == report.audit_entries == before + 3 * 8 * ROUNDS
    for one in vaults:
        one.verify()
        one.lock()


@every_kind
def test_check_and_set_has_one_winner(vault: Vault, store: Store, credential: KeyFileCredential) -> None:
    """Of eight who saw the same version one writes the next; the others are told."""
    vaults = [open_vault(beside(store), credential, author=f"w{number}") for number in range(8)]
    vault.set("item", {"n": "0"})
    won: list[int] = []

    def write(number: int) -> None:
        try:
            vaults[number].set("item", {"n": str(number)}, cas=1)
            won.append(number)
        except Conflict:
            pass  # somebody else is in `won`

    together(*(lambda number=number: write(number) for number in range(8)))
    assert len(won) == 1
    assert vault.get("item").public("n") == str(won[0])
    assert len(vault.history("item")) == 2
    for one in vaults:
        one.lock()


@many_writers
def test_each_writer_has_a_chain_and_a_share(of_three: Vault, credential: KeyFileCredential) -> None:
    """They add up to the vault's counter; another program reads and verifies them."""
    store = of_three._core.store
    with store.reading() as rows:
        assert [row[0] for row in rows.scan(LEDGER)] == [0, 1, 2]
        assert {bytes(row[0]) for row in rows.scan(AUDIT)} == {writer_id(number) for number in range(3)}  # type: ignore[arg-type]
    with open_vault(beside(store), credential, author="other") as other:
        assert other.verify().commit_counter == other.status().commit_counter == of_three.commit_counter == 7
        assert other.last_commit == of_three.history("of/all")[-1].created


@many_writers
@pytest.mark.parametrize("root", [False, True])
def test_a_rotation_seals_every_share_anew(of_three: Vault, credential: KeyFileCredential, root: bool) -> None:
    """No row of the ledger is left under a key that is destroyed."""
    of_three.rotate(root=root)
    of_three.verify()
    with open_vault(beside(of_three._core.store), credential, author="other") as other:
        other.set("of/1", {"n": "later"})
        other.verify()
    of_three.verify()


@many_writers
def test_a_backup_holds_all_chains(of_three: Vault, credential: KeyFileCredential, tmp_path: os.PathLike[str]) -> None:
    """A file that is written to by one at a time goes on with the first chain."""
    os.chmod(tmp_path, 0o700)
    path = os.path.join(tmp_path, "backup.db")
    assert of_three.backup(path) == 7
    with open_vault(open_copy(path), credential, author="reader") as copy:
        copy.verify()
    with open_vault(SqliteStore.open(path), credential, author="writer") as file:
        file.set("of/all", {"n": "file"})
        assert file.verify().commit_counter == 8
        file.rotate(root=True)
        file.verify()


def state_of(store: Store) -> dict[object, list[tuple[int | bytes, ...]]]:
    with store.reading() as rows:
        return {table: list(rows.scan(table)) for table in store.format.tables}


def put_back(store: Store, then: dict[object, list[tuple[int | bytes, ...]]], *, writer: int) -> None:
    """Everything as it was, but for what other writers than this one have done to ledger and audit log since."""
    with store.writing() as rows:
        for table in (HEADER, NODES, OBJECTS, VERSIONS):
            for row in list(rows.scan(table)):
                rows.delete(table, *row[: table.key_length])
            rows.put_many(table, then[table])
        rows.put_many(LEDGER, [row for row in then[LEDGER] if row[0] == writer])
        kept = {row[:2] for row in then[AUDIT]}
        for row in list(rows.scan(AUDIT)):
            if row[0] == writer_id(writer) and row[:2] not in kept:
                rows.delete(AUDIT, *row[:2])


@many_writers
def test_one_writer_alone_cannot_be_rolled_back(of_three: Vault, store: Store) -> None:
    """Its rows, its share and the end of its chain go back together; a later commit of another has seen them."""
    then = state_of(store)
    with as_writer(store, 2):
        of_three.set("of/2", {"n": "after"})
    then_but_later = state_of(store)
    with as_writer(store, 0):
        store._session.beginning.writer = 0  # type: ignore[attr-defined]
        of_three.patch("of/0", {"n": "0"})
    of_three.verify()
    for table in (NODES, VERSIONS):
        # What the witness itself has written stays as it is.
        new = [row for row in state_of(store)[table] if row not in then_but_later[table]]
        keys = {row[: table.key_length] for row in new}
        then[table] = [row for row in then[table] if row[: table.key_length] not in keys] + new
    put_back(store, then, writer=2)
    with pytest.raises(Tampered) as caught:
        of_three.verify()
    assert any(finding.startswith("rolled back: ") for finding in caught.value.findings), caught.value.findings


@many_writers
def test_who_comes_anew_finds_that_too(of_three: Vault, store: Store, credential: KeyFileCredential) -> None:
    """Without the memory of the program that wrote it."""
    then = state_of(store)
    with as_writer(store, 2):
        of_three.set("of/2", {"n": "after"})
    with as_writer(store, 0):
        store._session.beginning.writer = 0  # type: ignore[attr-defined]
        of_three.add_grant("g", "user", 1001, {"read": ["x"]})
    later = state_of(store)
    for table in (HEADER, OBJECTS):
        then[table] = later[table]
    put_back(store, then, writer=2)
    with open_vault(beside(store), credential, author="other") as other, pytest.raises(Tampered) as caught:
        other.verify()
    assert caught.value.findings == ("rolled back: a writer's commits, from 9 in all to 8",)


@many_writers
@pytest.mark.parametrize("later", [0, 1, 2])
def test_what_is_written_later_hides_no_roll_back(
    of_three: Vault, store: Store, credential: KeyFileCredential, later: int
) -> None:
    """Somebody who knows of nothing commits until the vault has come as far as the witness has seen it."""
    then = state_of(store)
    with as_writer(store, 2):
        of_three.set("of/2", {"n": "after"})
    with as_writer(store, 0):
        store._session.beginning.writer = 0  # type: ignore[attr-defined]
        of_three.add_grant("g", "user", 1001, {"read": ["x"]})
    seen = state_of(store)
    for table in (HEADER, OBJECTS):
        then[table] = seen[table]
    put_back(store, then, writer=2)
    for number in range(2):
        with open_vault(beside(store), credential, author="other") as other, as_writer(store, later):
            other._core.store._session.beginning.writer = later  # type: ignore[attr-defined]
            other.set("of/1", {"n": f"later {number}"})
            assert other.commit_counter >= 9
    with open_vault(beside(store), credential, author="other") as other, pytest.raises(Tampered) as caught:
        other.verify()
    assert any(finding.startswith("rolled back: ") for finding in caught.value.findings), caught.value.findings


@many_writers
@pytest.mark.parametrize(
    ("what", "finding"),
    [
        ("DELETE FROM {}.ledger WHERE bucket = 1", "rolled back: "),
        ("DELETE FROM {}.ledger WHERE bucket = 2", "rolled back: "),
        ("UPDATE {0}.ledger SET body = (SELECT body FROM {0}.ledger WHERE bucket = 1) WHERE bucket = 2",
         "changed: the ledger"),
        ("INSERT INTO {0}.ledger SELECT 7, body FROM {0}.ledger WHERE bucket = 1", "inserted: a second ledger"),
        ("INSERT INTO {0}.ledger SELECT 64, body FROM {0}.ledger WHERE bucket = 1", "inserted: a second ledger"),
        ("DELETE FROM {}.audit WHERE get_byte(writer, 15) = 1", "deleted: audit entries 1 to 2 of writer 1"),
        ("DELETE FROM {}.audit WHERE get_byte(writer, 15) = 2 AND sequence = 2", "deleted: audit entry 2 of writer 2"),
        ("DELETE FROM {}.audit WHERE get_byte(writer, 15) = 2 AND sequence = 1", "deleted: audit entry 1 of writer 2"),
        ("INSERT INTO {0}.audit SELECT writer, 3, body FROM {0}.audit WHERE get_byte(writer, 15) = 1 AND sequence = 1",
         "inserted: audit entry 3 of writer 1"),
        ("INSERT INTO {0}.audit SELECT '\\xff', 1, body FROM {0}.audit WHERE get_byte(writer, 15) = 1 AND sequence = 1",
         "inserted: audit entry 1 of an unknown writer"),
        ("UPDATE {0}.audit SET body = (SELECT body FROM {0}.audit WHERE get_byte(writer, 15) = 1 AND sequence = 1)"
         " WHERE get_byte(writer, 15) = 2 AND sequence = 1", "changed: audit entry 1 of writer 2"),
    ],
)  # fmt: skip
def test_what_was_done_to_a_chain_or_share_is_named(
    of_three: Vault, credential: KeyFileCredential, postgres_vaults: Role, what: str, finding: str
) -> None:
    """By a superuser of the database, with the statements of one."""
    location = of_three.location
    schema = location.partition("schema=")[2]
    with postgres_vaults.connect_as_superuser() as connection:
        assert connection.execute(what.format(schema)).rowcount > 0
    with pytest.raises(Tampered) as caught:
        of_three.verify()
    assert any(one.startswith(finding) for one in caught.value.findings), caught.value.findings


@many_writers
def test_a_repeated_request_writes_once(vault: Vault, postgres_vaults: Role) -> None:
    """Whatever became of a commit whose answer is missing."""
    vault.set("another", {"n": "1"})  # so that the commit below has nothing left to ask
    request = os.urandom(16)
    with pytest.raises(OutcomeUnknown) as caught, vault.transaction(request_id=request):
        vault.set("item", {"n": "1"})
        with postgres_vaults.connect_as_superuser() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'strongroom'"
            )
    assert caught.value.request_id == request.hex()
    for _ in range(3):
        vault.set("item", {"n": "1"}, request_id=request)
    assert len(vault.history("item")) == 1
    vault.verify()


@many_writers
@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize("comes_true", [False, True])
def test_a_request_that_is_repeated_while_the_first_is_under_way(
    vault: Vault, credential: KeyFileCredential, postgres_vaults: Role, is_new: bool, comes_true: bool
) -> None:
    """Through another writer, who waits for what becomes of the first: one version, whatever that is."""
    if not is_new:
        vault.set("item", {"n": "before"})
    request = os.urandom(16)
    repeated: list[int] = []
    with open_vault(beside(vault._core.store), credential, author="other") as other:

        def repeat() -> None:
            repeated.append(other.set("item", {"n": "1"}, request_id=request).number)

        second = Thread(target=repeat)

        def first(change: Change) -> None:
            vault.set("item", {"n": "1"}, request_id=request)
            change.rows.finish()
            vault._core.store._session.hand_over()  # type: ignore[attr-defined]  # the server has it, and no COMMIT yet
            second.start()
            wait_for(lambda: _is_waiting(postgres_vaults), "the second one to wait")
            if not comes_true:
                raise KeyboardInterrupt

        try:
            vault._core.commit("set", request, first)
        except KeyboardInterrupt:
            assert not comes_true
        second.join(PATIENCE_SECONDS)
        assert repeated == [1 if is_new else 2]
        assert len(vault.history("item")) == repeated[0]
        assert vault.get("item").public("n") == "1"
        vault.verify()


def _is_waiting(role: Role) -> bool:
    with role.connect_as_superuser() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return connection.execute(query).fetchone() != (0,)
