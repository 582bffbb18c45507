"""The SQLite store beyond the conformance suite: settings, plans, locks, forks, failures of the driver."""

import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from strongroom.errors import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    StoreUnavailable,
    Tampered,
    UnsafePermissions,
    VaultNotFound,
)
from strongroom.stores import sqlite_file
from strongroom.stores.schema import HEADER, TABLES
from strongroom.stores.sqlite import SqliteStore
from strongroom.stores.sqlite_driver import translate
from strongroom.stores.sqlite_rows import STATEMENTS

ITEM = b"i" * 16


def pragma(store, name):
    value = store._session.connection.execute(f"PRAGMA {name}").fetchone()[0]
    return bytes(value).decode() if isinstance(value, bytearray) else value


def test_every_setting_that_durability_and_secrecy_need_is_on(store):
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
        "temp_store": 2,
        "fullfsync": 1,
        "checkpoint_fullfsync": 1,
        "application_id": 0x53524D31,
        "user_version": 1,
    }
    assert {name: pragma(store, name) for name in expected} == expected


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_no_file_is_ever_open_to_others(place, umask):
    """The database, its log and its index, before and after it is published, whatever the umask."""
    before = os.umask(umask)
    try:
        store = SqliteStore.create(f"{place}/vault.db")
        with store.writing() as rows:
            rows.put(HEADER, (1, b"body", b"mac"))
        modes = {stat.S_IMODE(os.stat(f"{place}/{name}").st_mode) for name in os.listdir(place)}
        assert len(os.listdir(place)) == 3
        store.publish()
        with store.writing() as rows:
            rows.put(HEADER, (1, b"body", b"mac"))
        store.backup(f"{place}/backup.db")
        modes |= {stat.S_IMODE(os.stat(f"{place}/{name}").st_mode) for name in os.listdir(place)}
        assert sorted(os.listdir(place)) == ["backup.db", "vault.db", "vault.db-shm", "vault.db-wal"]
        store.close()
    finally:
        os.umask(before)
    assert modes == {0o600}


def test_nothing_is_at_the_path_before_it_is_published(place):
    path = f"{place}/vault.db"
    store = SqliteStore.create(path)
    assert not os.path.lexists(path)
    with pytest.raises(VaultNotFound):
        SqliteStore.open(path)
    store.close()
    assert os.listdir(place) == []


def test_the_slower_of_two_creators_gets_a_conflict_and_leaves_nothing(place):
    path = f"{place}/vault.db"
    first, second = SqliteStore.create(path), SqliteStore.create(path)
    with first.writing() as rows:
        rows.put(HEADER, (1, b"first", b""))
    first.publish()
    with pytest.raises(Conflict):
        second.publish()
    with pytest.raises(Conflict):
        SqliteStore.create(path)
    first.close()
    assert os.listdir(place) == ["vault.db"]
    with SqliteStore.open(path).reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"first", b"")


def test_closing_leaves_one_file(path):
    store = SqliteStore.open(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"new", b""))
    store.close()
    assert os.listdir(os.path.dirname(path)) == ["vault.db"]


def test_a_missing_vault_or_directory_says_what_to_do(place):
    with pytest.raises(VaultNotFound) as raised:
        SqliteStore.open(f"{place}/none.db")
    assert "strongroom init" in raised.value.advice
    with pytest.raises(VaultNotFound):
        SqliteStore.open(f"{place}/none/none.db")
    with pytest.raises(NotFound):
        SqliteStore.create(f"{place}/none/none.db")


def test_what_cannot_be_opened_is_let_go(path):
    """While somebody still holds the error: a descriptor that is left drops another's locks when it goes."""
    with open(path, "r+b") as file:
        file.write(b"no database")
    with pytest.raises(Tampered) as raised:
        SqliteStore.open(path)
    open_files = []
    for number in os.listdir("/proc/self/fd"):
        try:
            open_files.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue  # the listing's own
    assert raised.value.__traceback__ is not None
    assert not any(name.startswith(path) for name in open_files)


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("mode", [0o640, 0o602])
def test_a_file_open_to_others_is_refused(store, path, ending, mode):
    with store.reading() as rows:
        rows.get(HEADER, 1)
    if ending == "-journal":
        with open(path + ending, "wb"):
            pass
    os.chmod(path + ending, mode)
    with pytest.raises(UnsafePermissions, match="open to other users"):
        SqliteStore.open(path)


