"""Versions behave as Vault's KV v2: counters, check-and-set, deletion, destruction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.errors import Conflict, Expired, NotFound, VaultLocked, WouldPrompt
from strongroom.items import Field
from strongroom.secret import SecretBytes, SecretStr
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock


def test_what_was_set_is_read(vault: Vault) -> None:
    """Text, bytes, secrets and JSON come back as they were."""
    version = vault.set(
        "bank/checking",
        {"username": "dustin", "password": SecretStr("pw"), "key": b"\0\xff", "retries": 3, "hosts": ["a", "b"]},
    )
    item = vault.get("bank/checking")
    assert version.number == item.version.number == 1
    assert item.public("username") == "dustin"
    assert item["username"].reveal() == "dustin"
    assert item["password"] == SecretStr("pw")
    assert item["key"] == SecretBytes(b"\0\xff")
    assert item.public("retries") == "3"
    assert item["hosts"].reveal() == '["a","b"]'
    assert item.version.author == "tester"


def test_a_secret_field_is_not_public(vault: Vault) -> None:
    """public() refuses what is secret by type or by name."""
    vault.set("a", {"password": "x", "user": SecretStr("y"), "plain": "z"})
    item = vault.get("a")
    for name in ("password", "user"):
        with pytest.raises(ValueError, match="is secret"):
            item.public(name)
    assert item.public("plain") == "z"


def test_set_replaces_and_patch_merges(vault: Vault) -> None:
    """set() keeps nothing of the version before; patch() does, and None removes a field."""
    vault.set("a", {"x": "1", "y": "2"})
    vault.patch("a", {"y": "3", "z": "4", "x": None})
    assert vault.get("a").names() == ("y", "z")
    vault.set("a", {"only": "5"})
    assert vault.get("a").names() == ("only",)
    with pytest.raises(NotFound):
        vault.patch("absent", {"x": "1"})


@pytest.mark.parametrize(("cas", "fits"), [(0, False), (1, False), (2, True), (3, False)])
def test_check_and_set(vault: Vault, cas: int, fits: bool) -> None:
    """Only the current version's number lets a write through, and a refusal writes nothing."""
    vault.set("a", {"x": "1"})
    vault.set("a", {"x": "2"})
    if fits:
        assert vault.set("a", {"x": "3"}, cas=cas).number == 3
    else:
        with pytest.raises(Conflict):
            vault.set("a", {"x": "3"}, cas=cas)
        assert vault.get("a").public("x") == "2"


def test_check_and_set_zero_means_absent(vault: Vault) -> None:
    """cas=0 creates, once."""
    assert vault.set("a", {}, cas=0).number == 1
    with pytest.raises(Conflict):
        vault.set("a", {}, cas=0)


def test_required_check_and_set(vault: Vault) -> None:
    """cas_required refuses a write without cas, on the item and on the vault."""
    vault.set("a", {})
    vault.configure("a", cas_required=True)
    with pytest.raises(Conflict, match="requires"):
        vault.set("a", {})
    vault.set("a", {}, cas=1)
    vault.configure(cas_required=True)
    with pytest.raises(Conflict, match="requires"):
        vault.set("b", {})


def test_old_versions_are_kept_up_to_max_versions(vault: Vault) -> None:
    """Ten by default, then the oldest goes; the counter goes on."""
    for number in range(12):
        vault.set("a", {"x": str(number)})
    assert [version.number for version in vault.history("a")] == list(range(3, 13))
    assert vault.get("a", version=3).public("x") == "2"
    with pytest.raises(NotFound):
        vault.get("a", version=2)
    vault.configure("a", max_versions=2)
    vault.set("a", {"x": "last"})
    assert [version.number for version in vault.history("a")] == [12, 13]
    assert vault.verify().versions == 2


