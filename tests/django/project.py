"""A Django project in this process: settings, and the tables of its apps in a file of SQLite's or on PostgreSQL."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django import setup
from django.conf import settings

APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.admin", "django.contrib.staticfiles", "rest_framework.authtoken",
    "strongroom.django", "strongroom.django.user_vaults",
    "tests.django.shop", "tests.django.mover",
    "tests.django.private",
    "strongroom.django.hand_over",
]  # fmt: skip
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = {
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}  # fmt: skip


def configure() -> None:
    """Set Django up, once in each process."""
    if settings.configured:
        return
    directory = Path(tempfile.mkdtemp(prefix="strongroom-django-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    settings.configure(
        INSTALLED_APPS=APPS,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "project.sqlite3")}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # Tables of apps with migrations come after the others, which refer to them here.
        MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "sessions", "admin", "authtoken")),
        USE_TZ=True,
        MIDDLEWARE=MIDDLEWARE,
        TEMPLATES=[TEMPLATES],
        ROOT_URLCONF="tests.django.urls",
        STATIC_URL="static/",
        ALLOWED_HOSTS=["testserver", "localhost"],
        DEFAULT_EXCEPTION_REPORTER="strongroom.django.reports.ExceptionReporter",
        SECRET_KEY="s" * 50,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    setup()


def make_tables(alias: str) -> None:
    """The tables of all apps."""
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, database=alias, verbosity=0)


def postgres_settings(role: Any) -> dict[str, Any]:
    """What Django says of a database in the tests' cluster."""
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": role.database, "USER": role.name,
        "HOST": str(role.cluster.root), "PORT": str(role.cluster.port),
    }  # fmt: skip
