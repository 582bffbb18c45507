"""Attacks on what was handed over: by whoever writes to the database, and by what happens at the wrong moment."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

import strongroom
from tests.django.hand_over.conftest import PASSWORD, Site

Change = Callable[[Site, Any], dict[str, Any]]
CHANGES: dict[str, Change] = {
    "another user": lambda site, _handed: {"user": site.user("eve")},
    "another name": lambda _site, _handed: {"name": "another"},
    "a name that looks the same": lambda _site, _handed: {"name": "my\u00a0photos"},
    "another id": lambda site, _handed: {"id": site.hand_over("other", site.user("eve")).pk.hex[::-1]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_of_no_use(site: Site, change: str, caplog: pytest.LogCaptureFixture) -> None:
    """The worker uses nothing, says so, and works on once the row is what it was."""
    from strongroom.django.hand_over import HandedOver

    handed = site.hand_over()
    columns = CHANGES[change](site, handed)
    HandedOver.objects.exclude(pk=handed.pk).delete()
    site.due(handed, **columns)
    with caplog.at_level(logging.ERROR):
        # At another id there is nothing, or what was withdrawn with its row.
        assert str(site.round()).startswith("1 waiting" if change == "another id" else "1 failing")
    assert site.calls == []
    (row,) = HandedOver.objects.all()
    assert ("not used" in row.last_result and "not used" not in caplog.text) == (change != "another id")
    site.due(row, id=handed.pk, user=handed.user, name=handed.name)
    assert str(site.round()).startswith("1 active")


def test_two_users_rows_are_swapped(site: Site) -> None:
    """Each way in which one user's row can be led to the other's credential."""
    from strongroom.django.hand_over import HandedOver

    ann, eve = site.hand_over("photos", site.user()), site.hand_over("photos", site.user("eve"), password="eve's own")
    third = site.user("third")
    # Owners: by way of a third, as the table allows each only once.
    for pk, user in ((ann.pk, third), (eve.pk, ann.user), (ann.pk, eve.user)):
        HandedOver.objects.filter(pk=pk).update(user=user)
    for one in (ann, eve):
        site.due(one)
    assert str(site.round()) == "2 failing"
    # Ids.
    HandedOver.objects.all().update(user=third, state="withdrawn")
    for one, pk in ((ann, eve.pk), (eve, ann.pk)):
        HandedOver.objects.filter(pk=pk).update(user=one.user, state="active")
        site.due(HandedOver.objects.get(pk=pk))
    assert str(site.round()) == "2 failing"
    assert site.calls == []


def test_a_row_of_another_service(site: Site) -> None:
    """A credential goes to the service that it was given for, and to no other one's connector."""
    from strongroom.django.hand_over import Worker
    from strongroom.django.hand_over.connectors import Connector

    handed = site.hand_over()
    site.due(handed, service="mail")
    mail = Connector("mail", site.called)
    with site.open() as vault:
        assert str(Worker(vault, {"mail": mail}).round()) == "1 waiting"
        # Also where the item itself was copied there, which takes write access to the vault.
        item = vault.get(f"handed-over/photos/credentials/{handed.pk}")
        vault.set(f"handed-over/mail/credentials/{handed.pk}", {name: item.field(name) for name in item})
        site.due(handed)
        assert str(Worker(vault, {"mail": mail}).round()) == "1 failing"
    assert site.calls == []


@pytest.mark.parametrize(
    "told",
    [
        None, "", "[]", "null", "{", "1", '"x"', "{}", "[" * 3_000, '{"format": 1}', "x" * 9_000,
        " {}", ("format", 2), ("format", True), ("format", "1"), ("user", 1), ("user", "01"), ("more", 1), ("id", "x"),
    ],
)  # fmt: skip
def test_bindings_that_are_none(site: Site, told: Any) -> None:
    """Whatever stands in the field, or no field at all: only what was written for this row counts."""
    handed = site.hand_over()
    path = f"handed-over/photos/credentials/{handed.pk}"
    with site.open() as vault:
        true = json.loads(vault.get(path).public("handed-over"))
        if isinstance(told, tuple):
            told = json.dumps({**true, told[0]: told[1]})
        vault.patch(path, {"handed-over": told})
    assert str(site.round()) == "1 failing"
    assert site.calls == []


def test_withdrawn_and_put_back(site: Site) -> None:
    """Before and after the worker has destroyed it, and with the credential itself brought back."""
    from strongroom.django.hand_over import HandedOver, withdraw

    handed = site.hand_over()
    path = f"handed-over/photos/credentials/{handed.pk}"
    with site.open() as vault:
        item = vault.get(path)
    withdraw(handed)
    site.due(handed, state="active")
    assert str(site.round()) == "1 destroyed"
    assert HandedOver.objects.get().state == "withdrawn"
    site.due(handed, state="waiting")
    site.round()
    with site.open() as vault:
        # A deposit that was held back until now, say.
        vault.set(path, {name: item.field(name) for name in item})
    site.due(handed, state="active")
    assert str(site.round()) == "1 destroyed"
    assert (site.calls, site.credentials()) == ([], [])