def test_deleted_can_be_restored(vault: Vault) -> None:
    """A deleted version is not read, keeps its number, and comes back."""
    vault.set("a", {"x": "1"})
    vault.set("a", {"x": "2"})
    vault.delete("a")
    with pytest.raises(NotFound, match="deleted"):
        vault.get("a")
    assert vault.get("a", version=1).public("x") == "1"
    assert list(vault.list()) == []
    assert list(vault.list(deleted=True)) == ["a"]
    vault.restore("a")
    assert vault.get("a").public("x") == "2"
    vault.delete("a", versions=(1, 2))
    vault.undelete("a", versions=(1,))
    assert vault.get("a", version=1).public("x") == "1"
    assert vault.set("a", {}).number == 3


def test_restoring_an_old_version_writes_a_new_one(vault: Vault) -> None:
    """The fields of version 1 become version 3."""
    vault.set("a", {"x": "1", "password": "p"})
    vault.set("a", {"x": "2"})
    assert vault.restore("a", 1).number == 3
    item = vault.get("a")
    assert (item.public("x"), item.is_secret("password")) == ("1", True)


def test_destroyed_is_gone_for_good(vault: Vault) -> None:
    """A destroyed version keeps its metadata and cannot be undeleted; a destroyed item is unknown."""
    vault.set("a/b", {"x": "1"})
    vault.set("a/b", {"x": "2"})
    vault.destroy("a/b", versions=(1,))
    assert [version.destroyed for version in vault.history("a/b")] == [True, False]
    vault.undelete("a/b", versions=(1,))
    for call in (lambda: vault.get("a/b", version=1), lambda: vault.restore("a/b", 1)):
        with pytest.raises(NotFound, match="destroyed"):
            call()
    vault.destroy("a/b")
    with pytest.raises(NotFound):
        vault.history("a/b")
    assert list(vault.list()) == []
    assert vault.set("a/b", {}).number == 1
    vault.verify()


def test_delete_version_after(vault: Vault, clock: Clock) -> None:
    """New versions are deleted when their time has come, not before."""
    vault.set("a", {})
    vault.configure("a", delete_version_after=timedelta(seconds=10))
    vault.set("a", {"x": "1"})
    clock.advance(seconds=9)
    assert vault.get("a").public("x") == "1"
    clock.advance(seconds=1)
    with pytest.raises(NotFound, match="deleted"):
        vault.get("a")


def test_expired_fails_loudly(vault: Vault, clock: Clock) -> None:
    """A value past its date is an error unless it is asked for."""
    vault.set("a", {"x": "1"}, expires=timedelta(days=1))
    clock.advance(seconds=86_399)
    assert vault.get("a").public("x") == "1"
    clock.advance(seconds=1)
    with pytest.raises(Expired):
        vault.get("a")
    assert vault.get("a", allow_expired=True).public("x") == "1"


def test_a_merge_keeps_the_date(vault: Vault, clock: Clock) -> None:
    """patch() and restore() neither lose an expiry date nor bring an expired value back to life."""
    vault.set("a", {"x": "1"}, expires=timedelta(days=1))
    date = vault.get("a").version.expires
    assert vault.patch("a", {"note": "n"}).expires == date
    clock.advance(seconds=86_400)
    with pytest.raises(Expired):
        vault.patch("a", {"note": "m"})
    assert vault.restore("a", 1).expires == date
    with pytest.raises(Expired):
        vault.get("a")
    vault.patch("a", {"x": "2"}, expires=timedelta(days=1))
    assert vault.get("a").public("x") == "2"
    assert vault.patch("a", {"x": "3"}, expires="never").expires is None


def test_a_repeated_request_writes_once(vault: Vault) -> None:
    """The same request id gives the same version back."""
    request_id = bytes(range(16))
    first = vault.set("a", {"x": "1"}, request_id=request_id)
    again = vault.set("a", {"x": "1"}, request_id=request_id)
    assert (first.number, again.number, len(vault.history("a"))) == (1, 1, 1)


def test_transaction_is_all_or_nothing(vault: Vault) -> None:
    """An error undoes everything in the block, remembered names included."""
    vault.set("a", {"x": "1"})
    with pytest.raises(RuntimeError), vault.transaction():
        vault.set("a", {"x": "2"})
        vault.set("new/folder/item", {"x": "3"})
        assert vault.get("a").public("x") == "2"
        raise RuntimeError
    assert vault.get("a").public("x") == "1"
    assert list(vault.list()) == ["a"]
    with vault.transaction():
        vault.set("a", {"x": "2"})
        vault.move("a", "b")
    assert list(vault.list()) == ["b"]
    vault.verify()