def test_a_directory_that_others_can_write_is_refused(path):
    os.chmod(os.path.dirname(path), 0o1777)
    with pytest.raises(UnsafePermissions, match="can be written by other users"):
        SqliteStore.open(path)
    with pytest.raises(UnsafePermissions):
        SqliteStore.create(path + "2")


def test_a_symbolic_link_is_refused_with_the_real_path(path):
    os.symlink(path, path + ".link")
    with pytest.raises(UnsafePermissions) as raised:
        SqliteStore.open(path + ".link")
    assert path in raised.value.advice


@pytest.mark.parametrize("name", ["a b.db", "100%.db", "q?mode=memory.db", "#h.db", "ü☃.db", ":memory:", "x\udcff.db"])
def test_any_file_name_is_taken_literally(place, name):
    path = f"{place}/{name}"
    store = SqliteStore.create(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"body", b"mac"))
    store.publish()
    store.close()
    assert os.listdir(place) == [name]
    opened = SqliteStore.open(path)
    with opened.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")
    opened.close()


def test_a_relative_path_outlives_a_change_of_directory(path, monkeypatch):
    monkeypatch.chdir(os.path.dirname(path))
    store = SqliteStore.open("vault.db")
    monkeypatch.chdir("/")
    assert store.location == path
    store.close()


def test_every_statement_goes_straight_to_its_key(store):
    """No table is scanned for a prefix, nothing is sorted."""
    connection = store._session.connection
    for table in TABLES:
        statements = STATEMENTS[table]
        for count, sql in [
            (table.key_length, statements.get),
            *enumerate(statements.scan),
            *enumerate(statements.last),
        ]:
            arguments = tuple(1 if kind == "INTEGER" else b"" for _, kind in table.columns[:count])
            plan = b" / ".join(bytes(row[3]) for row in connection.execute("EXPLAIN QUERY PLAN " + sql, arguments))
            assert b"TEMP B-TREE" not in plan
            assert (b"SEARCH" in plan and b"PRIMARY KEY" in plan) if count else plan.startswith(b"SCAN"), (sql, plan)
        after = [1 if kind == "INTEGER" else b"" for _, kind in table.columns[: table.key_length]]
        pages = connection.execute("EXPLAIN QUERY PLAN " + statements.next_page, (*after, 5)).fetchall()
        assert [b"SEARCH" in bytes(row[3]) and b"PRIMARY KEY" in bytes(row[3]) for row in pages] == [True], pages


def test_a_file_that_is_replaced_while_it_is_opened_is_opened_anew(path, place, monkeypatch):
    """Whoever waited for the old file's lock must not go on with a file that has no name any more."""
    new = f"{place}/new.db"
    SqliteStore.open(path).backup(new)
    settle = sqlite_file._settle
    replaced = []

    def replace_then_settle(connection, location, **options):
        settle(connection, location, **options)
        if not replaced:
            replaced.append(os.stat(location).st_ino)
            os.replace(new, location)

    monkeypatch.setattr(sqlite_file, "_settle", replace_then_settle)
    store = SqliteStore.open(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"into the new file", b""))
    store.close()
    with SqliteStore.open(path).reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"into the new file", b"")
    assert os.stat(path).st_ino != replaced[0]


MOUNTS = b"""\
22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
30 27 0:45 / /mnt/data rw,relatime shared:9 master:2 - nfs4 server:/export rw,vers=4.2
31 27 0:46 / /mnt/a\\040b rw - fuse.sshfs me@host: rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
broken line
"""


@pytest.mark.parametrize(
    ("device", "kind"), [(b"0:45", b"nfs4"), (b"0:46", b"fuse.sshfs"), (b"254:0", b"ext4"), (b"0:99", b"")]
)
def test_the_kind_of_a_file_system_is_read_from_the_mount_table(device, kind):
    assert sqlite_file.file_system_kind(MOUNTS, device) == kind


