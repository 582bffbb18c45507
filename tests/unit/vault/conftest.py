"""A vault over each kind of store, and a clock that tests move by hand.

Every test of a vault's behaviour runs over all of them; one that needs a particular kind makes it itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.interface import Store
from strongroom.stores.memory import MemoryStore
from strongroom.stores.registry import create_store, open_store
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault
from tests.postgres_cluster import Cluster, Role


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, *, seconds: int) -> None:
        self.now += seconds * 1_000_000


_opened: list[Store] = []


def beside(store: Store, *, any_format: bool = False) -> Store:
    """A second connection to the same rows, closed after the test."""
    other = MemoryStore(store) if isinstance(store, MemoryStore) else open_store(store.location, any_format=any_format)
    _opened.append(other)
    return other


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credential() -> KeyFileCredential:
    return new_key_file()


@pytest.fixture(scope="session")
def postgres_vaults(postgres: Cluster) -> Iterator[Role]:
    """A database for many vaults, each in a schema of its own."""
    role = postgres.new_database()
    yield role
    postgres.drop(role)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if request.param == "memory":
        store: Store = MemoryStore()
    elif request.param == "sqlite":
        directory = tmp_path_factory.mktemp("store")
        directory.chmod(0o700)
        store = create_store(str(directory / "vault.db"))
    else:
        role = request.getfixturevalue("postgres_vaults")
        store = create_store(f"{role.url}&schema=vault_{os.urandom(8).hex()}")
    store.publish()
    yield store
    store.close()
    while _opened:
        _opened.pop().close()


@pytest.fixture
def vault(store: Store, credential: KeyFileCredential, clock: Clock) -> Iterator[Vault]:
    with create_vault(store, [credential], author="tester", clock_us=clock) as vault:
        yield vault
