"""The attacks on fields find each planted fault, say so in a table, and judge nothing else by it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
SECRET_KEY = "s" * 50
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nonexistent/never/touched"}}
"""
PLANTED = "tests.django.planted_fields"

# what is attacked: (attack: the beginning of what the table says of it)
FOUND = {
    f"{PLANTED}.FernetField": {
        "row swap": "BROKEN: decrypts", "column swap": "BROKEN: decrypts", "owner change": "BROKEN: decrypts",
        "tampering": "holds: raises InvalidToken", "wrong key": "holds: raises InvalidToken",
        "leftover plaintext": "holds: raises InvalidToken", "oracle": "holds", "falsy values": "holds",
        "expressions": "BROKEN: update(Upper) corrupts", "look-ups": "BROKEN: exact finds nothing",
        "plaintext at rest": "holds", "equal values": "holds", "SQL log": "holds", "dumpdata": "holds",
    },
    f"{PLANTED}.ForgivingField": {
        "tampering": "BROKEN: hands out the stored bytes", "leftover plaintext": "BROKEN: passes",
        "wrong key": "BROKEN: hands out the stored bytes, saves it encrypted again", "oracle": "holds",
    },
    f"{PLANTED}.SilentField": {"tampering": "BROKEN: None", "wrong key": "BROKEN: None"},
    f"{PLANTED}.TwiceField": {"oracle": "BROKEN: decrypts"},
    f"{PLANTED}.EmptyField": {"falsy values": "BROKEN: '' -> None"},
    f"{PLANTED}.EqualField": {
        "equal values": "BROKEN: look equal", "plaintext at rest": "BROKEN: base64", "dumpdata": "BROKEN: plaintext",
    },
    "django.db.models.IntegerField": {
        "row swap": "BROKEN: decrypts", "plaintext at rest": "BROKEN: plaintext", "SQL log": "BROKEN: holds the value",
        "falsy values": "holds", "look-ups": "holds", "expressions": "BROKEN: update(value) stores plaintext",
    },
}  # fmt: skip


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pytest with the plug-in, as a project runs it."""
    (directory / "attack_settings.py").write_text(SETTINGS)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{directory}", "DJANGO_SETTINGS_MODULE": "attack_settings"}
    pytest_command = [sys.executable, "-m", "pytest", "-p", "strongroom.testing.django_fields.plugin"]
    command = [*pytest_command, "-q", "--tb=no", "-n", "0", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """field -> attack -> what the table says."""
    fields = [argument for field in FOUND for argument in ("--attack-field", field)]
    done = run(tmp_path_factory.mktemp("attacks"), *fields, "--attack-other-key", f"{PLANTED}.other_key")
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[str, dict[str, str]] = {}
    for line in done.stdout.splitlines():
        if title := re.fullmatch(r"=+ attacks on (\S+) =+", line):
            rows = found.setdefault(title[1], {})
        elif found and (row := re.fullmatch(r"([\w -]+?)  +((?:BROKEN|holds): .*)", line)):
            rows[row[1]] = row[2]
    return found


@pytest.mark.parametrize("field", FOUND)
def test_the_table_says_what_was_planted(field: str, tables: dict[str, dict[str, str]]) -> None:
    """Each fault by its word; what is sound holds."""
    said = {attack: tables[field][attack][: len(word)] for attack, word in FOUND[field].items()}
    assert said == FOUND[field]


def test_every_attack_is_in_every_table(tables: dict[str, dict[str, str]]) -> None:
    """None is left out quietly."""
    assert {field: len(rows) for field, rows in tables.items()} == dict.fromkeys(FOUND, 14)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("django.db.models.NoField", "no django.db.models.NoField"),
        ("django.db.models.TextField:colour", "no kind 'colour'"),
    ],
)
def test_a_field_that_cannot_be_attacked_is_a_usage_error(argument: str, says: str, tmp_path: Path) -> None:
    """Before any test runs."""
    done = run(tmp_path, "--attack-field", argument)
    assert done.returncode == 4, done.stdout
    assert says in done.stdout + done.stderr


def test_without_another_key_its_attack_is_skipped(tmp_path: Path) -> None:
    """And says what to do."""
    done = run(tmp_path, "--attack-field", "django.db.models.TextField", "-k", "wrong_key", "-rs")
    assert "1 skipped" in done.stdout
    assert "override other_key()" in done.stdout
