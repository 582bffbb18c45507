"""The pages of user vaults, and what a site of one's own does when a key is not there."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest

from tests.django.vault_site import (
    COOKIE,
    NEW,
    PASSWORD,
    SECRET,
    browser,
    code_of,
    leads_to_unlock,
    log_in,
    new_login,
    settings,
)


@pytest.fixture
def site(sqlite_tables: str) -> Iterator[None]:
    """The site; what is written to its tables is rolled back."""
    from django.db import transaction

    with settings(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def client(site: None) -> Any:
    """Ann's browser; she has logged in."""
    from django.contrib.auth.models import User

    User.objects.create_user("ann", "ann@example.org", PASSWORD, is_staff=True, is_superuser=True)
    return log_in(browser())


@pytest.fixture
def key(client: Any) -> str:
    """A log-in of hers."""
    return new_login(client)


def lock(client: Any) -> Any:
    """The same browser without its key."""
    client.cookies.pop(COOKIE, None)
    return client


PAGES = ["show", "template", "later"]


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_key_leads_to_the_page_that_unlocks_and_back(client: Any, key: str, page: str) -> None:
    """In a view, in a template, and in an asynchronous view."""
    address = f"/{page}/{key}/?a=b%26c"
    assert client.get(address).content.decode() == SECRET
    answer = lock(client).get(address)
    assert leads_to_unlock(answer)
    form = client.get(answer["Location"])
    assert f'name="next" value="{escape(address)}"' in form.content.decode()
    assert form["Cache-Control"].startswith("max-age=0")
    assert client.post("/vault/unlock/", {"password": "wrong", "next": address}).status_code == 200
    answer = client.post("/vault/unlock/", {"password": PASSWORD, "next": address})
    assert answer["Location"] == address
    assert client.get(address).content.decode() == SECRET
    assert client.get(form.request["PATH_INFO"])["Location"] == "/state/"


