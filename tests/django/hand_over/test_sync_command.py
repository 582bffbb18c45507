"""``manage.py sync_external``: its output, exit codes, and how it ends."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

import strongroom
from tests.django.hand_over.conftest import PASSWORD, Site
from tests.django.hand_over.services import CALLS

THIS = "tests.django.hand_over.services"
SYNC = {"photos": f"{THIS}.connect"}


def run(*words: str, sync: Any = None) -> str:
    """The command's output."""
    from django.core.management import call_command
    from django.test import override_settings

    CALLS.clear()
    out = StringIO()
    with override_settings(STRONGROOM_SYNC=SYNC if sync is None else sync):
        call_command("sync_external", *words, stdout=out, stderr=out)
    return out.getvalue()


def refusal(*words: str, sync: Any = None) -> tuple[int, str]:
    """Exit code and message."""
    from django.core.management.base import CommandError

    with pytest.raises(CommandError) as caught:
        run(*words, sync=sync)
    return caught.value.returncode, str(caught.value)


def test_one_round(site: Site) -> None:
    """A line that counts; nothing of a credential."""
    site.hand_over()
    assert run("--once") == "1 active\n"
    assert CALLS == ["my photos"]
    assert run("--once") == "nothing was due\n"


def test_one_service(site: Site) -> None:
    """The others are left alone."""
    site.hand_over()
    sync = {**SYNC, "mail": {"connector": f"{THIS}.connect", "every": timedelta(days=1)}}
    assert run("--once", "--service", "mail", sync=sync) == "nothing was due\n"
    assert run("--once", "--service", "mail", "--service", "photos", sync=sync) == "1 active\n"


def test_it_ends_when_it_is_asked_to(site: Site) -> None:
    """The sync that runs is finished and written down; the next one is left for the next worker."""
    from strongroom.django.hand_over import HandedOver

    before = signal.getsignal(signal.SIGTERM)
    site.hand_over("first")
    site.hand_over("second")
    assert run(sync={"photos": f"{THIS}.stop"}) == "1 active\n"
    rows = HandedOver.objects.values_list("name", "state", "claim")
    assert list(rows) == [("first", "active", None), ("second", "waiting", None)]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("words", "sync", "said"),
    [
        (["--once"], {}, "names no service\nhint: in the settings: STRONGROOM_SYNC = {"),
        (["--once", "--service", "mail"], None, "has no mail\nhint: it has photos"),
        (["--once", "--pause", "0"], None, "--pause"),
        (["--once"], {"photos": "no.such.thing"}, "STRONGROOM_SYNC['photos']"),
        (["--once"], {"photos": {}}, "no connector"),
        (["--once"], {"photos": {"connector": f"{THIS}.connect", "secret": 1}}, "no option 'secret'"),
        (["--once"], {"photos": {"connector": f"{THIS}.connect", "every": timedelta(0)}}, "every"),
        (["--once"], {"photos": {"connector": f"{THIS}.connect", "time_limit": timedelta(days=2)}}, "time_limit"),
        (["--once"], {"Photos!": f"{THIS}.connect"}, "a service's name"),
    ],
)
def test_wrong_use(site: Site, words: list[str], sync: Any, said: str) -> None:
    """Exit code 2, and what is wrong."""
    code, message = refusal(*words, sync=sync)
    assert code == 2
    assert said in message


def test_without_a_vault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit codes as those of the command line, with the hint; in a loop it is said, and tried again."""
    from strongroom.django.hand_over.management.commands import sync_external

    monkeypatch.setenv("STRONGROOM_KEY_FILE", str(site.key_file) + ".none")
    code, message = refusal("--once")
    assert code == 4
    assert "key.none" in message
    waits: list[float] = []

    def wait(self: Any, seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sync_external.Stop, "wait", wait)
    said = run("--pause", "7")
    assert said.count("trying again in 7 s") == 2
    assert waits == [7.0, 7.0]


def test_a_database_that_goes_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a loop it is said and tried again; one round ends with the database's own error."""
    from django.db import OperationalError

    from strongroom.django.hand_over import Worker
    from strongroom.django.hand_over.management.commands import sync_external

    def fail(_worker: Any) -> Any:
        raise OperationalError("server closed the connection; statement was SELECT 'secret'")

    monkeypatch.setattr(Worker, "round", fail)
    monkeypatch.setattr(sync_external.Stop, "wait", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert run() == "the database: OperationalError; trying again in 30 s\n"
    with pytest.raises(OperationalError):
        run("--once")


def test_a_second_signal_ends_it_at_once(site: Site) -> None:
    """Who asks twice does not wait for a connector."""
    from strongroom.django.hand_over import HandedOver

    site.hand_over()
    with pytest.raises(KeyboardInterrupt):
        run(sync={"photos": f"{THIS}.stop_twice"})
    assert HandedOver.objects.get().claim is None


@pytest.mark.parametrize("error", [strongroom.VaultLocked, strongroom.Denied, strongroom.StoreUnavailable])
def test_exit_codes(site: Site, monkeypatch: pytest.MonkeyPatch, error: type[strongroom.StrongroomError]) -> None:
    """3, 5 and 15."""
    from strongroom.django.hand_over.management.commands import sync_external

    def fail() -> Any:
        raise error("no", advice="do this")

    monkeypatch.setattr(sync_external, "open_vault", fail)
    codes = {strongroom.VaultLocked: 3, strongroom.Denied: 5, strongroom.StoreUnavailable: 15}
    assert refusal("--once") == (codes[error], "no\nhint: do this")


def test_settings_that_do_not_exist(site: Site) -> None:
    """A misspelt option is an error, and not a default."""
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    with override_settings(STRONGROOM_HAND_OVER={"FODLER": "x"}), pytest.raises(ImproperlyConfigured, match="FODLER"):
        site.hand_over()


def test_another_folder(site: Site) -> None:
    """Two sites share a vault by folders of their own."""
    from django.test import override_settings

    options = {"VAULT": str(site.location), "FOLDER": "sites/one"}
    with override_settings(STRONGROOM_HAND_OVER=options):
        handed = site.hand_over()
        assert run("--once") == "1 active\n"
    assert site.credentials() == [f"sites/one/photos/credentials/{handed.pk}"]
    with override_settings(STRONGROOM_HAND_OVER={**options, "FOLDER": "@keys"}), pytest.raises(ValueError):
        site.hand_over("another")


def test_nothing_is_told_of_a_value(site: Site) -> None:
    """Also with the highest verbosity."""
    site.hand_over()
    assert PASSWORD not in run("--once", "-v", "3")


