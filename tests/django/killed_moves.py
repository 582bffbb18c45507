"""Runs a migration in children that are killed at one statement after another; the keys are in a vault's file."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import strongroom
from tests.django import project

ROWS = 40
STEP = 9


def migrate(name: str) -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    MigrationExecutor(connection).migrate([("mover", name)])


def child(stop_at: int) -> None:
    """Migrate, and die by SIGKILL at the statement of that number."""
    from django.db import connection

    count = 0

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        if count == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        migrate("0002_encrypted")


def run_child(stop_at: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child(stop_at)
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def main(directory: Path) -> None:
    from django.conf import settings

    location, key_file = str(directory / "vault"), str(directory / "key")
    with strongroom.create(location, key_file=key_file) as vault:
        vault.keys.create("django")
    project.configure()
    settings.STRONGROOM = {"VAULT": location, "KEY_FILE": key_file}
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    migrate("0001_plain")
    apps = MigrationExecutor(connection).loader.project_state([("mover", "0001_plain")]).apps
    plain = apps.get_model("mover", "Note")
    plain.objects.bulk_create([plain(owner=n, text=f"text {n}", number=n) for n in range(ROWS)])
    connection.close()
    stop_at = 2
    while status := run_child(stop_at):
        assert os.WIFSIGNALED(status), "the migration failed"
        print("killed", stop_at)
        stop_at += STEP
    migrate("0003_key_and_index")
    from tests.django.mover.models import Note

    assert {(one.owner, one.text, one.number) for one in Note.objects.all()} == {
        (n, f"text {n}", n) for n in range(ROWS)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT text, number FROM mover_note")
        assert all(bytes(value).startswith(b"srf") for row in cursor.fetchall() for value in row)
    print(f"all {ROWS} rows are encrypted, as they were")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
