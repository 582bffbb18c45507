"""Verifying beside: the same findings as `verify`, while the vault goes on being used."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.errors import StoreUnavailable, Tampered, VaultLocked
from strongroom.stores.registry import open_store
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.onlooking import verify_beside
from strongroom.vault.vault import Vault
from tests.agents import make_vault, open_vault


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return make_vault(tmp_path, items=20).parent


@pytest.fixture
def vault(place: Path) -> Iterator[Vault]:
    with open_vault(place) as one:
        yield one


def store_of(place: Path) -> SqliteStore:
    store = open_store(str(place / "vault.db"))
    assert isinstance(store, SqliteStore)
    return store


def test_it_counts_what_verify_counts(vault: Vault, place: Path) -> None:
    """And leaves the vault as usable as it was."""
    beside, own = verify_beside(vault._core, store_of(place)), vault.verify()
    assert (beside.items, beside.versions, beside.commit_counter) == (own.items, own.versions, own.commit_counter)
    assert vault.get("bank/checking", "password").reveal() == "canary-7f3a"


def test_it_finds_what_verify_finds(vault: Vault, place: Path) -> None:
    """A changed row."""
    with sqlite3.connect(place / "vault.db") as connection:
        connection.execute("UPDATE versions SET body = zeroblob(length(body))")
    connection.close()
    with pytest.raises(Tampered) as beside:
        verify_beside(vault._core, store_of(place))
    with pytest.raises(Tampered) as own:
        vault.verify()
    assert beside.value.findings == own.value.findings != ()


def test_an_older_file_is_found(vault: Vault, place: Path) -> None:
    """What this program has seen of the vault counts for the second view too."""
    vault.backup(str(place / "older"))
    vault.set("a/newer", {"password": "x"})
    with pytest.raises(Tampered, match="finding") as found:
        verify_beside(vault._core, store_of_file(place / "older"))
    assert any("rolled back" in finding for finding in found.value.findings)


def store_of_file(path: Path) -> SqliteStore:
    store = open_store(str(path))
    assert isinstance(store, SqliteStore)
    return store


def test_others_go_on_meanwhile(vault: Vault, place: Path) -> None:
    """Reads and writes are answered while the second view holds its moment."""
    outcome: list[object] = []
    thread = threading.Thread(target=lambda: outcome.append(verify_beside(vault._core, store_of(place))))
    thread.start()
    for number in range(20):
        vault.set(f"new/{number}", {"password": "x"})
        vault.get("bank/checking")
    thread.join()
    assert len(outcome) == 1
    vault.verify()


def test_new_keys_are_no_tampering_of_its_own(vault: Vault, place: Path) -> None:
    """A header that the vault itself has not taken in is left to it."""
    with open_vault(place) as other:
        other.rotate()
    with pytest.raises((StoreUnavailable, Tampered)):
        verify_beside(vault._core, store_of(place))
    vault.verify()
    verify_beside(vault._core, store_of(place))


def test_a_locked_vault_has_no_second_view(place: Path) -> None:
    """It is VaultLocked, and the connection is closed."""
    vault = open_vault(place)
    vault.lock()
    with pytest.raises(VaultLocked):
        verify_beside(vault._core, store_of(place))
