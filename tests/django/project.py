"""A Django project in this process: settings, and the tables of its apps in a file of SQLite's or on PostgreSQL."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from django import setup

APPS = ["django.contrib.contenttypes", "django.contrib.auth", "strongroom.django", "tests.django.shop"]


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
        MIGRATION_MODULES={"auth": None, "contenttypes": None},
        USE_TZ=True,
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
