"""A credential is handed over, used, and taken back; what a connector says is looked through first."""

from __future__ import annotations

import base64
import json
import logging
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

import strongroom
from tests.django.hand_over.conftest import PASSWORD, Site


def test_it_is_used_and_the_result_is_kept(site: Site) -> None:
    """The connector gets the fields and the row; the row says how it went and when the next sync is."""
    handed = site.hand_over(port=993)
    assert (handed.last_sync, handed.get_state_display()) == (None, "waiting for its first sync")
    seen: list[Any] = []
    site.connect = lambda credential, _handed: seen.append(sorted(credential)) or "12 new photos"
    assert str(site.round(every=timedelta(hours=3))) == "1 active"
    assert site.calls == [("photos", "my photos", "ann", PASSWORD)]
    assert seen == [["password", "port", "username"]]
    handed.refresh_from_db()
    assert (handed.state, handed.last_result, handed.failures, handed.claim) == ("active", "12 new photos", 0, None)
    assert handed.next_sync - handed.last_sync == timedelta(hours=3)
    assert str(site.round()) == "nothing was due"


def test_nothing_of_it_is_in_the_database(site: Site) -> None:
    """Whoever reads the table reads no secret, and not the user name either."""
    from django.db import connection

    site.hand_over()
    site.round()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM strongroom_hand_over_handedover")
        text = repr(cursor.fetchall())
    assert "my photos" in text
    assert PASSWORD not in text and "dustin" not in text


def test_handing_over_again_replaces(site: Site) -> None:
    """One row for each user, service and name; the new values count, and what was refused is tried again."""
    handed = site.hand_over()

    def refuse(_credential: Any, _handed: Any) -> str:
        raise strongroom.CredentialRefused("wrong password")

    site.connect = refuse
    assert str(site.round()) == "1 refused"
    site.due(handed)
    assert str(site.round()) == "nothing was due"
    again = site.hand_over(password="the right one")
    assert (again.pk, again.state, again.failures) == (handed.pk, "waiting", 0)
    site.connect = lambda _credential, _handed: "fine"
    assert str(site.round()) == "1 active"
    assert [call[3] for call in site.calls] == [PASSWORD, "the right one"]


def test_withdrawn_is_destroyed(site: Site) -> None:
    """It is used no more from then on, and is gone after the worker's next round; the name is free again."""
    from strongroom.django.hand_over import HandedOver, withdraw

    handed = site.hand_over()
    kept = site.hand_over("another")
    withdraw(handed)
    assert (handed.state, handed.next_sync) == ("withdrawn", None)
    assert str(site.round()) == "1 active, 1 destroyed"
    assert [call[1] for call in site.calls] == ["another"]
    assert site.credentials() == [f"handed-over/photos/credentials/{kept.pk}"]
    again = site.hand_over()
    assert again.pk != handed.pk
    assert HandedOver.objects.filter(name="my photos").count() == 2


def test_a_user_who_goes_takes_it_along(site: Site) -> None:
    """Rows go with their user; so do the credentials."""
    user = site.user("bob")
    site.hand_over(user=user)
    user.delete()
    assert str(site.round()) == "1 destroyed"
    assert site.credentials() == []


def test_a_row_stays_where_the_vault_cannot_be_told(site: Site) -> None:
    """Neither a withdrawal nor a deletion is half done."""
    from django.db import transaction

    from strongroom.django.hand_over import HandedOver, withdraw

    handed = site.hand_over()
    site.location.rename(site.location.with_suffix(".away"))
    for act in (lambda: withdraw(handed), handed.delete):
        with pytest.raises(strongroom.VaultNotFound), transaction.atomic():
            act()
    assert HandedOver.objects.get(pk=handed.pk).state == "waiting"


def test_without_a_deposit_there_is_no_row(site: Site) -> None:
    """And a row that was there is as it was."""
    from strongroom.django.hand_over import HandedOver

    handed = site.hand_over()
    site.round()
    site.location.rename(site.location.with_suffix(".away"))
    for name in ("new", "my photos"):
        with pytest.raises(strongroom.VaultNotFound):
            site.hand_over(name)
    rows = HandedOver.objects.values_list("pk", "state")
    assert list(rows) == [(handed.pk, "active")]


@pytest.mark.parametrize(
    ("name", "service", "fields"),
    [
        ("", "photos", {"password": "x"}),
        ("x" * 201, "photos", {"password": "x"}),
        ("a\x00b", "photos", {"password": "x"}),
        (" a", "photos", {"password": "x"}),
        ("a\u202eb", "photos", {"password": "x"}),
        ("a", "", {"password": "x"}),
        ("a", "../keys", {"password": "x"}),
        ("a", "a/b", {"password": "x"}),
        ("a", "@keys", {"password": "x"}),
        ("a", "Photos", {"password": "x"}),
        ("a", "x" * 51, {"password": "x"}),
        ("a", "photos", {"handed-over": "mine"}),
        ("a", "photos", {"": "x"}),
    ],
)
def test_what_cannot_be_handed_over(site: Site, name: str, service: str, fields: dict[str, str]) -> None:
    """It is refused, and there is neither row nor credential."""
    from strongroom.django.hand_over import HandedOver, hand_over

    with pytest.raises(ValueError):
        hand_over(site.user(), name, fields, service=service)
    assert not HandedOver.objects.exists()
    assert site.credentials() == []


