"""Accounts that are connected by OAuth: the site's two views, the worker, and the end of a grant."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import strongroom
from tests.django.hand_over.conftest import Site
from tests.interop.oauth_server import CLIENT_ID, CLIENT_SECRET, OAuthServer

BACK = "https://site.example/back"
PATIENCE_SECONDS = 60


@pytest.fixture
def server(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OAuthServer]:
    """A service with OAuth, which the site's settings name."""
    from django.test import override_settings

    with OAuthServer() as made:
        made.authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        settings = {
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scope": "photos.read",
            "authorize_url": f"{made.url}/authorize", "token_url": f"{made.url}/token",
            "revoke_url": f"{made.url}/revoke", "api_url": f"{made.url}/api",
        }  # fmt: skip
        with override_settings(STRONGROOM_OAUTH={"photos": settings}):
            from strongroom.django.hand_over.oauth import provider_of

            site.provider = provider_of("photos")
            yield made


def request_of(user: Any, session: Any = None, query: str = "") -> Any:
    """A request of *user*'s."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.test import RequestFactory

    made = RequestFactory().get(f"/back?{query}")
    made.user = user
    made.session = SessionStore() if session is None else session
    return made


def answer_of(server: OAuthServer, url: str) -> str:
    """The query with which the browser of a user who says yes comes back."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection("127.0.0.1", parts.port, timeout=PATIENCE_SECONDS, context=context)
    connection.request("GET", f"{parts.path}?{parts.query}")
    with connection.getresponse() as got:
        location = got.headers["Location"]
    connection.close()
    return urlsplit(location).query


def connect(site: Site, server: OAuthServer, name: str = "my photos") -> Any:
    """An account of the user's, from the first view to the row."""
    from strongroom.django.hand_over import connect, connected

    asking = request_of(site.user())
    sent = connect(asking, service="photos", redirect_uri=BACK)
    back = request_of(site.user(), asking.session, answer_of(server, sent.url))
    return connected(back, name, service="photos")


def photos(credential: Any, _handed: Any) -> str:
    """The connector."""
    found = credential.get(f"{site_url(credential)}/photos", "photos.read").json()
    return f"{len(found)} photos"


def site_url(credential: Any) -> str:
    """Where the interface is."""
    return str(credential._provider.api_url)


