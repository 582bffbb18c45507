"""Errors while a password or code is at work: what Django's report of them shows, with its own reporter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from asgiref.sync import async_to_sync

from tests.django import vault_site
from tests.django.vault_site import COOKIE, NEW, PASSWORD, browser, code_of, log_in

OLD = "amber window 2283"
CODE = "[0-9A-Z]{4}(-[0-9A-Z]{4}){7}"


class Broken(Exception):
    """The database, say."""


def breaks(*_arguments: Any, **_options: Any) -> NoReturn:
    """What fails."""
    raise Broken


@pytest.fixture
def ann(sqlite_tables: str) -> Iterator[Any]:
    """A user of the site; what is written is rolled back."""
    from django.contrib.auth.models import User
    from django.db import transaction

    with vault_site.settings(), transaction.atomic():
        yield User.objects.create_user("ann", password=PASSWORD)
        transaction.set_rollback(True)


def unlock(ann: Any, client: Any) -> None:
    client.cookies.pop(COOKIE)
    client.post("/vault/unlock/", {"password": PASSWORD})


def recover(ann: Any, client: Any) -> None:
    client.post("/vault/recover/", {"password": PASSWORD, "old_password": OLD})


def recover_by_code(ann: Any, client: Any) -> None:
    client.post("/vault/recover/", {"password": PASSWORD, "recovery_code": client.code})


def give_up(ann: Any, client: Any) -> None:
    client.post("/vault/reset/", {"password": PASSWORD, "confirm": "give up"})


def change(ann: Any, client: Any) -> None:
    client.post("/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})


def enter(ann: Any, client: Any) -> None:
    log_in(browser())


def enter_later(ann: Any, client: Any) -> None:
    from django.contrib.auth import aauthenticate

    async_to_sync(aauthenticate)(None, username="ann", password=PASSWORD)


def nobody_enters_later(ann: Any, client: Any) -> None:
    from django.contrib.auth import aauthenticate

    async_to_sync(aauthenticate)(None, username="nobody", password=PASSWORD)


def check_later(ann: Any, client: Any) -> None:
    async_to_sync(ann.acheck_password)(PASSWORD)


def check_an_old_one_later(ann: Any, client: Any) -> None:
    from django.test import override_settings

    hashers = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]
    # Another hasher is to be used from now on, and fails.
    with override_settings(PASSWORD_HASHERS=hashers):
        async_to_sync(ann.acheck_password)(PASSWORD)


def make_code(ann: Any, client: Any) -> None:
    client.post("/vault/recovery-code/")


def in_python(ann: Any, client: Any) -> None:
    from strongroom.django.user_vaults import user_vault

    user_vault(ann).open_or_create(PASSWORD)


def in_python_later(ann: Any, client: Any) -> None:
    from strongroom.django.user_vaults import user_vault

    async_to_sync(user_vault(ann).aopen_or_create)(PASSWORD)


def check(ann: Any, client: Any) -> None:
    from django.test import override_settings

    hashers = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]
    # An old hash is replaced, and that is saved.
    with override_settings(PASSWORD_HASHERS=hashers):
        assert ann.check_password(PASSWORD)


_VAULTS = "strongroom.django.user_vaults"
_HASHERS = "django.contrib.auth.hashers"
OPENING, MAKING = f"{_VAULTS}.slots.check_proof", f"{_VAULTS}.slots.proof"
DOORS: list[tuple[Callable[[Any, Any], None], str]] = [
    (unlock, OPENING), (recover, f"{_VAULTS}.vaults._open"), (recover_by_code, OPENING), (give_up, MAKING),
    (change, MAKING), (enter, OPENING), (enter_later, OPENING), (in_python, OPENING), (in_python_later, OPENING),
    (enter_later, f"{_HASHERS}.MD5PasswordHasher.verify"), (check_later, f"{_HASHERS}.MD5PasswordHasher.verify"),
    (nobody_enters_later, f"{_HASHERS}.MD5PasswordHasher.encode"),
    (check_an_old_one_later, f"{_HASHERS}.ScryptPasswordHasher.encode"),
    (make_code, "django.template.base.NodeList.render"),
    (check, "django.contrib.auth.base_user.AbstractBaseUser.save"),
]  # fmt: skip


@pytest.mark.parametrize(("door", "place"), DOORS, ids=[door.__name__ for door, _place in DOORS])
def test_no_password_is_in_a_report(ann: Any, monkeypatch: pytest.MonkeyPatch, door: Any, place: str) -> None:
    """Django mails them to the administrators, with the variables of every function."""
    from django.template.defaultfilters import pprint
    from django.test import RequestFactory
    from django.views.debug import ExceptionReporter

    client = log_in(browser())
    client.code = code_of(client.post("/vault/recovery-code/"))
    assert re.fullmatch(CODE, client.code)
    monkeypatch.setattr(place, breaks)
    with pytest.raises(Broken) as caught:
        door(ann, client)
    reporter = ExceptionReporter(RequestFactory().post("/"), caught.type, caught.value, caught.tb)
    shown = [
        (frame["filename"], frame["function"], name)
        for frame in reporter.get_traceback_frames()
        for name, value in frame["vars"]
        # Those of the tests and of Django's browser know what they send.
        if not ("/django/test/" in frame["filename"] or "/tests/" in frame["filename"])
        if any(word in pprint(value) for word in (PASSWORD, NEW, OLD)) or re.search(CODE, pprint(value))
    ]
    assert shown == []


def test_what_leads_into_a_thread_is_masked(ann: Any) -> None:
    """A view that runs on the event loop has its password checked in a thread: asgiref knows the arguments."""
    from asgiref.sync import sync_to_async
    from django.test import RequestFactory, override_settings
    from django.views.debug import ExceptionReporter as DjangosReporter
    from django.views.decorators.debug import sensitive_variables

    from strongroom.django.reports import ExceptionReporter

    @sensitive_variables("typed")  # type: ignore[untyped-decorator]
    async def view(typed: str) -> None:
        await sync_to_async(breaks)(typed)

    with pytest.raises(Broken) as caught:
        async_to_sync(view)(PASSWORD)
    failed = (RequestFactory().post("/"), caught.type, caught.value, caught.tb)
    with override_settings(DEBUG=True):
        assert PASSWORD in DjangosReporter(*failed).get_traceback_html(), "nothing had to be masked"
    for debug in (True, False):
        with override_settings(DEBUG=debug):
            shown = [
                (frame["filename"], frame["function"], name)
                for frame in ExceptionReporter(*failed).get_traceback_frames()
                for name, value in frame["vars"]
                if "/asgiref/" in frame["filename"] and PASSWORD in repr(value)
            ]
            assert shown == []
