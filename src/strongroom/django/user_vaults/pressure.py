"""Passwords are slow to check on purpose, so checking them is limited: in each process, and for each client.

    with password_work(request, name) as attempt:
        ...                                     # whatever hashes a password or opens a vault with one
        attempt.succeeded()

Every `check_password` and `set_password` of a user passes here by itself (`password_hooks`), the log-in by its
backend (`backends`). Who is over a limit gets `TooManyAttempts` before any work, which the middleware
makes a 429 with Retry-After. What the limits are, and why: `login_limits`, docs/django-user-vaults.md.
"""

from __future__ import annotations

import unicodedata
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from os import getpid
from threading import Lock

from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language

from strongroom.credentials.passwords import PASSWORD_BYTES_MAX
from strongroom.django.user_vaults.devices import device_of, set_cookie
from strongroom.django.user_vaults.login_limits import Attempt, LoginLimits, TooManyAttempts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextvars import Token
    from typing import Any

__all__ = [
    "TooManyAttempts", "apassword_work", "connect", "enter_request", "finish_response", "is_acceptable",
    "leave_request", "password_work", "too_many",
]  # fmt: skip

_request: ContextVar[HttpRequest | None] = ContextVar("strongroom_request", default=None)
_attempt: ContextVar[Attempt | None] = ContextVar("strongroom_attempt", default=None)
_making = Lock()
_PAGES_MAX = 256
_TEMPLATE = "strongroom/user_vaults/too_many.html"


@contextmanager
def password_work(request: HttpRequest | None = None, name: str | None = None) -> Iterator[Attempt]:
    """Whatever is slow about passwords is done within; nested uses for the same name count once.

    Args:
        request: None for the one that the middleware has seen, or none.
        name: that somebody wants to be, whether there is such a user or not.

    Returns: the attempt, which is to be told when the password was right.
    Raises: TooManyAttempts: nothing was done.
    """
    outer = _attempt.get()
    if outer is not None:
        with _within(outer, request, name) as further:
            yield further
        return
    with limits().attempt(_http(request), name) as attempt:
        token = _attempt.set(attempt)
        try:
            yield attempt
        finally:
            _attempt.reset(token)


@asynccontextmanager
async def apassword_work(request: HttpRequest | None = None, name: str | None = None) -> AsyncIterator[Attempt]:
    """As `password_work`, where waiting leaves the event loop to others; slow work within belongs into threads."""
    outer = _attempt.get()
    if outer is not None:
        with _within(outer, request, name) as further:
            yield further
        return
    async with limits().aattempt(_http(request), name) as attempt:
        token = _attempt.set(attempt)
        try:
            yield attempt
        finally:
            _attempt.reset(token)


def is_acceptable(password: object) -> bool:
    """Whether a password can be anybody's: text of at most 4,096 bytes of UTF-8, also when normalised, without NUL.

    It says nothing of users. What is far too long is not even encoded.
    """
    if not isinstance(password, str) or len(password) > PASSWORD_BYTES_MAX or "\0" in password:
        return False
    try:
        return all(len(form.encode("utf-8")) <= PASSWORD_BYTES_MAX for form in (password, _normalised(password)))
    except UnicodeEncodeError:
        return False


def enter_request(request: HttpRequest) -> Token[HttpRequest | None]:
    """Let what is called from here on know the request; for the middleware."""
    return _request.set(request)


def leave_request(token: Token[HttpRequest | None]) -> None:
    """Undo `enter_request`."""
    _request.reset(token)


def too_many(request: HttpRequest, error: TooManyAttempts) -> HttpResponse:
    """429 with Retry-After: a page for browsers, JSON for programs."""
    response: HttpResponse
    if "text/html" in request.META.get("HTTP_ACCEPT", ""):
        response = HttpResponse(_page(error.retry_after), status=429)
    else:
        response = JsonResponse({"detail": error.message, "retry_after": error.retry_after}, status=429)
    # Django would write a line for each, and a flood would fill the log; what is said of it is said once a minute.
    response._has_been_logged = True
    response.is_strongroom_refusal = True
    limits().tell()
    response["Retry-After"] = str(error.retry_after)
    response["Cache-Control"] = "no-store"
    return response


def finish_response(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser that has logged in its device cookie; for the middleware."""
    name_key = getattr(request, "_strongroom_logged_in", None)
    if name_key is not None and device_of(request, name_key) is None:
        set_cookie(response, name_key)


def connect() -> None:
    """Hear of log-ins, and of tests that change the settings."""
    user_logged_in.connect(_logged_in, dispatch_uid="strongroom.device_logged_in")
    setting_changed.connect(_forget, dispatch_uid="strongroom.forget_limits")


def limits() -> LoginLimits:
    """The limits of this process, made at the first call in it.

    Raises: ImproperlyConfigured: what the settings say of them is wrong.
    """
    config = apps.get_app_config("strongroom_user_vaults")
    found: LoginLimits | None = getattr(config, "login_limits", None)
    if found is None or found.process != getpid():
        with _making:
            found = getattr(config, "login_limits", None)
            if found is None or found.process != getpid():
                found = config.login_limits = LoginLimits()
    return found


@contextmanager
def _within(outer: Attempt, request: HttpRequest | None, name: str | None) -> Iterator[Attempt]:
    """The place is there already; a name that is not the outer attempt's counts as a guess of its own."""
    if name is None or limits().name_key(name) == outer.name_key:
        yield Attempt(outer.name_key)
        return
    with limits().further_name(_http(request), name) as further:
        token = _attempt.set(further)
        try:
            yield further
        finally:
            _attempt.reset(token)


def _page(retry_after: int) -> str:
    """The page without a request: nothing of a session is read for somebody who is sent away."""
    pages, key = limits().pages, (retry_after, get_language())
    found = pages.get(key)
    if found is None:
        found = str(render_to_string(_TEMPLATE, {"retry_after": retry_after}))
        if len(pages) < _PAGES_MAX and not settings.DEBUG:
            # Most are for the same few seconds, and making the page is most of what a refusal costs.
            pages[key] = found
    return found


def _http(request: HttpRequest | None) -> HttpRequest | None:
    """Django's own request, also where a framework has wrapped it."""
    return getattr(request, "_request", request) or _request.get()


def _normalised(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _logged_in(sender: object, request: HttpRequest | None, user: Any, **_ignored: object) -> None:
    if request is not None:
        vars(_http(request))["_strongroom_logged_in"] = limits().name_key(user.get_username())


def _forget(*, setting: str, **_ignored: object) -> None:
    if setting in ("STRONGROOM", "SECRET_KEY", "CACHES"):
        apps.get_app_config("strongroom_user_vaults").login_limits = None
