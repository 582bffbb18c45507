"""What attacks on the finished hand-over have found: withdrawals that were led astray, and results that told."""

from __future__ import annotations

import io
import traceback
from typing import Any

import pytest

import strongroom
import strongroom.oauth
from strongroom.credentials.oauth import OAuthProvider
from strongroom.items import Field
from tests.django.hand_over.conftest import PASSWORD, Site


def provider_of() -> OAuthProvider:
    """A service with OAuth, where nobody listens."""
    return OAuthProvider(
        client_id="site", token_url="https://127.0.0.1:9/token", revoke_url="https://127.0.0.1:9/revoke"
    )


def test_a_password_is_destroyed_where_the_service_has_oauth_by_now(site: Site) -> None:
    """There is nothing to tell the service; the worker destroys it all the same."""
    from strongroom.django.hand_over import withdraw

    withdraw(site.hand_over())
    site.provider = provider_of()
    assert str(site.round()) == "1 destroyed"
    assert site.credentials() == []


@pytest.mark.parametrize(
    "field",
    [
        Field("oauth-provider", "text", b"x", is_secret=True),
        Field("oauth-provider", "bytes", b"\xff", is_secret=False),
        Field("oauth-scope", "text", b"x", is_secret=True),
        Field("oauth-refreshing", "text", b'["x", 1' + b"0" * 400 + b"]", is_secret=False),
        Field("access_tokens", "text", b'{"": ["x", 1' + b"0" * 400 + b", 1]}", is_secret=True),
        Field("access_tokens", "text", b"\xc3\xa9", is_secret=True),
        Field("refresh_token", "text", "ü".encode(), is_secret=True),
    ],
    ids=lambda field: f"{field.name} {field.data[:8]!r}",
)
def test_no_deposit_ends_the_worker(site: Site, field: Field) -> None:
    """Whoever may deposit could otherwise stop the syncs of all: the round goes on."""
    from strongroom.credentials.oauth.records import named
    from strongroom.django.hand_over import withdraw

    site.provider = provider_of()
    good = {"oauth-provider": named(site.provider), "oauth-scope": "x", "refresh_token": "rt-of-ann"}
    first, second = (site.hand_over(name, **{**good, field.name: field}) for name in ("first", "second"))
    site.connect = lambda credential, _handed: credential.access_token("x")
    withdraw(first)
    assert str(site.round()) == "1 failing, 1 destroyed"
    assert site.credentials() == [f"handed-over/photos/credentials/{second.pk}"]


def test_a_user_who_goes_takes_along_what_the_row_calls_withdrawn(site: Site) -> None:
    """Nobody but the vault says that something was withdrawn: a database writer may have said so in the row."""
    from strongroom.django.hand_over import HandedOver

    handed = site.hand_over()
    user = handed.user
    site.due(handed, state="withdrawn")
    kept = dict(HandedOver.objects.filter(pk=handed.pk).values()[0])
    pk, name = user.pk, user.username
    user.delete()
    # The database writer puts both back.
    type(user).objects.create(pk=pk, username=name)
    HandedOver.objects.create(**{**kept, "state": "active"})
    assert str(site.round()) == "1 destroyed"
    assert (site.calls, site.credentials()) == ([], [])


@pytest.mark.parametrize(
    "password",
    ["correct\u00a0horse 27", "correct\u200bhorse", "cor\u00adrect-horse", "a\u2003b-27\u2028x", "tab\tin it\x1f27"],
)
def test_passwords_with_odd_spaces_are_masked(site: Site, password: str) -> None:
    """What makes one line of a text changes such a password as well."""
    site.connect = lambda credential, _handed: f"no such password: {credential['password'].reveal()}."
    handed = site.hand_over(password=password)
    site.round()
    handed.refresh_from_db()
    assert handed.last_result == "no such password: <hidden>."


