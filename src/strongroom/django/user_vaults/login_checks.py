"""What ``manage.py check`` says about log-ins."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import get_hashers
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from strongroom.django.user_vaults.login_settings import LoginSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BACKEND = "strongroom.django.user_vaults.backends.UserVaultBackend"
_MIDDLEWARE = "strongroom.django.user_vaults.middleware.UserVaultMiddleware"
# Those that cost a guesser memory, which is what makes guessing dear.
_MEMORY_HARD = ("argon2", "scrypt", "strongroom")
_NOT_SHARED = ("django.core.cache.backends.locmem.LocMemCache", "django.core.cache.backends.dummy.DummyCache")


def register() -> None:
    """Have Django run these checks."""
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_middleware, checks.Tags.security)
    checks.register(check_backends, checks.Tags.security)
    checks.register(check_hasher, checks.Tags.security)


def check_settings(**_options: Any) -> list[checks.CheckMessage]:
    """``STRONGROOM = {"LOGIN": ...}`` is right (E120), and its cache is one that processes can share (W121)."""
    try:
        options = LoginSettings()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="strongroom.E120")]
    if options.cache is not None and settings.CACHES[options.cache].get("BACKEND") in _NOT_SHARED:
        said = f"the cache {options.cache!r} is not shared: each process counts attempts by itself, as without it"
        return [checks.Warning(said, hint="name one of Redis or memcached", id="strongroom.W121")]
    return []


def check_middleware(**_options: Any) -> list[checks.CheckMessage]:
    """Without the middleware a refused attempt is an error 500, and addresses are not known (E122)."""
    if any(_is_a(name, _MIDDLEWARE) for name in settings.MIDDLEWARE):
        return []
    said = "attempts over a limit would be errors of the server, and clients are not told apart"
    return [checks.Error(said, hint=f"add {_MIDDLEWARE} to MIDDLEWARE", id="strongroom.E122")]


def check_backends(**_options: Any) -> list[checks.CheckMessage]:
    """No second backend checks passwords: each costs another hash, and opens no vault (W123)."""
    ours = import_string(_BACKEND)
    return [
        checks.Warning(
            f"{name} checks passwords too: a wrong one costs a hash in each backend, and its log-ins open no vault",
            hint=f"let {_BACKEND} be the only one, or its subclass",
            id="strongroom.W123",
        )
        for name in settings.AUTHENTICATION_BACKENDS
        if issubclass(backend := import_string(name), ModelBackend)
        and not issubclass(backend, ours)
        and backend.authenticate is ModelBackend.authenticate
    ]


def check_hasher(**_options: Any) -> list[checks.CheckMessage]:
    """A vault is as hard to open as its password is to guess from the users' table (W124)."""
    hasher = get_hashers()[0]
    if hasher.algorithm in _MEMORY_HARD:
        return []
    said = f"passwords are stored with {hasher.algorithm}: a user's vault is no harder to open than to guess it there"
    hint = 'put "strongroom.django.hashers.StrongroomPasswordHasher" first in PASSWORD_HASHERS'
    return [checks.Warning(said, hint=hint, id="strongroom.W124")]


def _is_a(name: str, wanted: str) -> bool:
    if name == wanted:
        return True
    found, base = import_string(name), import_string(wanted)
    return isinstance(found, type) and issubclass(found, base)