def test_half_an_operation_is_never_committed(vault: Vault) -> None:
    """An operation that failed half-way breaks its transaction, even if its error was caught."""
    with pytest.raises(Exception, match="nothing was written"), vault.transaction():
        with pytest.raises(ValueError, match="component"):
            vault.set_many({"good": {"x": "1"}, "bad//path": {}})
        vault.set("other", {})
    assert list(vault.list()) == []


def test_a_refused_operation_leaves_its_transaction_alone(vault: Vault) -> None:
    """A conflict found before anything was written may be caught inside the block."""
    vault.set("a", {"x": "1"})
    with vault.transaction():
        with pytest.raises(Conflict):
            vault.set("a", {"x": "2"}, cas=0)
        vault.set("b", {})
    assert list(vault.list()) == ["a", "b"]


def test_move(vault: Vault) -> None:
    """Items and folders move with their history; a target is never overwritten."""
    vault.set("a/x", {"v": "1"})
    vault.set("a/x", {"v": "2"})
    vault.set("b", {})
    vault.move("a/x", "c/d/y")
    assert list(vault.list()) == ["b", "c/"]
    assert vault.get("c/d/y", version=1).public("v") == "1"
    vault.move("c/", "e/")
    assert list(vault.walk()) == ["b", "e/d/y"]
    vault.set("top", {})
    with pytest.raises(Conflict):
        vault.move("top", "b")
    with pytest.raises(ValueError, match="itself"):
        vault.move("e/", "e/inside/")
    with pytest.raises(NotFound):
        vault.move("absent", "x")
    vault.move("e/d/y", "e/d/z")
    assert list(vault.walk("e/")) == ["e/d/z"]
    vault.verify()


def test_list_and_walk(vault: Vault) -> None:
    """A folder and an item may share a name; listings are sorted; an absent folder is an error."""
    vault.set_many({"x": {}, "x/y": {}, "a/b/c": {}, "a/b/d": {}})
    assert list(vault.list()) == ["a/", "x", "x/"]
    assert list(vault.list("a/b")) == ["c", "d"]
    assert list(vault.walk("a/")) == ["a/b/c", "a/b/d"]
    with pytest.raises(NotFound):
        vault.list("nothing/")


def test_get_many_and_missing(vault: Vault) -> None:
    """Several at once; one missing fails the call; a missing item is a KeyError."""
    vault.set_many({"a": {"x": "1"}, "b": {"x": "2"}})
    assert [item.public("x") for item in vault.get_many(["a", "b"]).values()] == ["1", "2"]
    with pytest.raises(KeyError):
        vault.get_many(["a", "zzz"])
    with pytest.raises(NotFound, match="no field"):
        vault.get("a", "nope")


def test_require_asks_once(vault: Vault) -> None:
    """What is missing is asked for and stored; with nobody to ask it is an error."""
    asked: list[str] = []

    def ask(path: str, field: str) -> SecretStr:
        asked.append(field)
        return SecretStr(f"{path}:{field}")

    with pytest.raises(WouldPrompt):
        vault.require("a", "username")
    vault.ask = ask
    item = vault.require("a", "username", "password")
    assert (item.public("username"), item.is_secret("password")) == ("a:username", True)
    assert asked == ["username", "password"]
    vault.require("a", "username", "password", "pin")
    vault.ask = None
    assert vault.require("a", "pin")["pin"].reveal() == "a:pin"
    assert asked == ["username", "password", "pin"]


def test_require_keeps_what_somebody_else_stored_meanwhile(vault: Vault) -> None:
    """What is there when the person has answered stays, and nobody is asked twice."""
    asked: list[str] = []

    def ask(path: str, field: str) -> SecretStr:
        if not asked:
            vault.set(path, {"username": "theirs"})
        asked.append(field)
        return SecretStr(f"answer {len(asked)}")

    vault.ask = ask
    item = vault.require("a", "username", "password")
    assert (item.public("username"), item["password"].reveal()) == ("theirs", "answer 2")
    assert asked == ["username", "password"]
    assert item.version.number == 2