@pytest.mark.parametrize("page", PAGES)
def test_an_answer_with_a_value_is_not_kept(client: Any, key: str, page: str) -> None:
    """One without any may be."""
    assert "no-store" in client.get(f"/{page}/{key}/")["Cache-Control"]
    assert "no-store" not in client.get("/list/").get("Cache-Control", "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "application/json"}, 403),
        ({"accept": "text/html", "x-requested-with": "XMLHttpRequest"}, 403),
        ({"accept": "image/png"}, 403),
        ({"accept": "*/*"}, 302),
        ({"accept": "text/html,application/xhtml+xml;q=0.9"}, 302),
    ],
)
def test_a_program_is_told_the_reason(client: Any, key: str, headers: dict[str, str], status: int) -> None:
    """403 in JSON in the place of a page."""
    answer = lock(client).get(f"/show/{key}/", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert json.loads(answer.content) == {"error": "key_unavailable", "reason": "locked"}
        assert "no-store" in answer["Cache-Control"]
        client.cookies.clear()
        answer = client.get(f"/show/{key}/", headers=headers)
        assert json.loads(answer.content)["reason"] == "anonymous"


def test_who_is_not_logged_in_logs_in_first(client: Any, key: str) -> None:
    """And comes back."""
    assert browser().get(f"/show/{key}/")["Location"] == f"/login/?next=/show/{key}/"
    for page in ("unlock", "recover", "recovery-code", "reset"):
        assert browser().get(f"/vault/{page}/")["Location"] == f"/login/?next=/vault/{page}/"


def test_an_address_elsewhere_is_not_followed(client: Any, key: str) -> None:
    """Neither as next, nor as the page that a form was sent from."""
    for bad in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        answer = lock(client).post("/vault/unlock/", {"password": PASSWORD, "next": bad})
        assert answer["Location"] == "/state/"
    for referer, goes_to in (
        ("https://evil.example/x", "%2F"),
        ("http://testserver/list/", "http%3A%2F%2Ftestserver%2Flist%2F"),
    ):
        answer = lock(client).post("/add/", {"label": "x", "password": "y"}, headers={"referer": referer})
        assert leads_to_unlock(answer)
        assert answer["Location"] == f"/vault/unlock/?next={goes_to}"


def test_lists_need_no_key(client: Any, key: str) -> None:
    """They show masks."""
    assert lock(client).get("/list/").content.decode() == "bank=••••••••;"


def test_the_state_in_both_kinds_of_views(client: Any) -> None:
    """absent, locked, unlocked."""
    assert client.get("/state/").content == client.get("/state-later/").content == b"unlocked"
    lock(client)
    assert client.get("/state/").content == client.get("/state-later/").content == b"locked"
    anonymous = browser()
    assert anonymous.get("/state/").content == anonymous.get("/state-later/").content == b"absent"


def test_on_an_event_loop(sqlite_tables: str) -> None:
    """The middleware in an asynchronous handler: revealed, locked, and nobody."""
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session
    from django.test import AsyncClient

    from tests.django.private.models import Login

    async def visit() -> None:
        client = AsyncClient(headers={"accept": "text/html"})
        answer = await client.post("/login/", {"username": "lee", "password": PASSWORD})
        assert answer.status_code == 302
        key = (await client.post("/add/", {"label": "bank", "password": SECRET})).content.decode()
        for page in PAGES:
            answer = await client.get(f"/{page}/{key}/")
            assert answer.content.decode() == SECRET
            assert "no-store" in answer["Cache-Control"]
        assert (await client.get("/state-later/")).content == b"unlocked"
        await twins(await User.objects.aget(username="lee"))
        del client.cookies[COOKIE]
        for page in PAGES:
            assert leads_to_unlock(await client.get(f"/{page}/{key}/"))
        client.cookies.clear()
        for page in PAGES:
            assert (await client.get(f"/{page}/{key}/"))["Location"].startswith("/login/")

    # What an event loop's threads write is seen by them when it is committed, so this is.
    with settings():
        user = User.objects.create_user("lee", "lee@example.org", PASSWORD)
        try:
            asyncio.run(visit())
        finally:
            Login.objects.filter(owner=user).delete()
            user.delete()
            Session.objects.all().delete()


async def twins(user: Any) -> None:
    """What waits, one after the other."""
    from strongroom.django.user_vaults import user_vault

    vault = user_vault(user)
    assert await vault.astate() == "locked"
    await vault.aopen_with_password(PASSWORD)
    code = await vault.anew_recovery_code()
    await vault.achange_password(NEW)
    vault.forget()
    await vault.aopen_with_recovery_code(code, new_password=PASSWORD)
    assert await vault.astate() == "unlocked"
    with user_vault(user) as other:
        await other.aopen_or_create(PASSWORD)
        assert other.id == vault.id


def test_asynchronous_twins(client: Any) -> None:
    """They do what their namesakes do."""
    from django.contrib.auth.models import User

    from strongroom.django.user_vaults import user_vault
    from strongroom.django.user_vaults.handle import UserVaultHandle

    for name, method in vars(UserVaultHandle).items():
        if asyncio.iscoroutinefunction(method):
            assert name[1:] in vars(UserVaultHandle)
    vault = user_vault(User.objects.get(username="ann"))
    assert asyncio.iscoroutinefunction(vault.aopen_with_password)


def test_a_streamed_answer_comes_too_late(client: Any, key: str) -> None:
    """The key is gone when the view has answered: an error, and not a value without its protection."""
    from strongroom.django.user_vaults import KeyUnavailable

    answer = client.get(f"/streamed/{key}/")
    with pytest.raises(KeyUnavailable):
        b"".join(answer.streaming_content)


# Programs.


def test_an_api(client: Any, key: str) -> None:
    """Django REST framework: masked by itself, revealed by name, 403 without the key; the mask is no new value."""
    as_json = {"accept": "application/json"}
    assert client.get(f"/api/{key}/", headers=as_json).json()["password"] == "••••••••"
    assert client.get(f"/api/{key}/?reveal", headers=as_json).json() == {"password": SECRET}
    with pytest.raises(ValueError, match="mask"):
        client.put(
            f"/api/{key}/", json.dumps({"label": "x", "password": "••••••••"}), headers=as_json,
            content_type="application/json",
        )  # fmt: skip
    answer = client.put(
        f"/api/{key}/", json.dumps({"label": "x", "password": "new"}), headers=as_json, content_type="application/json"
    )
    assert answer.status_code == 200
    assert client.get(f"/show/{key}/").content == b"new"
    answer = lock(client).get(f"/api/{key}/?reveal", headers=as_json)
    assert (answer.status_code, answer.json()["reason"]) == (403, "locked")


def test_name_and_password_with_each_request(client: Any, key: str) -> None:
    """Who sends the password each time has the key each time, and nothing is kept."""
    from base64 import b64encode

    secret = b64encode(f"ann:{PASSWORD}".encode()).decode()
    answer = browser().get(
        f"/api/{key}/?reveal", headers={"accept": "application/json", "authorization": f"Basic {secret}"}
    )
    assert answer.json() == {"password": SECRET}
    assert COOKIE not in answer.cookies


# Forms and the admin.


def test_a_form_keeps_what_is_stored(client: Any, key: str) -> None:
    """Masked: neither the value nor the mask comes back, also without the key; what is typed takes its place."""
    page = client.get(f"/change/{key}/").content.decode()
    assert SECRET not in page
    assert "••••" not in page
    lock(client)
    assert client.post(f"/change/{key}/", {"label": "other", "password": "", "note": "", "more": ""}).status_code == 302
    assert leads_to_unlock(client.post(f"/change/{key}/", {"label": "other", "password": "typed"}))
    client.post("/vault/unlock/", {"password": PASSWORD})
    assert client.get(f"/show/{key}/").content.decode() == SECRET
    fields = {"label": "other", "password": "typed", "note": "n", "more": '{"a": 1}'}
    assert client.post(f"/change/{key}/", fields).status_code == 302
    assert client.get(f"/show/{key}/").content == b"typed"
    answer = client.post(f"/change/{key}/", {"label": "x", "password": "y" * 41})
    assert answer.status_code == 200
    assert "y" * 41 not in answer.content.decode()


def test_a_form_that_shows_the_value(client: Any, key: str) -> None:
    """It needs the key, and is not kept by caches."""
    answer = client.get(f"/change/{key}/?shown")
    assert SECRET in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert client.post(f"/change/{key}/?shown", {"label": "a", "password": SECRET}).status_code == 302
    assert leads_to_unlock(lock(client).get(f"/change/{key}/?shown"))


def test_the_admin(client: Any, key: str) -> None:
    """Masks; the button shows it to the owner alone, whoever else is a superuser."""
    from django.contrib.auth.models import User

    User.objects.create_superuser("root", "root@example.org", PASSWORD)
    for who, sees in ((client, True), (log_in(browser(), "root"), False)):
        for address in ("/admin/private/login/", f"/admin/private/login/{key}/change/"):
            answer = who.get(address)
            assert answer.status_code == 200
            assert SECRET not in answer.content.decode()
        answer = who.post(f"/admin/private/login/{key}/reveal/password/")
        assert (SECRET in answer.content.decode()) is sees
        assert answer.status_code == 200


def test_the_admin_stores_for_its_own_user_alone(client: Any) -> None:
    """Nobody writes into another user's vault: 403, and no row."""
    from django.contrib.auth.models import User

    from tests.django.private.models import Login

    bob, ann = User.objects.create_user("bob", password=PASSWORD), User.objects.get(username="ann")
    for owner, status in ((bob, 403), (ann, 302)):
        fields = {"id": str(uuid.uuid4()), "owner": owner.pk, "label": "x", "password": SECRET}
        assert client.post("/admin/private/login/add/", fields).status_code == status
    assert [one.owner for one in Login.objects.all()] == [ann]


@pytest.mark.parametrize("is_open", [True, False])
def test_an_error_page_shows_no_value(client: Any, key: str, is_open: bool) -> None:
    """With DEBUG too, whatever name it stands under there."""
    from django.test import override_settings

    address = f"/fails/{key}/"
    with override_settings(DEBUG=True):
        other = log_in(browser())
        other.raise_request_exception = False
        answer = (other if is_open else browser()).get(address)
    assert answer.status_code == (500 if is_open else 302)
    assert SECRET not in answer.content.decode()
    if is_open:
        assert other.cookies["strongroom_key"].value not in answer.content.decode()


# The pages themselves.


def test_a_new_recovery_code_is_shown_once(client: Any) -> None:
    """By POST; the page says that it takes the place of the one before."""
    assert code_of(client.get("/vault/recovery-code/")) == ""
    answer = client.post("/vault/recovery-code/")
    code = code_of(answer)
    assert "no-store" in answer["Cache-Control"]
    again = client.get("/vault/recovery-code/").content.decode()
    assert code not in again
    assert "one already" in again
    assert leads_to_unlock(lock(client).post("/vault/recovery-code/"))


def test_giving_up(client: Any, key: str) -> None:
    """The words and the password; then the old values are lost and say so, and new ones are kept."""
    for wrong in ({"confirm": "yes", "password": PASSWORD}, {"confirm": "give up", "password": "x"}, {}):
        assert client.post("/vault/reset/", wrong).status_code == 200
    assert client.get(f"/show/{key}/").content.decode() == SECRET
    assert client.post("/vault/reset/", {"confirm": "Give up", "password": PASSWORD}).status_code == 302
    assert client.get("/list/").content.decode() == "bank=•••••••• lost;"
    new = new_login(client, "new")
    assert client.get(f"/show/{new}/").content == b"new"
    assert log_in(browser()).get(f"/show/{new}/").content == b"new"


def test_a_vault_that_was_changed_from_outside(client: Any, key: str) -> None:
    """The log-in works, the vault stays locked, and the pages say what is wrong."""
    from strongroom.django.user_vaults.models import UserVault

    client.post("/vault/recovery-code/")
    UserVault.objects.update(proof=bytes(32))
    again = log_in(browser())
    assert again.get("/state/").content == b"locked"
    for address, fields in (("unlock", {}), ("recover", {"old_password": PASSWORD})):
        answer = again.post(f"/vault/{address}/", {"password": PASSWORD, **fields})
        assert b"changed from outside" in answer.content


def test_a_user_without_a_vault_gets_one(client: Any) -> None:
    """Logged in by another way: the page that unlocks makes it, and there is nothing to recover."""
    from django.contrib.auth.models import User

    user = User.objects.create_user("bob", "bob@example.org", PASSWORD)
    other = browser()
    other.force_login(user)
    assert other.get("/state/").content == b"absent"
    assert leads_to_unlock(other.post("/add/", {"label": "x", "password": "y"}))
    answer = other.post("/vault/recover/", {"password": PASSWORD, "old_password": PASSWORD})
    assert b"nothing to recover" in answer.content
    assert other.post("/vault/unlock/", {"password": "wrong"}).status_code == 200
    assert other.get("/state/").content == b"absent"
    assert other.post("/vault/unlock/", {"password": PASSWORD}).status_code == 302
    assert other.get("/state/").content == b"unlocked"


@pytest.mark.parametrize("page", ["unlock", "recover", "recovery-code", "reset"])
def test_the_pages_hold_a_strict_policy(client: Any, page: str) -> None:
    """No script, no style and no handler in the page; a label for each input; CSRF protection."""
    import re

    from django.test import Client

    html = (lock(client) if page == "unlock" else client).get(f"/vault/{page}/").content.decode()
    assert not re.search(r"<script|<style|\bstyle=|\son\w+=|javascript:", html)
    for name in re.findall(r'<input(?![^>]*type="hidden")[^>]*\bid="([^"]+)"', html):
        assert f'for="{name}"' in html
    assert '<html lang="en' in html
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(f"/vault/{page}/", {"password": PASSWORD}).status_code == 403


def test_the_middleware_says_where_it_belongs() -> None:
    """In front of authentication it would see nobody."""
    from django.core.exceptions import ImproperlyConfigured
    from django.http import HttpResponse
    from django.test import RequestFactory

    from strongroom.django.user_vaults.middleware import UserVaultMiddleware

    with pytest.raises(ImproperlyConfigured, match="AuthenticationMiddleware"):
        UserVaultMiddleware(lambda _request: HttpResponse())(RequestFactory().get("/"))