def test_a_network_file_system_is_refused(monkeypatch):
    if not os.path.isdir("/dev/shm") or os.major(os.stat("/dev/shm").st_dev) != 0:
        pytest.skip("there is no tmpfs to be taken for a network file system")
    sqlite_file.refuse_network("/dev/shm")
    monkeypatch.setattr(sqlite_file, "_NETWORK_FILE_SYSTEMS", frozenset((b"tmpfs",)))
    with pytest.raises(StoreUnavailable, match="network file system"):
        sqlite_file.refuse_network("/dev/shm")


CODES = [
    (5, StoreUnavailable, True),
    (261, StoreUnavailable, True),
    (6, StoreUnavailable, True),
    (15, StoreUnavailable, True),
    (13, StoreUnavailable, False),
    (8, StoreUnavailable, False),
    (10, StoreUnavailable, False),
    (1034, StoreUnavailable, False),
    (14, StoreUnavailable, False),
    (7, StoreUnavailable, False),
]


@pytest.mark.parametrize(("code", "expected", "is_transient"), CODES)
def test_driver_errors_become_ours(code, expected, is_transient):
    error = sqlite3.OperationalError("INSERT INTO secret_table")
    error.sqlite_errorcode = code
    ours = translate(error, "vault.db")
    assert type(ours) is expected
    assert ours.is_transient is is_transient
    assert "secret_table" not in str(ours) + ours.advice


def test_the_store_loads_no_slow_module():
    """The package sqlite3 and its datetime cost 5 ms of a cold start, and nothing here needs them."""
    script = (
        "import sys; before = set(sys.modules); import strongroom.stores.sqlite\n"
        "slow = set('sqlite3 datetime pathlib json dataclasses argparse importlib.metadata'.split())\n"
        "print(sorted(slow & (set(sys.modules) - before)))"
    )
    run = subprocess.run([sys.executable, "-S", "-c", script], check=True, capture_output=True, text=True,
                         env={"PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert run.stdout == "[]\n"


def test_a_creation_that_fails_leaves_nothing(place, monkeypatch):
    def fail(_table):
        raise KeyboardInterrupt

    monkeypatch.setattr(sqlite_file, "table_sql", fail)
    with pytest.raises(KeyboardInterrupt):
        SqliteStore.create(f"{place}/vault.db")
    assert os.listdir(place) == []


def test_a_store_that_is_whole_passes_its_check(store, meddle):
    store.check()
    meddle("CREATE VIEW v AS SELECT * FROM header")
    with pytest.raises(Exception, match="its tables are not the ones"):
        store.check()


def test_a_file_that_is_replaced_while_it_is_open_is_not_written_to(path, place):
    """The bytes would go into a file without a name, and its log be taken for the new one's."""
    store = SqliteStore.open(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"before", b""))
    new = f"{place}/new.db"
    store.backup(new)
    os.replace(new, path)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="another file has taken its place"), store.writing():
            pytest.fail("it was begun")
    with pytest.raises(Tampered, match="another file has taken its place"):
        store.check()
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"before", b"")
    store.close()
    with SqliteStore.open(path).writing() as rows:
        rows.put(HEADER, (1, b"into the new file", b""))


def test_a_file_that_is_replaced_while_it_is_written_to(path, place):
    """The commit has happened, in a file that nobody will find: whether it counts is not known."""
    store = SqliteStore.open(path)
    new = f"{place}/new.db"
    store.backup(new)
    with pytest.raises(OutcomeUnknown, match="another file has taken its place"), store.writing() as rows:
        rows.put(HEADER, (1, b"lost", b""))
        os.replace(new, path)
    store.close()


def test_a_file_that_is_removed_while_it_is_open(path):
    """As one that was replaced."""
    store = SqliteStore.open(path)
    os.unlink(path)
    with pytest.raises(StoreUnavailable, match="it was removed"), store.writing():
        pytest.fail("it was begun")
    store.close()
