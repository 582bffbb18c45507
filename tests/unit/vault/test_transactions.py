"""Transactions: several writes to one item, repeated requests, and what may not happen inside."""

from __future__ import annotations

import pytest

from strongroom.vault.vault import Vault

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
