"""A small site and its worker, as three Unix users run it: `web` hands over, `sync` works, both share a database.

    handing_over_site.py DATABASE VAULT VERB [WORD...]
"""

from __future__ import annotations

import os
import sys
from typing import Any


def fetch(credential: Any, handed: Any) -> str:
    """Stands for the service: it knows one password."""
    import strongroom

    given = credential["password"].reveal()
    if given != "correct-Horse-27":
        raise strongroom.CredentialRefused(f"no such login: {given}")
    return f"{len(credential)} fields for {handed.user.username}"


def configure(database: str, vault: str) -> None:
    """Django; the database is open to both users, and so to whoever has taken one of them over."""
    from django import setup
    from django.conf import settings

    os.umask(0)
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "strongroom.django.hand_over"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database, "OPTIONS": {"timeout": 60}}},
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STRONGROOM_HAND_OVER={"VAULT": vault, "FOLDER": "sites/one"},
        STRONGROOM_SYNC={"photos": "handing_over_site.fetch"},
    )
    setup()


def main(verb: str, *words: str) -> None:
    from django.core.management import execute_from_command_line

    if verb in ("sync_external", "migrate"):
        return execute_from_command_line(["manage.py", verb, *words])
    from django.contrib.auth.models import User

    from strongroom.django.hand_over import HandedOver, hand_over, withdraw

    if verb == "hand-over":
        user, _ = User.objects.get_or_create(username=words[0])
        password = sys.stdin.readline().rstrip("\n")
        print(hand_over(user, words[1], {"username": "dustin", "password": password}, service="photos").pk)
    elif verb == "withdraw":
        withdraw(HandedOver.objects.get(pk=words[0]))
    elif verb == "read":
        read(words[0])


def read(path: str) -> None:
    """With all that the site's own code can do: what becomes of each call."""
    from strongroom.django.hand_over import records
    from strongroom.errors import StrongroomError

    folder = path.rpartition("/")[0]
    for name, *words in (
        ("get", path), ("get", path, "password"), ("get_many", [path]), ("history", path), ("list", folder),
        ("walk", folder), ("patch", path, {"username": "x"}), ("destroy", path), ("delete", path), ("restore", path),
        ("move", path, f"{path}2"), ("settings", path),
    ):  # fmt: skip
        try:
            with records.open_vault() as vault:
                print(name, list(found) if isinstance(found := getattr(vault, name)(*words), list) else found)
        except StrongroomError as error:
            print(name, type(error).__name__)


if __name__ == "__main__":
    configure(*sys.argv[1:3])
    sys.modules["handing_over_site"] = sys.modules["__main__"]
    main(*sys.argv[3:])
