"""Transactions: several writes to one item, repeated requests, and what may not happen inside."""

from __future__ import annotations

import pytest

from strongroom.errors import VaultLocked
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.stores.interface import Store
from strongroom.vault.opening import open_vault
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import beside

REQUEST = b"r" * 16


def test_an_item_may_be_written_twice_in_one_transaction(vault: Vault) -> None:
    """The second write is a version of its own, not taken for a repetition of the first."""
    with vault.transaction():
        vault.set("a", {"x": "1"})
        vault.set("a", {"x": "2"})
        vault.patch("a", {"y": "3"})
    assert [version.number for version in vault.history("a")] == [1, 2, 3]
    assert vault.get("a").public("x") == "2"
    assert vault.get("a").public("y") == "3"
    vault.verify()


@pytest.mark.parametrize("kept", [10, 1])
def test_a_repeated_transaction_writes_nothing(vault: Vault, kept: int) -> None:
    """Each write of the repetition is answered by the version of the first time, also when it was trimmed."""
    vault.configure(max_versions=kept)

    def write() -> list[int]:
        with vault.transaction(request_id=REQUEST):
            return [vault.set("a", {"x": value}).number for value in "123"]

    assert write() == [1, 2, 3]
    counter = vault.status().commit_counter
    again = write()
    assert again == ([1, 2, 3] if kept == 10 else [3, 3, 3])
    assert vault.status().commit_counter == counter
    assert vault.get("a").public("x") == "3"


def test_a_request_id_inside_a_transaction_is_refused(vault: Vault) -> None:
    """It could not be honoured: the commit has one request id, the transaction's."""
    with vault.transaction():
        with pytest.raises(ValueError, match="transaction"):
            vault.set("a", {"x": "1"}, request_id=REQUEST)
        vault.set("b", {"x": "1"})
    assert list(vault.list()) == ["b"]


def test_locking_inside_a_transaction_writes_nothing(
    vault: Vault, store: Store, credential: KeyFileCredential
) -> None:
    """Locking always works; the transaction around it is undone and says so."""
    with pytest.raises(VaultLocked, match="nothing was written"), vault.transaction():
        vault.set("a", {"x": "1"})
        vault.lock()
        with pytest.raises(VaultLocked):
            vault.set("b", {"x": "1"})
    with open_vault(beside(store), credential, author="other") as other:
        assert list(other.list()) == []
        other.verify()


def test_verify_inside_a_transaction_is_refused(vault: Vault) -> None:
    """Half a transaction is not what was written, and would be reported as tampering."""
    vault.set("a", {"x": "1"})
    with vault.transaction():
        vault.destroy("a")
        with pytest.raises(RuntimeError, match="inside a transaction"):
            vault.verify()
    vault.verify()
