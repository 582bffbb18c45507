"""A local vault, a service in front of it, and the remote vault that a program would hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.keys.slots.key_file import new_key_file
from strongroom.remote.agent import RemoteVault
from strongroom.remote.connection import AgentClient
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault
from tests.unit.remote.serving import Keeper, Server
from tests.unit.vault.conftest import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(clock: Clock) -> Iterator[Vault]:
    """The vault on the agent's side."""
    with create_vault(MemoryStore(), [new_key_file()], author="tester", clock_us=clock) as vault:
        yield vault


@pytest.fixture
def keeper(held: Vault) -> Keeper:
    return Keeper(held)


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "agent.sock"


@pytest.fixture
def server(keeper: Keeper, socket_path: Path, clock: Clock) -> Iterator[Server]:
    server = Server(socket_path, keeper, clock)
    yield server
    server.stop()


@pytest.fixture
def client(server: Server, socket_path: Path) -> AgentClient:
    return AgentClient(str(socket_path), trusts=lambda uid: uid == os.getuid())


class VerifiedVault(RemoteVault):
    """A remote vault whose `verify` asks the side that holds the key."""

    held: Vault

    def verify(self) -> object:  # type: ignore[override]
        return self.held.verify()


@pytest.fixture
def vault(client: AgentClient, held: Vault) -> Iterator[RemoteVault]:
    vault = VerifiedVault(client, "the vault")
    vault.held = held
    with vault:
        yield vault
