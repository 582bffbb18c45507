"""The SQLite store in forked children, and what it knows of other processes."""

import os
import subprocess
import sys
import threading

import pytest

from strongroom.errors import StoreUnavailable
from strongroom.stores.schema import HEADER, VERSIONS
from strongroom.stores.sqlite import SqliteStore

ITEM = b"i" * 16


def pragma(store, name):
    value = store._session.connection.execute(f"PRAGMA {name}").fetchone()[0]
    return bytes(value).decode() if isinstance(value, bytearray) else value


def in_child(work):
    """Run *work* in a forked child; its exit status is 0 only if it returned."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0


def test_parent_and_child_both_write_after_a_fork(store):
    with store.reading() as rows:
        rows.get(HEADER, 1)
    parent = os.getpid()

    def work():
        for number in range(20):
            with store.writing() as rows:
                rows.put(VERSIONS, (b"child", number, b""))
        assert os.getpid() != parent
        store.close()

    before = store.change_token()
    in_child(work)
    assert store.change_token() != before
    with store.writing() as rows:
        rows.put(VERSIONS, (b"parent", 1, b""))
        assert len(list(rows.scan(VERSIONS, b"child"))) == 20
    assert pragma(store, "integrity_check") == "ok"


def test_a_child_does_not_commit_its_parents_transaction(store):
    with pytest.raises(KeyError), store.writing() as rows:
        rows.put(HEADER, (1, b"half", b""))

        def work():
            with pytest.raises(StoreUnavailable, match="forked"):
                store.writing().__exit__(None, None, None)
            with store.reading() as rows_read:
                assert rows_read.get(HEADER, 1) == (1, b"body", b"mac")

        in_child(work)
        raise KeyError
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")


def test_a_fork_while_another_thread_holds_the_store_does_not_hang_the_child(store):
    holding, release = threading.Event(), threading.Event()

    def hold():
        with store.reading() as rows:
            rows.get(HEADER, 1)
            holding.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()

    def work():
        with store.reading() as rows:
            assert rows.get(HEADER, 1) == (1, b"body", b"mac")

    in_child(work)
    release.set()
    thread.join()


def test_a_child_that_exits_normally_leaves_the_parents_log_alone(path):
    """Its interpreter frees the inherited connection at exit, while the parent goes on."""
    script = """
import os, sys
from strongroom.stores.sqlite import SqliteStore
from strongroom.stores.schema import HEADER
store = SqliteStore.open(sys.argv[1])
for number in range(5):
    with store.writing() as rows:
        rows.put(HEADER, (1, b"parent", bytes([number])))
    child = os.fork()
    if child == 0:
        with store.writing() as rows:
            rows.put(HEADER, (2, b"child", bytes([number])))
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with store.writing() as rows:
        assert rows.get(HEADER, 1) == (1, b"parent", bytes([number]))
        assert rows.get(HEADER, 2) == (2, b"child", bytes([number]))
        rows.put(HEADER, (3, b"parent", b""))
assert store._session.connection.execute("PRAGMA integrity_check").fetchone() == (b"ok",)
store.close()
"""
    subprocess.run([sys.executable, "-c", script, path], check=True)


def test_the_change_token_sees_a_commit_of_another_process(store, path):
    """In and outside a transaction, exactly as the rows do."""
    script = """
import sys
from strongroom.stores.sqlite import SqliteStore
from strongroom.stores.schema import HEADER
store = SqliteStore.open(sys.argv[1])
with store.writing() as rows:
    rows.put(HEADER, (1, b"other", b""))
store.close()
"""
    with store.reading() as rows:
        before = store.change_token()
        subprocess.run([sys.executable, "-c", script, path], check=True)
        assert store.change_token() == before
        assert rows.get(HEADER, 1) == (1, b"body", b"mac")
    with store.reading() as rows:
        assert store.change_token() != before
        assert rows.get(HEADER, 1) == (1, b"other", b"")


def test_a_child_may_begin_with_any_call(store, place):
    """Each of them notices the fork by itself."""
    with store.writing() as rows:
        rows.put(HEADER, (1, b"parent", b""))

    def write():
        with store.writing() as rows:
            rows.put(HEADER, (2, b"child", b""))

    for number, use in enumerate(
        (store.change_token, store.scrub, store.check, write, store.close, lambda: store.backup(f"{place}/copy.db"))
    ):
        in_child(use)
        with store.reading() as rows:
            assert rows.get(HEADER, 1) == (1, b"parent", b""), number
    assert os.path.exists(f"{place}/copy.db")
    with store.reading() as rows:
        assert rows.get(HEADER, 2) == (2, b"child", b"")


def test_a_child_of_a_closed_store_finds_it_closed(store):
    store.close()

    def use():
        with pytest.raises(StoreUnavailable, match="was closed"):
            store.change_token()

    in_child(use)


def test_a_child_does_not_remove_its_parents_unpublished_store(place):
    created = SqliteStore.create(f"{place}/new.db")
    in_child(created.close)
    with created.writing() as rows:
        rows.put(HEADER, (1, b"body", b"mac"))
    created.publish()
    created.close()
    assert os.listdir(place) == ["new.db"]
