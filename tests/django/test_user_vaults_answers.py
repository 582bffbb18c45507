"""Answers of a site in which a value of a user vault was revealed, and the browser's key after them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.django import vault_site
from tests.django.vault_site import COOKIE, NEW, PASSWORD, SECRET, browser, leads_to_unlock, log_in, new_login


@pytest.fixture
def client(sqlite_tables: str) -> Iterator[Any]:
    """The browser of somebody who is logged in; what is written is rolled back."""
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.db import transaction

    with vault_site.settings(), transaction.atomic():
        User.objects.create_user("ann", password=PASSWORD)
        yield log_in(browser())
        transaction.set_rollback(True)
        cache.clear()


def test_a_cache_of_views_keeps_no_value(client: Any) -> None:
    """A thief looks there, and it would be served to whoever comes next; without a value it is kept as ever."""
    key = new_login(client)
    assert client.get(f"/cached/{key}/").content.decode() == SECRET
    assert SECRET not in browser().get(f"/cached/{key}/").content.decode()
    assert browser().get(f"/cached/{key}/").content == client.get(f"/cached/{key}/").content == b"nobody"


@pytest.mark.parametrize("how", ["vault", "unlocked"])
def test_a_value_of_a_vault_that_was_named_is_not_kept(client: Any, how: str) -> None:
    """Not by the browser either, whichever vault the view has named."""
    key = new_login(client)
    answer = client.post(f"/named/{key}/{how}/", {"password": PASSWORD})
    assert answer.content.decode() == SECRET
    assert "no-store" in answer["Cache-Control"]


def test_a_new_password_takes_another_cookie(client: Any) -> None:
    """What was copied from the browser before opens no session that is stolen later."""
    before = client.cookies[COOKIE].value
    client.post("/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    assert client.get("/state/").content == b"unlocked"
    assert client.cookies[COOKIE].value != before


def test_an_answer_that_failed_takes_no_cookie_away(client: Any) -> None:
    """Its session is not saved, and the browser's key has to fit the one before."""
    key, before = new_login(client), client.cookies[COOKIE].value
    client.raise_request_exception = False
    answer = client.post(f"/fails-later/{key}/", {"password": PASSWORD})
    assert answer.status_code == 500
    assert client.cookies[COOKIE].value == before
    assert not leads_to_unlock(client.get(f"/show/{key}/"))