def test_withdrawn_between_the_look_and_the_use(site: Site) -> None:
    """What is withdrawn after the round has begun is not used in it either."""
    from strongroom.django.hand_over import withdraw

    first, second = site.hand_over("first"), site.hand_over("second")

    def connect(_credential: Any, handed: Any) -> str:
        withdraw(second if handed.pk == first.pk else first)
        site.due(second, state="active")
        return "fine"

    site.connect = connect
    assert str(site.round()) == "1 active, 1 withdrawn"
    assert [call[1] for call in site.calls] == ["first"]


@pytest.mark.parametrize("deed", ["withdraw", "hand over anew", "delete"])
def test_what_the_user_does_during_a_sync(site: Site, deed: str) -> None:
    """The worker's result does not write over it."""
    from strongroom.django.hand_over import HandedOver, withdraw

    handed = site.hand_over()

    def connect(_credential: Any, _handed: Any) -> str:
        if deed == "withdraw":
            withdraw(handed)
        elif deed == "delete":
            HandedOver.objects.get(pk=handed.pk).delete()
        else:
            site.hand_over(password="new")
        raise strongroom.CredentialRefused("the old one")

    site.connect = connect
    site.round()
    site.connect = lambda _credential, _handed: "fine"
    after = HandedOver.objects.filter(pk=handed.pk).first()
    assert (after and after.state) == {"withdraw": "withdrawn", "delete": None}.get(deed, "waiting")
    assert after is None or after.claim is None
    assert str(site.round()) == ("1 active" if deed == "hand over anew" else "1 destroyed")


def test_a_claim_keeps_others_away_and_ends(site: Site) -> None:
    """What another worker is busy with is left alone, until its claim has run out."""
    import uuid

    from django.utils import timezone

    handed = site.hand_over()
    until = timezone.now() + timedelta(minutes=12)
    site.due(handed, claim=uuid.uuid4(), claimed_until=until)
    assert str(site.round()) == "nothing was due"
    assert str(site.round(now=lambda: until + timedelta(seconds=1))) == "1 active"


def test_a_worker_whose_claim_has_ended_writes_nothing(site: Site) -> None:
    """One that stood still for too long finds its row in another one's hands."""
    import uuid

    from strongroom.django.hand_over import HandedOver

    handed, other = site.hand_over(), uuid.uuid4()

    def connect(_credential: Any, _handed: Any) -> str:
        site.due(handed, claim=other, last_result="of the other")
        return "of the first"

    site.connect = connect
    site.round()
    row = HandedOver.objects.get()
    assert (row.last_result, row.claim) == ("of the other", other)


def test_an_interrupted_sync_gives_the_row_back(site: Site) -> None:
    """Ctrl-C ends the worker; the row is due as before, at once."""
    from strongroom.django.hand_over import HandedOver

    site.hand_over()

    def connect(_credential: Any, _handed: Any) -> str:
        raise KeyboardInterrupt

    site.connect = connect
    with pytest.raises(KeyboardInterrupt):
        site.round()
    row = HandedOver.objects.get()
    assert (row.state, row.claim, row.failures) == ("waiting", None, 0)


def test_a_vault_that_goes_away_is_nobodys_failure(site: Site) -> None:
    """The round ends with the error; no account is said to fail."""
    from strongroom.django.hand_over import HandedOver, Worker
    from strongroom.django.hand_over.connectors import Connector

    site.hand_over("first")
    site.hand_over("second")
    with site.open() as vault:

        def connect(_credential: Any, _handed: Any) -> str:
            vault.lock()
            return "fine"

        site.connect = connect
        with pytest.raises(strongroom.VaultLocked):
            Worker(vault, {"photos": Connector("photos", site.called)}).round()
    rows = HandedOver.objects.values_list("name", "state", "claim")
    assert list(rows) == [("first", "active", None), ("second", "waiting", None)]


def test_a_credential_that_is_not_there(site: Site) -> None:
    """A deposit that was not taken in yet, or a row that somebody has made up: looked for soon, then less often."""
    from django.utils import timezone

    from strongroom.django.hand_over import HandedOver

    HandedOver.objects.create(user=site.user(), service="photos", name="made up")
    times, states = [timezone.now()], []
    for _ in range(12):
        states.append(str(site.round(now=lambda: times[-1])))
        row = HandedOver.objects.get()
        assert (row.last_sync is None, row.last_result == "") == (row.state == "waiting", row.state == "waiting")
        times.append(row.next_sync)
    pauses = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert states == ["1 waiting"] * 5 + ["1 failing"] * 7
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert row.last_result == "the vault does not have the credential yet"
    assert site.calls == []


