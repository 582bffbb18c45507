"""A user key between two requests: in the session, under a key that lies in the browser's cookie alone.

Who has the database, the session store and ``SECRET_KEY`` has the wrapped key and nothing that unwraps it; who has
the cookie of one session opens no other. Source: docs/format.md#user-vaults.
"""

from __future__ import annotations

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.conf import settings
from django.contrib.sessions.backends.signed_cookies import SessionStore as SignedCookies

from strongroom.crypto import aead
from strongroom.crypto.digest import sha256
from strongroom.crypto.entropy import random_buffer
from strongroom.crypto.labels import USER_SESSION, context
from strongroom.errors import Tampered
from strongroom.secret import SecretBytes, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

ENTRY = "_strongroom_user_key"
COOKIE = "strongroom_key"
_log = logging.getLogger("strongroom.django")
# Browsers take a Secure cookie from there without TLS; and Django's test client from its own host.
_LOCAL = ("localhost", "127.0.0.1", "testserver")
_COOKIE_BYTES = 32
_COOKIE_TEXT = 43


def cookie_name() -> str:
    """The cookie's name: with ``__Host-`` no other host and no plain connection can set it."""
    return f"__Host-{COOKIE}" if _is_secure() else COOKIE


def binding(session: Any) -> str:
    """What names a session; nothing where it lies in the browser as a whole, and has another name each time."""
    return "" if isinstance(session, SignedCookies) else session.session_key or ""


def wrap(user_key: SecretBytes, cookie: bytearray, place: bytes) -> str:
    """The user key as it lies in the session."""
    return urlsafe_b64encode(aead.wrap(cookie, user_key.reveal_buffer(), place)).decode("ascii")


def unwrap(entry: object, cookie: bytearray, place: bytes) -> SecretBytes:
    """The user key out of a session's *entry*.

    Raises: Tampered: another cookie, session, user, vault or generation; or no entry at all.
    """
    try:
        message = urlsafe_b64decode(str(entry).encode("ascii"))
    except ValueError:
        raise Tampered("a session holds no wrapped key") from None
    return SecretBytes(aead.unwrap(cookie, message, place))


def place(vault_id: UUID, generation: int, user: str, password: str, session: str) -> bytes:
    """What a wrapped key is bound to.

    Args:
        user: primary key as text.
        password: the stored string of the log-in: with another one the session is over too.
        session: from `binding`.
    """
    return context(
        vault_id.bytes,
        USER_SESSION,
        0,
        str(generation).encode("ascii"),
        user.encode("utf-8"),
        sha256(password.encode("utf-8")),
        session.encode("utf-8"),
    )


def new_cookie() -> bytearray:
    """A new key for the browser."""
    return random_buffer(_COOKIE_BYTES)


def read_cookie(request: HttpRequest) -> bytearray | None:
    """The browser's key; None when it sent none, or none that is one."""
    text = request.COOKIES.get(cookie_name(), "")
    if len(text) != _COOKIE_TEXT:
        return None
    try:
        key = bytearray(urlsafe_b64decode(f"{text}=".encode("ascii")))
    except ValueError:
        return None
    if len(key) != _COOKIE_BYTES:
        wipe(key)
        return None
    return key


def set_cookie(response: HttpResponse, key: bytearray, request: HttpRequest) -> None:
    """Give the browser its key, for as long as the session lasts."""
    session = request.session
    if _is_secure() and not request.is_secure() and request.get_host().partition(":")[0] not in _LOCAL:
        _log.warning(
            "%s is set by an answer to plain http, and browsers do not take it: behind a proxy with TLS say "
            "SECURE_PROXY_SSL_HEADER",
            cookie_name(),
        )
    response.set_cookie(
        cookie_name(),
        urlsafe_b64encode(key).decode("ascii").rstrip("="),
        max_age=None if session.get_expire_at_browser_close() else session.get_expiry_age(),
        path="/",
        secure=_is_secure(),
        httponly=True,
        samesite="Lax",
    )


def delete_cookie(response: HttpResponse) -> None:
    """Have the browser forget its key."""
    response.set_cookie(
        cookie_name(), "", max_age=0, expires="Thu, 01 Jan 1970 00:00:00 GMT", path="/",
        secure=_is_secure(), httponly=True, samesite="Lax",
    )  # fmt: skip


def _is_secure() -> bool:
    return not settings.DEBUG
