"""A private directory and a small published SQLite store in it."""

import sqlite3

import pytest

from strongroom.stores.schema import HEADER, NODES, VERSIONS
from strongroom.stores.sqlite import SqliteStore

ITEM = b"i" * 16


@pytest.fixture
def place(tmp_path):
    tmp_path.chmod(0o700)
    return str(tmp_path)


@pytest.fixture
def path(place):
    """The path of a closed store with a few rows."""
    path = f"{place}/vault.db"
    store = SqliteStore.create(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"body", b"mac"))
        rows.put_many(NODES, [(b"p" * 16, bytes([number]) * 16, ITEM, b"n" * 100) for number in range(40)])
        rows.put_many(VERSIONS, [(ITEM, number, b"v" * 300) for number in range(1, 41)])
    store.publish()
    store.close()
    return path


@pytest.fixture
def store(path):
    store = SqliteStore.open(path)
    yield store
    store.close()


@pytest.fixture
def meddle(path):
    """Run SQL on the file as an attacker with the plain SQLite shell would."""

    def run(*statements):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return [connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
                    for statement in statements][-1].fetchall()  # fmt: skip
        finally:
            connection.close()

    return run