SPELLINGS = {
    "as it is": PASSWORD,
    "folded": PASSWORD.replace(" ", "\n\t "),
    "quoted": quote(PASSWORD),
    "quoted for a form": quote_plus(PASSWORD),
    "HTML": escape(PASSWORD),
    "JSON": json.dumps(PASSWORD),
    "repr": repr(PASSWORD),
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
    "Basic": base64.b64encode(f"dustin:{PASSWORD}".encode()).decode(),
    "hex": PASSWORD.encode().hex(),
}
PARTS = ("pa<ss", "pa&lt;", "pa%3Css", "cGE8c3M", "nBhPHNzPncicmQ", "70613c7373")


@pytest.mark.parametrize(
    "kind", [None, strongroom.CredentialRefused, strongroom.ServiceUnavailable, strongroom.Denied, ValueError, OSError]
)
def test_a_service_that_repeats_the_password(
    site: Site, kind: type[Exception] | None, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Neither in what the rows say nor in any log, whether the connector returns or raises it."""
    from strongroom.django.hand_over import HandedOver

    def repeat(_credential: Any, handed: Any) -> str:
        text = f"no such login: dustin/{SPELLINGS[handed.name]} (401)"
        if kind is None:
            return text
        raise kind(text)

    site.connect = repeat
    for spelling in SPELLINGS:
        site.hand_over(spelling)
    with caplog.at_level(logging.DEBUG):
        tally = site.round()
    results = list(HandedOver.objects.values_list("last_result", flat=True))
    assert len(results) == len(SPELLINGS)
    assert all(results)
    shown = " ".join((*results, str(tally), caplog.text, *capfd.readouterr()))
    assert [part for part in (*SPELLINGS.values(), *PARTS) if part in shown] == []


def test_the_masks_see_what_they_look_for() -> None:
    """Each spelling holds one of the parts that the test above looks for."""
    assert all(any(part in text for part in PARTS) for text in SPELLINGS.values())


def test_a_short_secret_takes_the_whole_text_along(site: Site) -> None:
    """What is too short to be masked is not told at all."""
    site.connect = lambda _credential, _handed: "PIN 27 is wrong, 12 photos"
    handed = site.hand_over(pin="27")
    site.round()
    handed.refresh_from_db()
    assert "27" not in handed.last_result and "left out" in handed.last_result


def test_a_result_is_one_line_of_bounded_length(site: Site) -> None:
    """Whatever a connector returns; and the secret at the place where it is cut is masked too."""
    site.connect = lambda _credential, _handed: "a\x1b[2J\r\n" + "b" * 485 + PASSWORD + "c" * 100_000
    handed = site.hand_over()
    site.round()
    handed.refresh_from_db()
    assert len(handed.last_result) <= 500
    assert handed.last_result.isprintable()
    assert "pa<" not in handed.last_result


@pytest.mark.parametrize(
    ("raised", "state", "words"),
    [
        (strongroom.CredentialRefused("the login was refused"), "refused", "the login was refused"),
        (strongroom.GrantRevoked("taken back"), "revoked", "taken back"),
        (strongroom.ServiceUnavailable("down for an hour"), "failing", "down for an hour"),
        (ConnectionRefusedError("x"), "failing", "the service did not answer (ConnectionRefusedError)"),
        (TimeoutError("x"), "failing", "the service did not answer (TimeoutError)"),
        (KeyError("x"), "failing", "the connector failed (KeyError)"),
        (strongroom.Denied("not for you"), "failing", "Denied: not for you"),
        (None, "failing", "returned no text"),
    ],
)
def test_what_a_failure_means(site: Site, raised: Exception | None, state: str, words: str) -> None:
    """Each of its own kind: what a service refuses waits for the user, all else is tried again later."""

    def fail(_credential: Any, _handed: Any) -> Any:
        if raised is not None:
            raise raised

    site.connect = fail
    handed = site.hand_over()
    site.round()
    handed.refresh_from_db()
    assert handed.state == state
    assert words in handed.last_result
    assert (handed.next_sync is None) == (state in ("refused", "revoked"))
    assert (handed.failures, handed.claim, handed.claimed_until) == (1, None, None)


def test_pauses_grow_and_end(site: Site) -> None:
    """Twice as long after each failure, at most a day; a success begins anew."""
    from django.utils import timezone

    handed = site.hand_over()
    times = [timezone.now()]

    def fail(_credential: Any, _handed: Any) -> str:
        raise strongroom.ServiceUnavailable("down")

    site.connect = fail
    pauses = []
    for _ in range(14):
        site.round(now=lambda: times[-1])
        handed.refresh_from_db()
        pauses.append(handed.next_sync - times[-1])
        times.append(handed.next_sync)
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert pauses[-2:] == [timedelta(days=1)] * 2
    site.connect = lambda _credential, _handed: "up again"
    site.round(now=lambda: times[-1])
    handed.refresh_from_db()
    assert (handed.state, handed.failures) == ("active", 0)


def test_a_connector_that_does_not_come_back(site: Site) -> None:
    """It is ended, also where it catches every exception it knows of, and the next account has its turn."""
    handed = site.hand_over("hangs")
    site.hand_over("works")
    import time

    def hang(_credential: Any, handed: Any) -> str:
        while handed.name == "hangs":
            try:
                time.sleep(60)
            except Exception:
                continue
        return "fine"

    site.connect = hang
    tally = site.round(time_limit=timedelta(seconds=0.2))
    assert str(tally) == "1 active, 1 failing"
    handed.refresh_from_db()
    assert handed.last_result == "it took longer than 0 s"


def test_the_time_limit_leaves_other_alarms_alone() -> None:
    """Who has set an alarm of the process has it afterwards, and its handler."""
    import signal

    from strongroom.django.hand_over.limits import TimeLimit

    before, timer = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 3_000.0)
    try:
        with TimeLimit(timedelta(seconds=1_000)):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 1_000
        assert 1_000 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3_000
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_an_alarm_in_the_middle_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The alarm rings just when the connector has come back: the next round does not find it still set."""
    import signal

    from strongroom.django.hand_over.limits import TimeLimit, TookTooLong

    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    limit, real = TimeLimit(timedelta(seconds=1_000)), signal.setitimer
    try:
        with pytest.raises(TookTooLong), limit:
            monkeypatch.setattr(signal, "setitimer", lambda *_: signal.raise_signal(signal.SIGALRM))
        monkeypatch.setattr(signal, "setitimer", real)
        limit.end()
        limit.end()
        assert signal.getsignal(signal.SIGALRM) is before[0]
        assert signal.getitimer(signal.ITIMER_REAL)[0] <= 300
    finally:
        signal.signal(signal.SIGALRM, before[0])
        signal.setitimer(signal.ITIMER_REAL, *before[1])


def test_the_async_twins(site: Site) -> None:
    """They do the same."""
    from asgiref.sync import async_to_sync

    from strongroom.django.hand_over import ahand_over, awithdraw

    handed = async_to_sync(ahand_over)(site.user(), "later", {"password": "x"}, service="photos")
    async_to_sync(awithdraw)(handed)
    assert handed.state == "withdrawn"


def test_what_it_logs(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Service, id and state of each sync; a failed connector by class and place."""
    handed = site.hand_over()

    def fail(_credential: Any, _handed: Any) -> str:
        raise KeyError(PASSWORD)

    site.connect = fail
    with caplog.at_level(logging.INFO, logger="strongroom.django.hand_over"):
        site.round()
    assert f"photos {handed.pk}: KeyError in site.sync.fetch at" in caplog.text
    assert f"photos {handed.pk}: failing" in caplog.text
    assert PASSWORD not in caplog.text


def test_the_inbox_takes_what_no_agent_takes(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A site without the vault's key leaves credentials by its depositor's key; without that key it is an error."""
    from django.test import override_settings

    from strongroom.django.hand_over import withdraw
    from strongroom.locate.depositing import write_depositor_file

    key_file = tmp_path / "home" / "web.key"
    with site.open() as vault:
        write_depositor_file(str(key_file), vault.deposit_key("web", ["handed-over/**"]))
    monkeypatch.delenv("STRONGROOM_KEY_FILE")
    with pytest.raises(strongroom.WouldPrompt):
        site.hand_over("nobody's")
    options = {"VAULT": str(site.location), "DEPOSIT_KEY": str(key_file)}
    with override_settings(STRONGROOM_HAND_OVER=options):
        handed = site.hand_over()
        gone = site.hand_over("gone")
        withdraw(gone)
    assert len(list(site.location.parent.glob("vault.db.inbox/*.deposit"))) == 3
    # Whoever opens the vault takes them in.
    assert str(site.round()) == "1 active, 1 destroyed"
    assert site.credentials() == [f"handed-over/photos/credentials/{handed.pk}"]


def test_two_requests_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both find no row and make one; the second takes the first's."""
    from strongroom.django.hand_over import HandedOver, deposits

    first = site.hand_over()
    look = deposits._find
    looks: list[Any] = []

    def see_nothing_at_first(*words: Any) -> Any:
        looks.append(words)
        return look(*words) if len(looks) > 1 else None

    monkeypatch.setattr(deposits, "_find", see_nothing_at_first)
    assert site.hand_over().pk == first.pk
    assert HandedOver.objects.count() == 1


def test_a_user_who_is_not_there(site: Site) -> None:
    """The database's own error, and nothing is left in the vault."""
    from django.contrib.auth.models import User
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        site.hand_over(user=User(pk=None))
    assert site.credentials() == []


def test_the_door_names_what_it_has() -> None:
    """And nothing else."""
    import strongroom.django.hand_over as door

    assert set(door.__all__) <= set(dir(door))
    with pytest.raises(AttributeError):
        door.nothing
