"""Where the vault meets the clock, a slow person, and values that are not what they claim to be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.errors import NotFound
from strongroom.items import Field
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.secret import SecretStr
from strongroom.stores.interface import Store
from strongroom.vault.opening import open_vault
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock, beside


@pytest.mark.parametrize("call", ["undelete", "restore"])
def test_a_deletion_that_lies_ahead_is_taken_back(vault: Vault, clock: Clock, call: str) -> None:
    """undelete clears the deletion time, whether or not it has come (KV v2)."""
    vault.configure(delete_version_after=timedelta(hours=1))
    vault.set("a", {"x": "1"})
    getattr(vault, call)("a")
    assert vault.history("a")[0].deleted is None
    clock.advance(seconds=7200)
    assert vault.get("a").public("x") == "1"


def test_deleting_what_will_be_deleted_deletes_it_now(vault: Vault, clock: Clock) -> None:
    """A deletion time that lies ahead does not keep delete() from deleting."""
    vault.configure(delete_version_after=timedelta(hours=1))
    vault.set("a", {"x": "1"})
    vault.delete("a")
    with pytest.raises(NotFound):
        vault.get("a")


@pytest.mark.parametrize("span", [timedelta.max, timedelta(days=365_251), timedelta(microseconds=-1)])
def test_time_spans_have_bounds(vault: Vault, span: timedelta) -> None:
    """A span that no calendar holds is refused at once, not by the encoder and not when it is shown."""
    with pytest.raises(ValueError, match="time span"):
        vault.set("a", {"x": "1"}, expires=span)
    with pytest.raises(ValueError, match="time span"):
        vault.configure(delete_version_after=span)
    version = vault.set("a", {"x": "1"}, expires=timedelta(days=365_250))
    assert version.expires is not None


def test_what_somebody_stored_while_a_person_was_asked_stays(
    vault: Vault, store: Store, credential: KeyFileCredential
) -> None:
    """require() merges its answer into what is there by then."""
    with open_vault(beside(store), credential, author="other") as other:

        def ask(path: str, field: str) -> SecretStr:
            other.set(path, {"username": "bot", "note": "theirs"})
            return SecretStr("typed")

        vault.ask = ask
        item = vault.require("bank", "password")
    assert item["password"] == SecretStr("typed")
    assert item.public("note") == "theirs"


@pytest.mark.parametrize(
    ("field", "error"),
    [
        (Field("x", "weird", b"1", is_secret=True), ValueError),
        (Field("x", "text", "a str", is_secret=True), TypeError),  # type: ignore[arg-type]
        (Field("x", "text", b"hunter2\xff", is_secret=True), ValueError),
        (Field("x", "json", b"hunter2\xff", is_secret=True), ValueError),
        (Field("y", "text", b"1", is_secret=True), ValueError),
    ],
    ids=["kind", "type", "text", "json", "name"],
)
def test_a_field_that_could_not_be_read_back_is_refused(vault: Vault, field: Field, error: type[Exception]) -> None:
    """At once, and without showing what it holds."""
    with pytest.raises(error) as caught:
        vault.set("a", {"x": field})
    assert type(caught.value) is error
    assert "hunter2" not in repr(caught.value.args)
    assert caught.value.__cause__ is None
