"""A site with user vaults, in this process: its settings, its users, and what a thief of its servers has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

KDF = {"algorithm": "argon2id", "memory_kib": 19_456, "iterations": 1}
STRONGER = {"algorithm": "argon2id", "memory_kib": 19_456, "iterations": 2}
MANY = (100_000, 1)
LIMITS = {"PER_CLIENT": MANY, "PER_NAME": MANY, "PER_CLIENT_AND_NAME": MANY, "PER_DEVICE": MANY}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "strongroom.django.user_vaults.middleware.UserVaultMiddleware",
]
PASSWORD, NEW = "velvet quarter 9317", "copper lantern 4410"
SECRET = "canary-hunter2-canary"
COOKIE = "__Host-strongroom_key"


def options(**more: Any) -> dict[str, Any]:
    """The settings of strongroom, with derivations that are quick."""
    return {"USER_VAULT_KDF": dict(KDF), "LOGIN": dict(LIMITS), **more}


@contextmanager
def settings(**more: Any) -> Iterator[None]:
    """The settings of the site."""
    from django.test import override_settings

    with override_settings(
        MIDDLEWARE=MIDDLEWARE,
        ROOT_URLCONF="tests.django.vault_urls",
        AUTHENTICATION_BACKENDS=["strongroom.django.user_vaults.backends.UserVaultBackend"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/login/",
        LOGIN_REDIRECT_URL="/state/",
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "vaults"}},
        **{"STRONGROOM": options(), **more},
    ):
        yield


def browser() -> Any:
    """A browser that shows what goes wrong on the site."""
    from django.test import Client

    return Client(headers={"accept": "text/html"})


def log_in(client: Any, name: str = "ann", password: str = PASSWORD) -> Any:
    """Fill in the log-in page."""
    answer = client.post("/login/", {"username": name, "password": password})
    assert answer.status_code == 302, answer.content
    return client


def new_login(client: Any, password: str = SECRET, label: str = "bank") -> str:
    """Store a password on the site; its row's key."""
    answer = client.post("/add/", {"label": label, "password": password})
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def code_of(answer: Any) -> str:
    """The recovery code that a page shows; empty when it shows none."""
    found = re.search(r"<output>([0-9A-Z-]{39})</output>", answer.content.decode())
    return found[1] if found else ""


def leads_to_unlock(answer: Any) -> bool:
    """Whether an answer is the way to the page that unlocks."""
    return answer.status_code == 302 and str(answer["Location"]).startswith("/vault/unlock/?next=")
