"""Dates of values: what is about to expire, and what a read says afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.errors import Expired, NotFound
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock

DAY = timedelta(days=1)


@pytest.fixture
def aged(vault: Vault) -> Vault:
    """Values for 1, 5 and 30 days, one for ever, a deleted and a destroyed one."""
    vault.set("bank/one", {"n": "1"}, expires=DAY)
    vault.set("bank/five", {"n": "5"}, expires=5 * DAY)
    vault.set("mail/thirty", {"n": "30"}, expires=30 * DAY)
    vault.set("mail/ever", {"n": "0"})
    vault.set("mail/deleted", {"n": "0"}, expires=DAY)
    vault.delete("mail/deleted")
    vault.set("mail/destroyed", {"n": "0"}, expires=DAY)
    vault.destroy("mail/destroyed", versions=(1,))
    return vault


def paths(found: list[tuple[str, object]]) -> list[str]:
    return [path for path, _ in found]


def test_what_expires_comes_soonest_first(aged: Vault) -> None:
    """Deleted and destroyed values, and those for ever, are not in the list."""
    assert paths(aged.expiring(14 * DAY)) == ["bank/one", "bank/five"]
    assert paths(aged.expiring(30 * DAY)) == ["bank/one", "bank/five", "mail/thirty"]
    assert paths(aged.expiring(30 * DAY, "mail")) == ["mail/thirty"]
    assert aged.expiring(timedelta(0)) == []


def test_what_has_expired_stays_in_the_list(aged: Vault, clock: Clock) -> None:
    """It is what most needs a fresh value."""
    clock.advance(seconds=2 * 86_400)
    assert paths(aged.expiring(timedelta(0))) == ["bank/one"]
    with pytest.raises(Expired) as caught:
        aged.get("bank/one")
    assert "--expires 90d" in caught.value.advice
    with pytest.raises(Expired):
        aged.get_many(["bank/five", "bank/one"])
    with pytest.raises(Expired):
        aged.require("bank/one", "n")
    assert aged.get("bank/one", allow_expired=True).public("n") == "1"


def test_a_folder_that_is_not_there(aged: Vault) -> None:
    """As for list and walk."""
    with pytest.raises(NotFound):
        aged.expiring(DAY, "nowhere")


def test_a_fresh_value_leaves_the_list(aged: Vault) -> None:
    """Only the current version counts."""
    aged.patch("bank/one", {"n": "2"}, expires="never")
    assert paths(aged.expiring(14 * DAY)) == ["bank/five"]
