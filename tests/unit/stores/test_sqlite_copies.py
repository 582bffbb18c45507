"""Backups and restores: verified, whole, and never over something that is in use."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import pytest

from strongroom.errors import (
    Conflict,
    Denied,
    FormatUnsupported,
    OutcomeUnknown,
    StoreUnavailable,
    Tampered,
    UnsafePermissions,
    VaultNotFound,
)
from strongroom.stores import sqlite_copies
from strongroom.stores.schema import HEADER, VERSIONS
from strongroom.stores.sqlite import SqliteStore

ITEM = b"i" * 16


def header_of(path):
    store = SqliteStore.open(path)
    try:
        with store.reading() as rows:
            return rows.get(HEADER, 1)
    finally:
        store.close()


@pytest.fixture
def backup(store, place):
    """A backup, after which the store went on."""
    store.backup(f"{place}/backup.db")
    with store.writing() as rows:
        rows.put(HEADER, (1, b"later", b""))
    store.close()
    return f"{place}/backup.db"


def test_a_backup_is_one_file_with_everything_committed(store, place):
    """Also what is still in the log; without a log of its own; the store is not changed."""
    with store.writing() as rows:
        rows.put(HEADER, (1, b"in the log", b""))
    store.backup(f"{place}/backup.db")
    connection = sqlite3.connect(f"file:{place}/backup.db?mode=ro&immutable=1", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT body FROM header").fetchall() == [(b"in the log",)]
    connection.close()
    with open(f"{place}/backup.db", "rb") as file:
        assert file.read(20)[18:20] == b"\x01\x01"  # a rollback-journal database: one file


def test_a_backup_inside_a_write_holds_what_was_committed_before(store, place):
    with store.writing() as rows:
        rows.put(HEADER, (1, b"not yet", b""))
        store.backup(f"{place}/backup.db")
    assert header_of(f"{place}/backup.db") == (1, b"body", b"mac")


def test_a_backup_opens_as_a_vault(backup):
    store = SqliteStore.open(backup)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"lives", b""))
    store.close()
    assert header_of(backup) == (1, b"lives", b"")


def test_a_backup_goes_nowhere_that_others_can_write(store, place):
    os.mkdir(f"{place}/open")
    os.chmod(f"{place}/open", 0o777)
    with pytest.raises(UnsafePermissions):
        store.backup(f"{place}/open/backup.db")
    assert os.listdir(f"{place}/open") == []


def test_a_damaged_store_is_not_backed_up_silently(store, path, place):
    store.scrub()
    store.close()
    damage(path)
    with pytest.raises(Tampered):
        sqlite_copies.write_backup(path, f"{place}/backup.db")
    assert sorted(name for name in os.listdir(place) if "backup" in name) == []


def damage(path):
    """Noise over the third page and all that follow."""
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(8192)
        file.write(os.urandom(size - 8192))


def test_restoring_to_a_free_place(backup, place):
    sqlite_copies.restore_backup(backup, f"{place}/restored.db")
    assert header_of(f"{place}/restored.db") == (1, b"body", b"mac")
    with pytest.raises(Conflict):
        sqlite_copies.restore_backup(backup, f"{place}/restored.db")


def test_restoring_over_a_vault_keeps_the_old_one_aside(backup, path, place):
    sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
    assert header_of(path) == (1, b"body", b"mac")
    assert header_of(f"{place}/aside.db") == (1, b"later", b"")
    assert sorted(os.listdir(place)) == ["aside.db", "backup.db", "vault.db"]
    with pytest.raises(Conflict):
        sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")


def test_restoring_over_a_damaged_vault_keeps_it_as_it_is(backup, path, place):
    damage(path)
    with open(path, "r+b") as file:
        file.write(b"not a database any more")
    with open(path + "-wal", "wb") as file:
        file.write(b"its log")
    with open(path, "rb") as file:
        before = file.read()
    sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
    assert header_of(path) == (1, b"body", b"mac")
    with open(f"{place}/aside.db", "rb") as file:
        assert file.read() == before
    with open(f"{place}/aside.db-wal", "rb") as file:
        assert file.read() == b"its log"


def test_a_vault_in_use_is_not_replaced(backup, path, place, monkeypatch):
    """By this process or another: its log would be taken for the new file's."""
    other = SqliteStore.open(path)
    with other.reading() as rows:
        rows.get(HEADER, 1)
    with pytest.raises(StoreUnavailable, match="in use"):
        sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
    other.close()
    script = """
import sys
from strongroom.stores.sqlite import SqliteStore
store = SqliteStore.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
store.close()
"""
    with subprocess.Popen([sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        with pytest.raises(StoreUnavailable, match="in use"):
            sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
        child.communicate(b"")
    assert header_of(path) == (1, b"later", b"")
    assert not os.path.exists(f"{place}/aside.db")
    sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")


def test_a_bad_backup_leaves_the_vault_alone(backup, path, place):
    for name, content in {"noise": os.urandom(9000), "empty": b""}.items():
        with open(f"{place}/{name}", "wb") as file:
            file.write(content)
        with pytest.raises(Tampered):
            sqlite_copies.restore_backup(f"{place}/{name}", path, set_aside=f"{place}/aside.db")
    damaged = f"{place}/damaged.db"
    shutil.copy(backup, damaged)
    damage(damaged)
    newer = f"{place}/newer.db"
    shutil.copy(backup, newer)
    planted = f"{place}/planted.db"
    shutil.copy(backup, planted)
    for name, sql in ((newer, "PRAGMA user_version = 9"), (planted, "CREATE TABLE more (id INTEGER)")):
        connection = sqlite3.connect(name)
        connection.execute(sql)
        connection.close()
    for name, expected in ((damaged, Tampered), (newer, FormatUnsupported), (planted, Tampered)):
        with pytest.raises(expected):
            sqlite_copies.restore_backup(name, path, set_aside=f"{place}/aside.db")
    with pytest.raises(VaultNotFound):
        sqlite_copies.restore_backup(f"{place}/none", path, set_aside=f"{place}/aside.db")
    assert header_of(path) == (1, b"later", b"")
    assert not [name for name in os.listdir(place) if name.startswith((".", "aside"))]


def test_a_restored_vault_takes_writes(backup, path, place):
    sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
    store = SqliteStore.open(path)
    with store.writing() as rows:
        rows.put(VERSIONS, (ITEM, 1000, b"new"))
    store.close()
    store = SqliteStore.open(path)
    with store.reading() as rows:
        assert len(list(rows.scan(VERSIONS))) == 41
    store.close()


def test_an_exchange_that_fails_leaves_the_vault_in_its_place(backup, path, place, monkeypatch):
    def fail(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sqlite_copies.os, "replace", fail)
    with pytest.raises(StoreUnavailable, match="input/output error"):
        sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
    monkeypatch.undo()
    assert header_of(path) == (1, b"later", b"")
    assert not [name for name in os.listdir(place) if name.startswith(".")]


def test_a_damaged_vault_that_cannot_be_kept_is_not_replaced(backup, path, place, monkeypatch):
    with open(path, "r+b") as file:
        file.write(b"not a database any more")

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite_copies.os, "link", fail)
    with pytest.raises(StoreUnavailable, match="no space left"):
        sqlite_copies.restore_backup(backup, path, set_aside=f"{place}/aside.db")
    with open(path, "rb") as file:
        assert file.read(10) == b"not a data"


def test_a_copy_is_read_without_changing_it(backup, place):
    """Also where nothing can be written; a damaged one is refused, and its log is not made."""
    with open(backup, "rb") as file:
        before = file.read()
    store = sqlite_copies.open_copy(backup)
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")
    with pytest.raises(StoreUnavailable, match="cannot be written"), store.writing() as rows:
        rows.put(HEADER, (1, b"", b""))
    store.close()
    with open(backup, "rb") as file:
        assert file.read() == before
    with pytest.raises(VaultNotFound):
        sqlite_copies.open_copy(f"{place}/none")
    damage(backup)
    with pytest.raises(Tampered):
        sqlite_copies.open_copy(backup)
    assert not [name for name in os.listdir(place) if name.startswith("backup.db-")]


@pytest.mark.parametrize("is_there", [True, False])
def test_an_exchange_that_may_not_outlive_a_power_cut(backup, path, place, monkeypatch, is_there):
    """The directory's sync fails after the exchange: that is neither done nor not done."""
    target = path if is_there else f"{place}/restored.db"
    synced, before = sqlite_copies.durable.sync_dir, os.stat(path).st_ino

    def fail_at_last(folder):
        if os.stat(path).st_ino != before or os.path.lexists(f"{place}/restored.db"):
            raise StoreUnavailable(f"{folder}: input/output error")
        synced(folder)

    monkeypatch.setattr(sqlite_copies.durable, "sync_dir", fail_at_last)
    with pytest.raises(OutcomeUnknown, match="may not outlive a power cut"):
        sqlite_copies.restore_backup(backup, target, set_aside=f"{place}/aside.db" if is_there else None)
    monkeypatch.undo()
    assert header_of(target) == (1, b"body", b"mac")
    assert not is_there or header_of(f"{place}/aside.db") == (1, b"later", b"")
    assert not [name for name in os.listdir(place) if name.startswith(".")]


def test_a_backup_that_may_not_outlive_a_power_cut(store, place, monkeypatch):
    """It is there and whole, and nobody is told that it failed."""

    def fail(folder):
        raise StoreUnavailable(f"{folder}: input/output error")

    monkeypatch.setattr(sqlite_copies.durable, "sync_dir", fail)
    with pytest.raises(OutcomeUnknown) as caught:
        store.backup(f"{place}/backup.db")
    monkeypatch.undo()
    assert f"backup --check {place}/backup.db" in caught.value.advice
    assert header_of(f"{place}/backup.db")[0] == 1
    assert os.stat(f"{place}/backup.db").st_nlink == 1


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_directory_that_this_user_may_not_write(backup):
    """Denied, with the name that was given and not the unfinished one."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        os.seteuid(65_534)
        try:
            for attempt in (sqlite_copies.write_backup, sqlite_copies.restore_backup):
                with pytest.raises(Denied, match=f"cannot write {folder}/copy.db"):
                    attempt(backup, f"{folder}/copy.db")
        finally:
            os.seteuid(0)


def test_errors_show_the_name_that_was_given():
    """Not the one under which a file is unfinished."""
    durable = sqlite_copies.durable
    error = durable.os_error(OSError(28, "No space left on device"), durable.unfinished_name("/place/backup.db"))
    assert error.message == "/place/backup.db: no space left on device"
    assert "/place/.new" in durable.os_error(OSError(5, "Input/output error"), "/place/.new").message


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_what_a_database_that_is_gone_left(backup, path, place, ending):
    """SQLite would take it for a new database's own, which would then be damaged: nothing is put beside it."""
    os.unlink(path)
    with open(path + ending, "wb") as file:
        file.write(b"left")
    for attempt in (SqliteStore.create, lambda target: sqlite_copies.restore_backup(backup, target)):
        with pytest.raises(Conflict, match=f"{path}{ending} lies there") as caught:
            attempt(path)
        assert f"mv {path}{ending} " in caught.value.advice
    assert sorted(os.listdir(place)) == ["backup.db", f"vault.db{ending}"]
    os.rename(path + ending, path + ending + ".old")
    sqlite_copies.restore_backup(backup, path)
    assert header_of(path) == (1, b"body", b"mac")


def test_a_log_that_appears_while_a_store_is_made(place):
    """The last look is just before the store gets its name."""
    store = SqliteStore.create(f"{place}/late.db")
    with open(f"{place}/late.db-wal", "wb") as file:
        file.write(b"left")
    with pytest.raises(Conflict):
        store.publish()
    assert sorted(os.listdir(place)) == ["late.db-wal"]


def test_a_backup_beside_which_a_pipe_lies(backup, path):
    """SQLite would wait at it for ever."""
    os.mkfifo(backup + "-journal")
    with pytest.raises(Tampered, match="not a regular file"):
        sqlite_copies.open_copy(backup)
    with pytest.raises(Tampered, match="not a regular file"):
        sqlite_copies.restore_backup(backup, path, set_aside=path + ".aside")
