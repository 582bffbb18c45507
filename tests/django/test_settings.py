"""SECRET_KEY and its fallbacks out of a vault, in settings modules as projects write them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import strongroom
from strongroom import errors
from strongroom.django.settings import fallbacks, secret
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

NOW = datetime.now(UTC)
ITEM = "django/settings"


class Clock:
    """The vault's clock, so many days ago."""

    days = 0.0

    def __call__(self) -> int:
        return int((NOW - timedelta(days=self.days)).timestamp() * 1e6)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(clock: Clock) -> Iterator[Vault]:
    with create_vault(MemoryStore(), [new_key_file()], author="tester", clock_us=clock) as vault:
        yield vault


def rotate(vault: Vault, clock: Clock, *, days: float, value: str) -> None:
    """Store *value*, so many days ago."""
    clock.days = days
    vault.patch(ITEM, {"SECRET_KEY": value}, create=True)


def test_a_value_is_read(vault: Vault) -> None:
    """Of the usual item, or of another; JSON and bytes are no text that a settings module asked for."""
    vault.set(ITEM, {"SECRET_KEY": "first", "empty": "", "key": b"\xff"})
    vault.set("shop/database", {"password": "pw"})
    assert secret("SECRET_KEY", vault=vault) == "first"
    assert secret("password", item="shop/database", vault=vault) == "pw"
    with pytest.raises(ValueError, match="is not text"):
        secret("key", vault=vault)
    with pytest.raises(errors.NotFound, match="is empty"):
        secret("empty", vault=vault)


def test_what_is_missing_is_an_error_with_a_command(vault: Vault) -> None:
    """Never an empty string, and never a default."""
    with pytest.raises(errors.NotFound) as caught:
        secret("SECRET_KEY", vault=vault)
    assert "strongroom set django/settings SECRET_KEY" in caught.value.__notes__[0]
    with pytest.raises(errors.NotFound):
        fallbacks("SECRET_KEY", vault=vault)


def test_a_value_that_was_replaced_lately_is_a_fallback(vault: Vault, clock: Clock) -> None:
    """Newest first; what was replaced longer ago than that is forgotten."""
    for days, value in ((60, "a"), (30, "b"), (10, "c"), (3, "d"), (0, "e")):
        rotate(vault, clock, days=days, value=value)
    assert fallbacks("SECRET_KEY", vault=vault) == ["d", "c", "b"]
    assert fallbacks("SECRET_KEY", vault=vault, kept=timedelta(days=5)) == ["d", "c"]
    assert fallbacks("SECRET_KEY", vault=vault, kept=timedelta(0)) == []
    assert fallbacks("SECRET_KEY", vault=vault, kept=timedelta(days=90)) == ["d", "c", "b", "a"]


def test_a_change_of_another_field_is_no_rotation(vault: Vault, clock: Clock) -> None:
    """Equal values count once, and the current one not at all, although it is also in older versions."""
    rotate(vault, clock, days=9, value="a")
    rotate(vault, clock, days=8, value="b")
    clock.days = 7
    for number in range(3):
        vault.patch(ITEM, {"OTHER": str(number)})
    assert fallbacks("SECRET_KEY", vault=vault) == ["a"]
    assert fallbacks("OTHER", vault=vault) == ["1", "0"]


def test_a_deleted_version_is_no_fallback(vault: Vault, clock: Clock) -> None:
    """A key that leaked is deleted or destroyed, and counts no longer."""
    for number, value in enumerate("abcd"):
        rotate(vault, clock, days=9 - number, value=value)
    vault.delete(ITEM, versions=[3])
    vault.destroy(ITEM, versions=[1])
    assert fallbacks("SECRET_KEY", vault=vault) == ["b"]


SETTINGS = """
from strongroom.django import fallbacks, secret

SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = fallbacks("SECRET_KEY")
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
# Signs with what the settings say, or checks what was signed before.
SIGN = "from django.core import signing; print(signing.dumps({'user': 7}))"
CHECK = "import sys; from django.core import signing; print(signing.loads(sys.argv[1]))"


class Project:
    """A settings module, a vault and a key file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.chmod(0o700)
        (root / "project_settings.py").write_text(SETTINGS)
        self.vault = strongroom.create(str(root / "vault.db"), key_file=str(root / "key"))
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": str(root), "PYTHONPATH": str(root),
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "STRONGROOM_VAULT": str(root / "vault.db"), "STRONGROOM_KEY_FILE": str(root / "key"),
        }  # fmt: skip

    def run(self, code: str, *arguments: str, key: bool = True) -> subprocess.CompletedProcess[str]:
        """A process of the project."""
        environment = {name: value for name, value in self.environment.items() if key or name != "STRONGROOM_KEY_FILE"}
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", f"import django; django.setup(); {code}", *arguments],
            env=environment, cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
        )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    with project.vault:
        yield project


def test_what_was_signed_before_a_rotation_still_counts(project: Project) -> None:
    """Until the old value is deleted; the new value signs."""
    project.vault.set(ITEM, {"SECRET_KEY": "first-" * 10})
    signed = project.run(SIGN).stdout.strip()
    project.vault.patch(ITEM, {"SECRET_KEY": "second-" * 10})
    assert project.run(CHECK, signed).stdout == "{'user': 7}\n"
    again = project.run(SIGN).stdout.strip()
    project.vault.delete(ITEM, versions=[1])
    assert "BadSignature" in project.run(CHECK, signed).stderr
    assert project.run(CHECK, again).stdout == "{'user': 7}\n"


def test_a_project_without_its_secret_does_not_start(project: Project) -> None:
    """It names the command; no key to open the vault with names that too, and no value is in either message."""
    done = project.run("print('started')")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no item django/settings" in done.stderr
    assert "strongroom set django/settings SECRET_KEY" in done.stderr
    project.vault.set(ITEM, {"SECRET_KEY": "velvet-9317"})
    done = project.run("print('started')", key=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "WouldPrompt" in done.stderr
    assert "velvet" not in done.stderr
