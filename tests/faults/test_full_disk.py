"""A real disk of 1.5 MiB that fills up: nothing is half there, and room makes it work again."""

import os
import subprocess

import pytest

from strongroom.errors import StoreUnavailable
from strongroom.stores import files
from strongroom.stores.schema import HEADER, OBJECTS, VERSIONS
from strongroom.stores.sqlite import SqliteStore

BODY = bytes(8000)


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1536k,mode=0700", "strongroom-test", str(place)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small disk needs root: {mounted.stderr.strip()}")
    yield str(place)
    subprocess.run(["umount", str(place)], check=True)


def new_store(place):
    store = SqliteStore.create(f"{place}/vault.db")
    with store.writing() as rows:
        rows.put(HEADER, (1, b"body", b"mac"))
    store.publish()
    return store


def fill(store, start=0):
    """Write pairs of rows until the disk is full; return how many pairs were acknowledged."""
    for number in range(start, 10_000):
        try:
            with store.writing() as rows:
                rows.put(VERSIONS, (b"left", number, BODY))
                rows.put(OBJECTS, (number, b"right", BODY))
        except StoreUnavailable as error:
            if "the disk is full" not in str(error) or error.is_transient:
                raise
            return number
    raise AssertionError("the disk never filled")


def pairs(store):
    with store.reading() as rows:
        left = [row[1] for row in rows.scan(VERSIONS, b"left")]
        right = [row[0] for row in rows.scan(OBJECTS)]
    assert left == right
    return left


def test_what_was_acknowledged_stays_and_the_rest_was_never_there(small_disk):
    with open(f"{small_disk}/ballast", "wb") as ballast:
        ballast.write(bytes(500_000))
    store = new_store(small_disk)
    count = fill(store)
    assert count > 3
    assert pairs(store) == list(range(count))
    store.close()
    store = SqliteStore.open(small_disk + "/vault.db")
    assert pairs(store) == list(range(count))
    os.unlink(f"{small_disk}/ballast")
    more = fill(store, count)
    assert more > count
    assert pairs(store) == list(range(more))
    assert store._session.connection.execute("PRAGMA integrity_check").fetchall() == [(b"ok",)]
    store.close()


def test_a_backup_that_does_not_fit_leaves_nothing(small_disk):
    store = new_store(small_disk)
    count = fill(store)
    with pytest.raises(StoreUnavailable):
        store.backup(f"{small_disk}/backup.db")
    assert not [name for name in os.listdir(small_disk) if "backup" in name]
    assert pairs(store) == list(range(count))
    store.close()


def test_a_store_that_does_not_fit_leaves_nothing(small_disk):
    with open(f"{small_disk}/ballast", "wb", buffering=0) as ballast, pytest.raises(OSError, match="space"):
        while True:
            ballast.write(bytes(4096))
    with pytest.raises(StoreUnavailable):
        SqliteStore.create(f"{small_disk}/vault.db")
    with pytest.raises(StoreUnavailable, match="no space left"):
        files.create_private(f"{small_disk}/key", b"x" * 9000)
    assert os.listdir(small_disk) == ["ballast"]


def test_a_replacement_that_does_not_fit_keeps_the_old_file(small_disk):
    files.replace_private(f"{small_disk}/anchor", b"old")
    with pytest.raises(StoreUnavailable, match="no space left"):
        files.replace_private(f"{small_disk}/anchor", bytes(2_000_000))
    assert files.read_private(f"{small_disk}/anchor", 10, "anchor") == b"old"
    assert os.listdir(small_disk) == ["anchor"]
