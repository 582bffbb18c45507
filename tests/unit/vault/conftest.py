"""A vault over each kind of store, and a clock that tests move by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, *, seconds: int) -> None:
        self.now += seconds * 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credential() -> KeyFileCredential:
    return new_key_file()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def vault(store: MemoryStore, credential: KeyFileCredential, clock: Clock) -> Iterator[Vault]:
    with create_vault(store, [credential], author="tester", clock_us=clock) as vault:
        yield vault