def test_from_the_button_to_the_sync(site: Site, server: OAuthServer) -> None:
    """The worker reads with a token for what it needs; nothing of the grant is in the database or the session."""
    from django.db import connection

    handed = connect(site, server)
    site.connect = photos
    assert str(site.round()) == "1 active"
    handed.refresh_from_db()
    assert handed.last_result == "2 photos"
    assert [scope for _, scope in server.requests] == ["", "photos.read"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM strongroom_hand_over_handedover")
        text = repr(cursor.fetchall())
    given = [token.given.get(name) for token in server.tokens for name in ("access_token", "refresh_token")]
    assert [one for one in given if one and one in text] == []


def test_tokens_that_a_connector_repeats(site: Site, server: OAuthServer) -> None:
    """They are masked as passwords are: the old refresh token, the new one, and what was fetched meanwhile."""
    handed = connect(site, server)

    def repeat(credential: Any, _handed: Any) -> str:
        token = credential.access_token("photos.read").reveal()
        return " ".join([token, *(one.given["refresh_token"] for one in server.tokens)])

    site.connect = repeat
    site.round()
    handed.refresh_from_db()
    assert "at-" not in handed.last_result and "rt-" not in handed.last_result
    assert "<hidden>" in handed.last_result


def test_a_grant_that_was_taken_back(site: Site, server: OAuthServer) -> None:
    """The row says so, and nobody is asked again until the user connects anew."""
    handed = connect(site, server)
    server.take_back()
    site.connect = photos
    assert str(site.round()) == "1 revoked"
    handed.refresh_from_db()
    assert (handed.state, handed.next_sync) == ("revoked", None)
    assert "taken back" in handed.last_result
    again = connect(site, server)
    assert (again.pk, again.state) == (handed.pk, "waiting")
    assert str(site.round()) == "1 active"


def test_withdrawing_revokes(site: Site, server: OAuthServer) -> None:
    """The service hears of it before the grant is destroyed."""
    from strongroom.django.hand_over import withdraw

    withdraw(connect(site, server))
    assert str(site.round()) == "1 destroyed"
    assert server.tokens[0].family.ended
    assert site.credentials() == []


def test_withdrawing_while_the_service_is_away(site: Site, server: OAuthServer, caplog: Any) -> None:
    """It is destroyed all the same, and the log says that the service was not told."""
    from strongroom.django.hand_over import withdraw

    withdraw(connect(site, server))
    server.close()
    assert str(site.round()) == "1 destroyed"
    assert "was not revoked at the service" in caplog.text
    assert site.credentials() == []


def test_a_grant_that_was_replaced_by_another_users(site: Site, server: OAuthServer) -> None:
    """What the credential reads is looked at each time, and not only when the sync begins."""
    handed = connect(site, server)
    other = site.hand_over("other", site.user("eve"))

    def swap(credential: Any, _handed: Any) -> str:
        with site.open() as vault:
            item = vault.get(f"handed-over/photos/credentials/{other.pk}")
            vault.set(credential._path, {name: item.field(name) for name in item})
        return str(credential.access_token("photos.read").reveal())

    site.due(other, next_sync=None)
    site.connect = swap
    site.round()
    handed.refresh_from_db()
    assert handed.state == "failing"
    assert server.refreshes() == 0


def test_a_time_limit_in_the_middle_of_a_refresh(site: Site, server: OAuthServer) -> None:
    """The sync is ended, and the new refresh token is kept."""
    import signal
    import threading
    from datetime import timedelta

    handed = connect(site, server)
    # The alarm of the time limit, at the moment that matters.
    server.after = lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
    site.connect = photos
    assert str(site.round(time_limit=timedelta(hours=1))) == "1 failing"
    server.after = lambda: None
    handed.refresh_from_db()
    assert "took longer" in handed.last_result
    site.due(handed)
    assert str(site.round()) == "1 active"
    assert server.refreshes() == 1


@pytest.mark.parametrize("how", ["another session", "another user", "twice", "never asked", "logged out", "refused"])
def test_answers_of_others(site: Site, server: OAuthServer, how: str) -> None:
    """An answer counts once, in the session and for the user that asked; else a stranger's account is connected."""
    from django.contrib.auth.models import AnonymousUser

    from strongroom.django.hand_over import HandedOver, connect, connected

    asking = request_of(site.user())
    sent = connect(asking, service="photos", redirect_uri=BACK)
    query = answer_of(server, sent.url)
    back = request_of(site.user(), asking.session, query)
    if how == "another session":
        back.session = request_of(site.user()).session
        connect(back, service="photos", redirect_uri=BACK)
    elif how == "another user":
        back.user = site.user("eve")
    elif how == "twice":
        connected(request_of(site.user(), asking.session, query), "first", service="photos")
    elif how == "never asked":
        back.session = request_of(site.user()).session
    elif how == "logged out":
        back.user = AnonymousUser()
    else:
        back.META["QUERY_STRING"] = f"error=access_denied&state={asking.session['strongroom_oauth']['photos']['state']}"
    with pytest.raises(strongroom.Denied):
        connected(back, "stolen", service="photos")
    assert not HandedOver.objects.filter(name="stolen").exists()
    assert not back.session.get("strongroom_oauth") or how in ("logged out",)


def test_the_settings(site: Site) -> None:
    """What cannot be is told without the client's secret; a service without a provider has none."""
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from strongroom.django.hand_over import connect
    from strongroom.django.hand_over.oauth import provider_of

    assert provider_of("mail") is None
    with pytest.raises(ImproperlyConfigured, match="names no mail"):
        connect(request_of(site.user()), service="mail", redirect_uri=BACK)
    for wrong in ({"token_url": "http://a.example"}, {"tokenurl": "x"}, {}):
        settings = {"client_id": "x", "client_secret": "of-the-client", **wrong}
        with override_settings(STRONGROOM_OAUTH={"mail": settings}), pytest.raises(ImproperlyConfigured) as caught:
            provider_of("mail")
        assert "of-the-client" not in str(caught.value)


def test_a_grant_that_another_worker_refreshes_is_destroyed_later(site: Site, server: OAuthServer) -> None:
    """Its new token would be lost, and be good at the service for ever."""
    import time

    from strongroom.credentials.oauth import records
    from strongroom.django.hand_over import withdraw

    handed = connect(site, server)
    withdraw(handed)
    path = f"handed-over/photos/credentials/{handed.pk}"
    with site.open() as vault:
        vault.patch(path, {records.REFRESHING: records.Mark("00" * 8, time.time() + 30).field()})
    assert str(site.round()) == "nothing was due"
    assert not server.tokens[0].family.ended
    with site.open() as vault:
        vault.patch(path, {records.REFRESHING: None})
    assert str(site.round()) == "1 destroyed"
    assert server.tokens[0].family.ended


def test_a_service_that_does_not_answer_keeps_no_round_for_long(
    site: Site, server: OAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revocation may take half a minute: a round has a minute for all, and the rest comes with the next."""
    from datetime import timedelta

    from strongroom.django.hand_over import rounds, withdraw

    monkeypatch.setattr(rounds, "_REVOKING", timedelta(0))
    for name in ("one", "two", "three"):
        withdraw(connect(site, server, name))
    server.close()
    assert [str(site.round()) for _ in range(4)] == [*["1 destroyed"] * 3, "nothing was due"]
    assert site.credentials() == []
