"""Opens the keys in a parent, as a server does that loads the program before it forks, and writes in its children."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import strongroom
from tests.django import project

CHILDREN = 3
ROWS = 60
ALONE = 3


def write(name: str) -> None:
    """Many rows in one statement, and some one by one; then what everybody else wrote is read."""
    from tests.django.shop.models import Left

    Left.objects.bulk_create([Left(secret=f"{name} {number}") for number in range(ROWS)])
    for number in range(ALONE):
        Left.objects.create(secret=f"{name} alone {number}")
    assert Left.objects.get(secret="parent 0").secret == "parent 0"
    assert all(one.secret for one in Left.objects.all())


def child(number: int, rotated: int) -> None:
    from strongroom.django.keys import field_keys

    write(f"child {number} before")
    assert os.read(rotated, 1) == b"."
    # A minute later the key is read again, through the vault that the parent opened.
    field_keys()._key._state.loaded -= 61
    write(f"child {number} after")


def run_child(number: int, rotated: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child(number, rotated)
            code = 0
        except BaseException as error:
            print(f"child {number}: {error!r}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return pid


def stored() -> list[bytes]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM shop_left")
        return [bytes(row[0]) for row in cursor.fetchall()]


def main(directory: Path) -> None:
    from django.conf import settings

    location, key_file = str(directory / "vault"), str(directory / "key")
    with strongroom.create(location, key_file=key_file) as vault:
        vault.keys.create("django")
    project.configure()
    settings.STRONGROOM = {"VAULT": location, "KEY_FILE": key_file}
    from django.db import connection

    database: dict[str, Any] = settings.DATABASES["default"]
    # Writers wait for one another.
    database.setdefault("OPTIONS", {}).update(timeout=120, transaction_mode="IMMEDIATE")
    project.make_tables("default")
    write("parent")
    connection.close()
    read, rotate = os.pipe()
    children = [run_child(number, read) for number in range(CHILDREN)]
    with strongroom.open(location, key_file=key_file) as vault:
        vault.keys["django"].rotate()
    os.write(rotate, b"." * CHILDREN)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * CHILDREN
    write("parent again")
    messages = stored()
    heads = 24  # magic, version and blind index
    versions = [int.from_bytes(one[4:8], "big") for one in messages]
    nonces = {(one[4:8], one[heads : heads + 13]) for one in messages}
    print(
        f"{len(messages)} values, {len(nonces)} nonces, {versions.count(1)} and {versions.count(2)} under each version"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
