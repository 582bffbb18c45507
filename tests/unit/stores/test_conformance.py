"""Every store of the package passes the public conformance suite."""

import os

import pytest

from strongroom.stores.interface import Store
from strongroom.stores.memory import MemoryStore
from strongroom.stores.postgres import PostgresStore
from strongroom.stores.sqlite import SqliteStore
from strongroom.testing.stores import StoreConformance


class TestSqliteStore(StoreConformance):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path):
        tmp_path.chmod(0o700)
        self.directory = str(tmp_path)

    def new_store(self) -> Store:
        return SqliteStore.create(os.path.join(self.directory, f"{os.urandom(4).hex()}.db"))

    def another(self, store: Store) -> Store:
        return SqliteStore.open(store.location)


class TestMemoryStore(StoreConformance):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path):
        tmp_path.chmod(0o700)
        self.directory = str(tmp_path)

    def new_store(self) -> Store:
        return MemoryStore()

    def another(self, store: Store) -> Store:
        return MemoryStore(store)


@pytest.fixture(scope="module")
def common_database(postgres):
    role = postgres.new_database()
    yield role
    postgres.drop(role)


class TestPostgresStore(StoreConformance):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path, common_database):
        tmp_path.chmod(0o700)
        self.directory = str(tmp_path)
        self.url = common_database.url

    def new_store(self) -> Store:
        return PostgresStore.create(f"{self.url}&schema=conformance_{os.urandom(4).hex()}".removeprefix("postgresql:"))

    def another(self, store: Store) -> Store:
        return PostgresStore.open(store.location.removeprefix("postgresql:"))