def test_require_stores_a_deleted_item_anew(vault: Vault) -> None:
    """Its versions are known, so that the new one does not pass for the first; also where check-and-set is required."""
    vault.configure(cas_required=True)
    vault.set("a", {"x": "old"}, cas=0)
    vault.delete("a")
    answers = ["new"]
    vault.ask = lambda _path, _field: SecretStr(answers.pop())
    item = vault.require("a", "x")
    assert (item.public("x"), item.version.number) == ("new", 2)


def test_explicit_fields(vault: Vault) -> None:
    """A Field says itself whether it is secret; a name that does not fit is refused."""
    vault.set("a", {"password": Field("password", "text", b"open", is_secret=False)})
    assert vault.get("a").public("password") == "open"
    with pytest.raises(ValueError, match="under the name"):
        vault.set("a", {"x": Field("y", "text", b"", is_secret=True)})


def test_limits(vault: Vault) -> None:
    """Too many fields, too large items and values that are not JSON are refused and write nothing."""
    with pytest.raises(ValueError, match="256 fields"):
        vault.set("a", {str(number): "x" for number in range(257)})
    with pytest.raises(ValueError, match="16 MiB"):
        vault.set("a", {"x": bytes(16 * 1024 * 1024)})
    with pytest.raises(ValueError, match="JSON"):
        vault.set("a", {"x": float("nan")})
    with pytest.raises(TypeError, match="JSON"):
        vault.set("a", {"x": object()})  # type: ignore[dict-item]
    assert list(vault.list()) == []


def test_settings(vault: Vault) -> None:
    """Settings of the item and of the vault are read back; nonsense is refused."""
    vault.set("a", {})
    vault.configure("a", max_versions=3, custom_metadata={"owner": "ops"}, delete_version_after=timedelta(hours=1))
    settings = vault.settings("a")
    assert (settings.max_versions, settings.custom_metadata) == (3, {"owner": "ops"})
    assert settings.delete_version_after == timedelta(hours=1)
    vault.configure(max_versions=4)
    assert vault.settings().max_versions == 4
    for wrong in ({"max_versions": 1001}, {"max_versions": -1}, {"delete_version_after": timedelta(-1)}):
        with pytest.raises(ValueError):
            vault.configure("a", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="metadata"):
        vault.configure(custom_metadata={"a": "b"})


def test_a_locked_vault_does_nothing(vault: Vault) -> None:
    """After lock() every operation says so; a second lock() is harmless."""
    vault.set("a", {})
    vault.lock()
    vault.lock()
    for call in (lambda: vault.get("a"), lambda: vault.set("a", {}), vault.verify, vault.slots):
        with pytest.raises(VaultLocked):
            call()
    assert vault.is_locked and "locked" in repr(vault)


def test_a_merge_may_create(vault: Vault) -> None:
    """create=True makes what is not there, after a deletion as well, and merges into what is."""
    assert vault.patch("a", {"x": "1", "gone": None}, create=True).number == 1
    assert vault.patch("a", {"y": "2"}, create=True).number == 2
    assert vault.get("a").names() == ("x", "y")
    vault.delete("a")
    assert vault.patch("a", {"z": "3"}, create=True).number == 3
    assert vault.get("a").names() == ("z",)
    vault.configure(cas_required=True)
    with pytest.raises(Conflict, match="requires"):
        vault.patch("b", {"x": "1"}, create=True)


def test_none_is_no_value(vault: Vault) -> None:
    """A look-up that found nothing returns it. Whoever means JSON's null says so; in a merge it removes a field."""
    with pytest.raises(TypeError, match="the value of 'password' is None"):
        vault.set("a", {"password": None})
    with pytest.raises(TypeError):
        vault.set_many({"a": {"password": None}})
    with pytest.raises(NotFound):
        vault.get("a")
    vault.set("a", {"nothing": Field("nothing", "json", b"null", is_secret=False), "list": [None]})
    assert vault.get("a").field("nothing").data == b"null"
    vault.patch("a", {"list": None})
    assert vault.get("a").names() == ("nothing",)
