"""What begins with @ is strongroom's own: nothing that a user names leads there, and nothing shows it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta

import pytest

from strongroom.errors import NotFound
from strongroom.items import ReservedPath
from strongroom.vault.vault import Vault

KEY = "@keys/invoices"
OWN = ReservedPath(KEY)

REFUSED: dict[str, Callable[[Vault], object]] = {
    "get": lambda vault: vault.get(KEY),
    "get one field": lambda vault: vault.get(KEY, "seed"),
    "get_many": lambda vault: vault.get_many(["bank", KEY]),
    "list": lambda vault: vault.list("@keys"),
    "list with a slash": lambda vault: vault.list("@keys/"),
    "walk": lambda vault: vault.walk("@keys"),
    "history": lambda vault: vault.history(KEY),
    "set": lambda vault: vault.set(KEY, {"seed": "1"}),
    "set of the tree": lambda vault: vault.set("@keys", {"seed": "1"}),
    "set_many": lambda vault: vault.set_many({"mail": {"x": "1"}, KEY: {"seed": "1"}}),
    "patch": lambda vault: vault.patch(KEY, {"seed": "1"}, create=True),
    "require": lambda vault: vault.require(KEY, "seed"),
    "restore": lambda vault: vault.restore(KEY, 1),
    "delete": lambda vault: vault.delete(KEY),
    "undelete": lambda vault: vault.undelete(KEY),
    "destroy": lambda vault: vault.destroy(KEY),
    "destroy versions": lambda vault: vault.destroy(KEY, versions=[1]),
    "move away": lambda vault: vault.move(KEY, "mine"),
    "move there": lambda vault: vault.move("bank", KEY),
    "move the folder": lambda vault: vault.move("@keys/", "mine/"),
    "settings": lambda vault: vault.settings(KEY),
    "configure": lambda vault: vault.configure(KEY, max_versions=1),
    "expiring": lambda vault: vault.expiring(timedelta(days=1), "@keys"),
}


@pytest.fixture
def kept(vault: Vault) -> Vault:
    """A vault with an item of a user's, and one of strongroom's own which was read before."""
    vault.set("bank", {"password": "hunter2"})
    own = vault._reserved
    own.set(OWN, {"seed": "0123"})
    assert own.get(OWN, "seed").reveal() == own.get(OWN)["seed"].reveal() == "0123"
    return vault


@pytest.mark.parametrize("case", REFUSED)
def test_every_method_refuses_a_reserved_path(kept: Vault, case: str) -> None:
    """Also right after the program itself has read it; and nothing was written, nor anything beside it."""
    with pytest.raises(ValueError, match="begins with @"):
        REFUSED[case](kept)
    assert list(kept.walk()) == ["bank"]
    assert kept._reserved.get(OWN, "seed").reveal() == "0123"


def test_no_method_was_forgotten() -> None:
    """Each public method that takes a path stands in the table above."""
    words = {"path", "paths", "prefix", "source", "target", "items"}
    named = [
        name
        for name, method in inspect.getmembers(Vault, inspect.isfunction)
        if not name.startswith("_") and words & set(inspect.signature(method).parameters)
    ]
    own = {name for name in named if not (name[0] == "a" and name[1:] in named)} - {"backup"}
    assert own == {case.split()[0] for case in REFUSED}


def test_listings_leave_out_what_is_reserved(kept: Vault) -> None:
    """A list of the top, a walk and what expires know nothing of it; its own tree does."""
    own = kept._reserved
    own.set(OWN, {"seed": "0123"}, expires=timedelta(hours=1))
    assert list(kept.list()) == list(kept.list("/")) == list(kept.walk()) == ["bank"]
    assert kept.expiring(timedelta(days=1)) == []
    assert list(own.list(ReservedPath("@keys"))) == ["invoices"]
    assert list(own.walk(ReservedPath("@keys/"))) == [KEY]


def test_it_is_an_item_like_all_others(kept: Vault) -> None:
    """Versions, check-and-set, deletion and verification hold for it."""
    own = kept._reserved
    assert own.set(OWN, {"seed": "4567"}, cas=1).number == 2
    assert [version.number for version in own.history(OWN)] == [1, 2]
    assert own.get(OWN, "seed", version=1).reveal() == "0123"
    kept.verify()
    own.destroy(OWN)
    with pytest.raises(NotFound):
        own.get(OWN)
    assert list(kept.walk()) == ["bank"]


def test_the_vaults_deletion_date_is_not_for_it(kept: Vault) -> None:
    """A setting about items must not make a key disappear."""
    kept.configure(delete_version_after=timedelta(days=1))
    assert kept.set("bank", {"password": "x"}).deleted is not None
    assert kept._reserved.set(OWN, {"seed": "4567"}).deleted is None
