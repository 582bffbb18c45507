"""Transactions of the SQLite store: who waits, what is undone, what is left in the log."""

import os
import sqlite3
import threading

import pytest

from strongroom.errors import StoreUnavailable
from strongroom.stores import sqlite, sqlite_session
from strongroom.stores.schema import HEADER, NODES, VERSIONS
from strongroom.stores.sqlite import SqliteStore

ITEM = b"i" * 16


def pragma(store, name):
    value = store._session.connection.execute(f"PRAGMA {name}").fetchone()[0]
    return bytes(value).decode() if isinstance(value, bytearray) else value


def test_a_read_keeps_nobody_from_emptying_the_log(store, path):
    """Neither a finished get nor an abandoned scan holds on to its moment."""
    other = SqliteStore.open(path)
    with store.reading() as rows:
        rows.get(NODES, b"p" * 16, b"\x01" * 16)
        rows.last(VERSIONS, ITEM)
        abandoned = rows.scan(VERSIONS)
        next(abandoned)
    with other.writing() as rows:
        rows.put(HEADER, (1, b"new", b""))
    other.scrub()
    assert os.path.getsize(path + "-wal") == 0
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"new", b"")
    other.close()


def test_scrub_says_when_a_reader_is_in_the_way(store, path, monkeypatch):
    monkeypatch.setattr(sqlite, "_SCRUB_SECONDS", 0.1)
    other = SqliteStore.open(path)
    with other.reading() as rows:
        rows.get(HEADER, 1)
        with store.writing() as written:
            written.put(HEADER, (1, b"new", b""))
        with pytest.raises(StoreUnavailable) as raised:
            store.scrub()
    assert raised.value.is_transient
    store.scrub()
    other.close()


def test_deleted_rows_are_gone_from_every_file_after_a_scrub(store, path):
    """Random bodies of all sizes, deleted or replaced, leave no 16 bytes of themselves behind."""
    bodies = [os.urandom(size) for size in (40, 200, 1000, 3000, 5000, 20000) for _ in range(30)]
    with store.writing() as rows:
        rows.put_many(VERSIONS, [(b"gone" + bytes(12), number, body) for number, body in enumerate(bodies)])
    for number in range(0, len(bodies), 3):
        with store.writing() as rows:
            rows.delete(VERSIONS, b"gone" + bytes(12), number)
            rows.put(VERSIONS, (b"gone" + bytes(12), number + 1, b"replaced"))
            rows.put(VERSIONS, (b"gone" + bytes(12), number + 2, os.urandom(len(bodies[number + 2]))))
    store.scrub()
    left = b""
    for name in os.listdir(os.path.dirname(path)):
        with open(f"{os.path.dirname(path)}/{name}", "rb") as file:
            left += file.read()
    found = [number for number, body in enumerate(bodies) if body[:16] in left or body[-16:] in left]
    assert found == []


def test_a_writer_that_waits_in_vain_says_busy(store, path, monkeypatch):
    monkeypatch.setattr(sqlite_session, "PATIENCE_SECONDS", 0.05)
    other = SqliteStore.open(path)
    with other.writing(), pytest.raises(StoreUnavailable) as raised:
        store.writing().__enter__()
    assert raised.value.is_transient
    with store.writing() as rows:
        rows.put(HEADER, (1, b"later", b""))
    other.close()


def test_a_waiting_writer_goes_on_when_the_other_is_done(store, path):
    other = SqliteStore.open(path)
    entered = threading.Event()

    def write():
        with store.writing() as rows:
            entered.set()
            rows.put(HEADER, (1, b"second", b""))

    thread = threading.Thread(target=write)
    with other.writing() as rows:
        rows.put(HEADER, (1, b"first", b""))
        thread.start()
        assert not entered.wait(0.05)
    thread.join()
    with other.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"second", b"")
    other.close()


def test_a_full_disk_undoes_the_whole_transaction(store):
    """Even if the caller catches the error and goes on: later rows must not be committed one by one."""
    pages = pragma(store, "page_count")
    pragma(store, f"max_page_count = {pages + 5}")
    with pytest.raises(StoreUnavailable, match="nothing was written"), store.writing() as rows:
        rows.put(HEADER, (1, b"half", b""))
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            rows.put(VERSIONS, (b"big", 1, b"x" * 200_000))
        with pytest.raises(RuntimeError):
            rows.put(HEADER, (1, b"after", b""))
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")
    pragma(store, f"max_page_count = {pages + 500}")
    with store.writing() as rows:
        rows.put(VERSIONS, (b"big", 1, b"x" * 200_000))


def test_an_inner_block_that_met_a_full_disk_cannot_be_committed_around(store):
    pragma(store, f"max_page_count = {pragma(store, 'page_count') + 5}")
    with pytest.raises(StoreUnavailable, match="nothing was written"), store.writing() as rows:
        rows.put(HEADER, (1, b"half", b""))
        with pytest.raises(StoreUnavailable, match="the disk is full"), store.writing() as inner:
            inner.put(VERSIONS, (b"big", 1, b"x" * 200_000))
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")


def test_a_store_that_cannot_be_written_says_so(store):
    store._session.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="cannot be written"), store.writing() as rows:
        rows.put(HEADER, (1, b"new", b""))


def test_a_connection_that_cannot_undo_is_replaced(store, monkeypatch):
    """The next use opens another one and sees what was committed before."""
    session = store._session
    execute = session.execute

    def fail(sql, parameters=()):
        if sql == "ROLLBACK":
            raise sqlite3.OperationalError("planted")
        return execute(sql, parameters)

    token = store.change_token()
    with pytest.raises(KeyError), store.writing() as rows:
        rows.put(HEADER, (1, b"undone", b""))
        session.execute = fail
        raise KeyError
    with store.writing() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")
        rows.put(HEADER, (1, b"new", b""))
    assert store.change_token() != token


def test_closing_inside_a_transaction_undoes_it(path):
    store = SqliteStore.open(path)
    with pytest.raises(StoreUnavailable, match="nothing was written"), store.writing() as rows:
        rows.put(HEADER, (1, b"half", b""))
        store.close()
    store = SqliteStore.open(path)
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")
        store.close()
        with pytest.raises(StoreUnavailable, match="was closed"):
            rows.get(HEADER, 1)


def test_publish_and_scrub_inside_a_transaction_are_misuse(store, place):
    with store.reading(), pytest.raises(RuntimeError):
        store.scrub()
    created = SqliteStore.create(f"{place}/new.db")
    with created.writing(), pytest.raises(RuntimeError):
        created.publish()
    created.close()
