"""A site and several of its workers, each a process: run by the tests on SQLite and PostgreSQL.

    many_workers.py DIRECTORY      the database's settings are JSON on standard input
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import strongroom

ACCOUNTS, WORKERS = 24, 4
PATIENCE_SECONDS = 60


def configure(directory: Path, database: dict[str, Any]) -> None:
    """Django, its tables and the vault."""
    from django import setup
    from django.conf import settings
    from django.core.management import call_command

    os.environ["STRONGROOM_KEY_FILE"] = str(directory / "key")
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "strongroom.django.hand_over"],
        DATABASES={"default": database},
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STRONGROOM_HAND_OVER={"VAULT": str(directory / "vault.db")},
    )
    setup()
    call_command("migrate", verbosity=0)
    strongroom.create(directory / "vault.db", key_file=directory / "key").lock()


def work(function: Any, *, later: timedelta = timedelta(0)) -> str:
    """One round."""
    from django.utils import timezone

    from strongroom.django.hand_over import Worker
    from strongroom.django.hand_over.connectors import Connector
    from strongroom.django.hand_over.records import open_vault

    with open_vault() as vault:
        worker = Worker(vault, {"photos": Connector("photos", function)}, now=lambda: timezone.now() + later)
        return str(worker.round())


def child(function: Any) -> int:
    """A worker of its own, which begins at once."""
    from django.db import connections

    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work(function)
        code = 0
    finally:
        os._exit(code)


def share(directory: Path) -> list[str]:
    """What the connectors of all workers have seen."""
    log = os.open(directory / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def connect(_credential: Any, handed: Any) -> str:
        os.write(log, f"{handed.name} {os.getpid()}\n".encode())
        return "fine"

    workers = [child(connect) for _ in range(WORKERS)]
    codes = [os.waitpid(pid, 0)[1] for pid in workers]
    assert codes == [0] * WORKERS, codes
    return (directory / "log").read_text().splitlines()


def kill_one() -> list[str]:
    """A worker is killed in the middle of a sync; what the rounds after it do."""
    from strongroom.django.hand_over import HandedOver

    reading, writing = os.pipe()

    def hang(_credential: Any, _handed: Any) -> str:
        os.write(writing, b"!")
        while True:
            signal.pause()

    HandedOver.objects.exclude(name="account 0").update(next_sync=None)
    row = HandedOver.objects.get(name="account 0")
    HandedOver.objects.filter(pk=row.pk).update(next_sync=row.created)
    pid = child(hang)
    assert select.select([reading], [], [], PATIENCE_SECONDS)[0], "the worker does not begin"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    fine = lambda _credential, _handed: "fine"  # noqa: E731
    return [work(fine), work(fine, later=timedelta(hours=1)), HandedOver.objects.get(pk=row.pk).state]


def main(directory: Path) -> None:
    configure(directory, json.load(sys.stdin))
    from django.contrib.auth.models import User

    from strongroom.django.hand_over import HandedOver, hand_over

    user = User.objects.create(username="ann")
    for number in range(ACCOUNTS):
        hand_over(user, f"account {number}", {"password": "x"}, service="photos")
    seen = share(directory)
    report = {
        "names": sorted(line.rpartition(" ")[0] for line in seen),
        "workers": len({line.rpartition(" ")[2] for line in seen}),
        "active": HandedOver.objects.filter(state="active", claim=None, last_result="fine").count(),
        "after the kill": kill_one(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
