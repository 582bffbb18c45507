"""Several workers at once, as processes, on both databases; and one that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.django import project
from tests.django.hand_over.many_workers import ACCOUNTS

SCRIPT = Path(__file__).with_name("many_workers.py")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_nobody_does_an_account_twice(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Four workers share what is due; what one held when it was killed is done once its claim has ended."""
    if kind == "postgres":
        role = request.getfixturevalue("postgres").new_schema()
        database: dict[str, Any] = project.postgres_settings(role)
    else:
        database = {
            "ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "site.sqlite3"),
            "OPTIONS": {"timeout": 60, "transaction_mode": "IMMEDIATE"},
        }  # fmt: skip
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(home)], input=json.dumps(database), capture_output=True, text=True,
        timeout=240, env={**os.environ, "HOME": str(home)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["names"] == sorted(f"account {number}" for number in range(ACCOUNTS))
    assert report["active"] == ACCOUNTS
    assert report["after the kill"] == ["nothing was due", "1 active", "active"]
