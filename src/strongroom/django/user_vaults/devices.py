"""A browser that somebody has logged in with is told from one that guesses: by a cookie, as OWASP describes.

The cookie opens nothing. It says that this browser knew the password of that name once, and lets it try
again on an allowance of its own, whatever others do to the name or from the same network.
Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
"""

from __future__ import annotations

from binascii import hexlify

from django.conf import settings
from django.core import signing

from strongroom.crypto.entropy import random_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

COOKIE = "strongroom_device"
_SALT = "strongroom.device"
_LIFETIME_SECONDS = 180 * 24 * 3600
# Ours have about 110 characters; what is far longer is not looked at.
_CHARACTERS_MAX = 256
_NONCE_BYTES = 16


def cookie_name() -> str:
    """The cookie's name; with the prefix that keeps other hosts from setting it, where it is sent by HTTPS alone."""
    return COOKIE if settings.DEBUG else f"__Host-{COOKIE}"


def device_of(request: HttpRequest, name_key: bytes) -> bytes | None:
    """What tells this browser from others, if it has logged in under the name *name_key* before; None if not."""
    name, _, nonce = _said(request).partition(".")
    return nonce.encode() if name == name_key.hex() else None


def is_device(request: HttpRequest) -> bool:
    """Whether somebody has logged in with this browser before, under whatever name."""
    return bool(_said(request))


def _said(request: HttpRequest) -> str:
    value = request.COOKIES.get(cookie_name(), "")
    if not value or len(value) > _CHARACTERS_MAX:
        return ""
    try:
        return str(signing.TimestampSigner(salt=_SALT).unsign(value, max_age=_LIFETIME_SECONDS))
    except signing.BadSignature:
        return ""


def set_cookie(response: HttpResponse, name_key: bytes) -> None:
    """Have the browser keep that it has logged in under the name *name_key*."""
    nonce = hexlify(random_bytes(_NONCE_BYTES)).decode("ascii")
    value = signing.TimestampSigner(salt=_SALT).sign(f"{name_key.hex()}.{nonce}")
    response.set_cookie(
        cookie_name(), value, max_age=_LIFETIME_SECONDS, secure=not settings.DEBUG, httponly=True, samesite="Lax"
    )