def test_an_older_deposit_is_not_used_in_its_place(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The user has given a new password, which lies in the inbox still: the one before is not tried again."""
    from django.test import override_settings

    from strongroom.locate.depositing import write_depositor_file

    handed = site.hand_over(password="an old one")

    def refuse(_credential: Any, _handed: Any) -> str:
        raise strongroom.CredentialRefused("wrong")

    site.connect = refuse
    assert str(site.round()) == "1 refused"
    key_file = tmp_path / "home" / "web.key"
    with site.open() as vault:
        write_depositor_file(str(key_file), vault.deposit_key("web", ["handed-over/**"]))
    monkeypatch.delenv("STRONGROOM_KEY_FILE")
    options = {"VAULT": str(site.location), "DEPOSIT_KEY": str(key_file)}
    with override_settings(STRONGROOM_HAND_OVER=options):
        site.hand_over(password="the new one")
    (letter,) = site.location.parent.glob("vault.db.inbox/*.deposit")
    letter.rename(tmp_path / letter.name)
    site.connect = lambda _credential, _handed: "fine"
    assert str(site.round()) == "1 waiting"
    (tmp_path / letter.name).rename(letter)
    site.due(handed)
    assert str(site.round()) == "1 active"
    assert [call[3] for call in site.calls] == ["an old one", "the new one"]


def test_a_deposit_that_the_row_does_not_name(site: Site) -> None:
    """Who writes to the database can make the worker wait, and use nothing else; nor an older version of the item."""
    import uuid

    from strongroom.django.hand_over import HandedOver

    handed = site.hand_over(password="first")
    older = HandedOver.objects.get().deposit
    site.hand_over(password="second")
    newer = HandedOver.objects.get().deposit
    assert older != newer
    for deposit in (older, uuid.uuid4()):
        site.due(handed, deposit=deposit)
        assert str(site.round()) == "1 waiting"
    assert site.calls == []
    site.due(handed, deposit=newer)
    assert str(site.round()) == "1 active"
    assert [call[3] for call in site.calls] == ["second"]


def test_credentials_without_a_row_are_counted(site: Site) -> None:
    """Who removes rows in the database takes nothing back, and nothing is used; the worker says how many there are."""
    from strongroom.django.hand_over import HandedOver

    site.hand_over()
    HandedOver.objects.all()._raw_delete("default")
    tally = site.round()
    assert (str(tally), site.calls) == ("1 in the vault without a row", [])
    assert len(site.credentials()) == 1


def test_rows_hold_no_secret_when_pickled_or_shown(site: Site) -> None:
    """A row may go into a cache or a session."""
    import pickle

    handed = site.hand_over()
    site.round()
    handed.refresh_from_db()
    assert PASSWORD.encode() not in pickle.dumps(handed)
    assert str(handed) == "photos: my photos"


@pytest.mark.parametrize("deed", ["deleted", "moved"])
def test_a_row_that_changes_while_it_is_claimed(site: Site, deed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that goes, or becomes another service's, between claim and look does not end the round."""
    from django.db.models import QuerySet

    from strongroom.django.hand_over import HandedOver

    handed, other = site.hand_over("first"), site.hand_over("second")
    update = QuerySet.update

    def claim(rows: Any, **columns: Any) -> int:
        count = int(update(rows, **columns))
        first = HandedOver.objects.filter(pk=handed.pk)
        if columns.get("claim") and first.filter(claim=columns["claim"]):
            _ = first._raw_delete("default") if deed == "deleted" else update(first, service="mail")
        return count

    monkeypatch.setattr(QuerySet, "update", claim)
    assert str(site.round()).startswith("1 active")
    assert [call[1] for call in site.calls] == [other.name]


def test_two_workers_destroy_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds it gone, and goes on."""
    from strongroom.django.hand_over import withdraw
    from strongroom.vault.vault import Vault

    withdraw(site.hand_over())
    destroy = Vault.destroy

    def twice(vault: Any, path: str) -> None:
        destroy(vault, path)
        destroy(vault, path)

    monkeypatch.setattr(Vault, "destroy", twice)
    assert str(site.round()) == "nothing was due"
    assert site.credentials() == []


def test_a_vault_that_was_changed(site: Site) -> None:
    """One item that does not open stops one account, and the row says that it was the vault."""
    import sqlite3
    from contextlib import closing

    handed = site.hand_over()
    with closing(sqlite3.connect(site.location)) as database, database:
        database.execute("UPDATE versions SET body = CAST(substr(body, 1, 40) || x'0102' || substr(body, 43) AS BLOB)")
    site.hand_over("another")
    assert str(site.round()) == "1 active, 1 failing"
    handed.refresh_from_db()
    assert handed.last_result.startswith("not used: ")
    assert "another user" not in handed.last_result
    assert [call[1] for call in site.calls] == ["another"]
