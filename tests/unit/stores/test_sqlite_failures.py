"""Failures that cannot be brought about from outside at will, planted between the store and the driver.

tests/faults brings about the real ones, at every system call.
"""

import sqlite3
import threading
import time

import pytest

from strongroom.errors import OutcomeUnknown, StoreUnavailable, Tampered
from strongroom.stores import sqlite_file, sqlite_session
from strongroom.stores.schema import HEADER, VERSIONS
from strongroom.stores.sqlite import SqliteStore

ITEM = b"i" * 16
BUSY, FULL, IO_ERROR, CORRUPT = 5, 13, 1034, 11


def driver_error(code):
    error = sqlite3.OperationalError("planted: INSERT INTO secret_table")
    error.sqlite_errorcode = code
    return error


def plant(store, statement, *errors):
    """Raise each of *errors* once, before *statement* reaches the driver."""
    session = store._session
    execute, left = session.execute, list(errors)

    def planted(sql, parameters=()):
        if sql.startswith(statement) and left:
            raise left.pop(0)
        return execute(sql, parameters)

    session.execute = planted
    return left


def body_of(store):
    with store.reading() as rows:
        return rows.get(HEADER, 1)


def put(store, body):
    with store.writing() as rows:
        rows.put(HEADER, (1, body, b"mac"))


def test_a_busy_commit_is_tried_again(store):
    left = plant(store, "COMMIT", driver_error(BUSY), driver_error(BUSY))
    put(store, b"new")
    assert left == []
    assert body_of(store) == (1, b"new", b"mac")


@pytest.mark.parametrize(
    ("code", "expected"), [(FULL, StoreUnavailable), (IO_ERROR, OutcomeUnknown), (CORRUPT, OutcomeUnknown)]
)
def test_a_failed_commit_says_what_is_known(store, code, expected):
    """A full disk: certainly not there. A failed sync: nobody knows."""
    plant(store, "COMMIT", driver_error(code))
    with pytest.raises(expected) as raised:
        put(store, b"new")
    assert type(raised.value) is expected
    assert "secret_table" not in str(raised.value) + raised.value.advice
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert body_of(store) == (1, b"body", b"mac")
    put(store, b"later")
    assert body_of(store) == (1, b"later", b"mac")


def test_a_commit_that_stays_busy_was_not_carried_out(store, monkeypatch):
    monkeypatch.setattr(sqlite_session, "PATIENCE_SECONDS", 0)
    plant(store, "COMMIT", driver_error(BUSY))
    with pytest.raises(StoreUnavailable) as raised:
        put(store, b"new")
    assert raised.value.is_transient
    assert body_of(store) == (1, b"body", b"mac")


READS = {
    "get": lambda rows: rows.get(VERSIONS, ITEM, 3),
    "last": lambda rows: rows.last(VERSIONS, ITEM),
    "scan": lambda rows: list(rows.scan(VERSIONS, ITEM)),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_waits_while_the_log_is_being_recovered(store, name):
    with store.reading() as rows:
        expected = READS[name](rows)
    if name != "scan":  # a scan has a cursor of its own
        plant(store, "SELECT", driver_error(BUSY), driver_error(BUSY))
    with store.reading() as rows:
        assert READS[name](rows) == expected


@pytest.mark.parametrize("name", ["get", "last"])
def test_a_read_that_fails_inside_a_write_undoes_it(store, name):
    plant(store, "SELECT", driver_error(IO_ERROR))

    def write():
        with store.writing() as rows:
            rows.put(HEADER, (1, b"half", b""))
            with pytest.raises(StoreUnavailable, match="I/O error"):
                READS[name](rows)

    with pytest.raises(StoreUnavailable, match="nothing was written"):
        write()
    assert body_of(store) == (1, b"body", b"mac")


def test_the_change_token_waits_too(store):
    token = store.change_token()
    plant(store, "PRAGMA data_version", driver_error(BUSY))
    assert store.change_token() == token
    plant(store, "PRAGMA data_version", driver_error(CORRUPT))
    with pytest.raises(Tampered):
        store.change_token()


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT"])
def test_a_read_block_that_cannot_begin_or_end_leaves_the_store_usable(store, statement):
    plant(store, statement, driver_error(IO_ERROR))
    with pytest.raises(StoreUnavailable):
        body_of(store)
    assert body_of(store) == (1, b"body", b"mac")
    put(store, b"new")
    assert body_of(store) == (1, b"new", b"mac")


@pytest.mark.parametrize("work", [body_of, lambda store: put(store, b"interrupted")])
@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "ROLLBACK"])
def test_a_ctrl_c_inside_begin_or_end_leaves_nothing_open(store, statement, work):
    """What was interrupted is not committed by whatever comes next."""
    plant(store, statement, KeyboardInterrupt())

    def attempt():
        if statement == "ROLLBACK":
            with store.writing() as rows:
                rows.put(HEADER, (1, b"interrupted", b""))
                raise KeyError
        work(store)

    with pytest.raises(KeyboardInterrupt):
        attempt()
    assert body_of(store) == (1, b"body", b"mac")
    put(store, b"new")
    assert body_of(store) == (1, b"new", b"mac")


def test_opening_waits_while_somebody_has_the_file_for_himself(path):
    """As another program does in exclusive mode, and the last one to close for a moment."""
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN IMMEDIATE")
    holder.execute("COMMIT")

    def let_go():
        time.sleep(0.2)
        holder.close()

    thread = threading.Thread(target=let_go)
    thread.start()
    store = SqliteStore.open(path)
    thread.join()
    assert body_of(store) == (1, b"body", b"mac")
    store.close()


def test_opening_gives_up_at_last(path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable) as raised:
        SqliteStore.open(path)
    assert raised.value.is_transient
    holder.close()


def test_an_old_library_is_refused(path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "SQLITE_VERSION", "3.36.99")
    for use in (SqliteStore.open, SqliteStore.create):
        with pytest.raises(Exception, match="too old"):
            use(path)