@pytest.mark.parametrize("twin", ["hand_over", "ahand_over"])
def test_no_frame_shows_what_could_not_be_left(site: Site, twin: str) -> None:
    """Reports of errors show the variables of each frame."""
    from asgiref.sync import async_to_sync

    from strongroom.django import hand_over as room

    user = site.user()
    site.location.unlink()

    async def later() -> None:
        await room.ahand_over(user, "my photos", {"password": PASSWORD}, service="photos")

    def now() -> None:
        room.hand_over(user, "my photos", {"password": PASSWORD}, service="photos")

    try:
        now() if twin == "hand_over" else async_to_sync(later)()
    except strongroom.StrongroomError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    else:
        raise AssertionError("it was left")
    for one in (told, told.__cause__, told.__context__):
        if one is not None:
            # Whoever calls has it.
            one.stack[:] = [frame for frame in one.stack if "/tests/" not in frame.filename]
    shown = io.StringIO()
    told.print(file=shown)
    assert "in hand_over" in shown.getvalue()
    assert "<ss>" not in shown.getvalue()


@pytest.mark.parametrize("told", ["cross-site", "same-origin", "none", ""])
def test_no_other_site_begins_to_connect(site: Site, told: str) -> None:
    """It would have its own account at the service connected, in the place of the user's."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.exceptions import PermissionDenied
    from django.test import RequestFactory, override_settings

    from strongroom.django.hand_over import connect

    url = "https://service.example"
    settings = {"client_id": "site", "token_url": f"{url}/token", "authorize_url": f"{url}/ask", "scope": "photos.read"}
    request = RequestFactory().get("/begin", headers={"Sec-Fetch-Site": told} if told else {})
    request.user, request.session = site.user(), SessionStore()
    with override_settings(STRONGROOM_OAUTH={"photos": settings}):
        if told != "cross-site":
            sent = connect(request, service="photos", redirect_uri="https://site.example/back")
            assert sent.url.startswith(f"{url}/ask?")
        else:
            with pytest.raises(PermissionDenied):
                connect(request, service="photos", redirect_uri="https://site.example/back")
            assert not request.session.keys()


def test_a_grant_withdrawn_during_its_sync_gives_no_more_tokens(site: Site) -> None:
    """Whatever the row says; also one that lies in the item still."""
    import json
    import time

    from strongroom.credentials.oauth.records import named
    from strongroom.django.hand_over import withdraw

    site.provider = provider_of()
    access = {"x": ["at-of-ann", time.time(), time.time() + 3600]}
    fields: dict[str, Any] = {
        "oauth-provider": named(site.provider), "oauth-scope": "x", "refresh_token": "rt-of-ann",
        "access_tokens": strongroom.SecretStr(json.dumps(access)),
    }  # fmt: skip
    handed = site.hand_over(**fields)
    told: list[str] = []

    def connect(credential: object, _handed: object) -> str:
        assert isinstance(credential, strongroom.oauth.OAuthCredential)
        told.append(credential.access_token("x").reveal())
        withdraw(handed)
        site.due(handed, state="active")
        told.append(credential.access_token("x").reveal())
        return "fine"

    site.connect = connect
    site.round()
    assert told == ["at-of-ann"]


def test_a_row_that_was_changed_before_leads_a_withdrawal_astray(site: Site) -> None:
    """What docs/threat-model.md says of it: the process that withdraws cannot read the vault, and has the row alone."""
    from strongroom.django.hand_over import HandedOver, withdraw

    ann, eve = site.hand_over(), site.hand_over("hers", site.user("eve"))
    HandedOver.objects.filter(pk=ann.pk)._raw_delete("default")
    HandedOver.objects.filter(pk=eve.pk).update(id=ann.pk)
    withdraw(HandedOver.objects.get(user=eve.user))
    site.due(ann, id=eve.pk, state="active")
    assert str(site.round()) == "1 active, 1 destroyed"
    assert [call[2] for call in site.calls] == ["eve"]
    assert site.credentials() == [f"handed-over/photos/credentials/{eve.pk}"]
