"""Without what Windows does not have: all can be imported, a key file opens a vault, and what cannot be had says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.doors.cli.commands import VERBS
from tests.e2e.conftest import PATIENCE_SECONDS, Done

TYPED = b"tea with nine blue elephants\n"
HIDING = Path(__file__).resolve().parents[1] / "windows_like.py"

IMPORT_ALL = """
import importlib, pkgutil
from pathlib import Path
import django
from django.conf import settings
import strongroom.django
below = strongroom.django.__path__
apps = [f"strongroom.django.{file.parent.name}" for file in Path(below[0]).glob("*/models.py")]
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "strongroom.django", *apps])
django.setup()
import strongroom
names = [one.name for one in pkgutil.walk_packages(strongroom.__path__, "strongroom.")]
assert len(names) > 300, len(names)
failed = []
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{name}: {error!r}")
for name in strongroom.__all__:
    getattr(strongroom, name)
print("\\n".join(failed))
"""

EVERY_HELP = """
import sys
from strongroom.doors.cli.commands import VERBS
from strongroom.doors.cli.running import run
for verb in VERBS:
    assert run([verb, "--help"]) == 0, verb
assert run(["help"]) == 0
"""

COMMAND = """
import sys
from strongroom.doors.cli import main
main(sys.argv[1:])
"""


class Profile:
    """A user's profile directory, and a process that believes it is on Windows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "Users" / "dustin"
        self.local = self.home / "AppData" / "Local"
        self.local.mkdir(parents=True, mode=0o700)

    def python(self, script: str, *words: str, stdin: bytes = b"", **variables: str) -> Done:
        file = self.root / "script.py"
        file.write_text(script)
        environment = {"USERPROFILE": str(self.home), "LOCALAPPDATA": str(self.local), **variables}
        done = subprocess.run(
            [sys.executable, "-P", str(HIDING), str(file), *words],
            input=stdin, capture_output=True, env=environment, cwd=self.home, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def strongroom(self, *words: str, stdin: bytes = b"", **variables: str) -> Done:
        return self.python(COMMAND, *words, stdin=stdin, **variables)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path)


def test_every_module_can_be_imported(profile: Profile) -> None:
    """No module of the package needs at import what Windows does not have."""
    done = profile.python(IMPORT_ALL)
    assert (done.code, done.text.strip()) == (0, ""), done


def test_every_command_explains_itself(profile: Profile) -> None:
    """``--help`` of each verb, and the overview."""
    done = profile.python(EVERY_HELP)
    assert done.code == 0, done
    assert all(f"usage: strongroom {verb} [options]" in done.text for verb in VERBS)


def test_hiding_hides(profile: Profile) -> None:
    """The detector, over modules and names that are not to be had."""
    done = profile.python("import fcntl")
    assert "No module named 'fcntl'" in done.err
    done = profile.python("from _socket import AF_UNIX")
    assert "cannot import name 'AF_UNIX'" in done.err
    done = profile.python("import os, sys; print(hasattr(os, 'geteuid'), sys.platform, os.name)")
    assert done.text == "False win32 nt\n"


def test_a_job_with_a_key_file(profile: Profile) -> None:
    """What the Task Scheduler recipe does: a vault and a key file in the profile, no terminal, no agent."""
    key = profile.local / "strongroom" / "job.key"
    key.parent.mkdir()
    done = profile.strongroom("init", "--key-file", str(key))
    assert done.code == 0, done
    assert (profile.local / "strongroom" / "vault.db").exists()
    words = ("set", "bank/checking", "username=dustin", "password")
    done = profile.strongroom(*words, stdin=b"hunter2\n", STRONGROOM_KEY_FILE=str(key))
    assert done.code == 0, done
    done = profile.strongroom("get", "bank/checking", "password", STRONGROOM_KEY_FILE=str(key))
    assert (done.code, done.text) == (0, "hunter2"), done
    for others in (["ls"], ["log", "bank/checking"], ["verify"], ["status"], ["slot", "list"]):
        done = profile.strongroom(*others, STRONGROOM_KEY_FILE=str(key))
        assert (done.code, done.err.count("unexpected")) == (0, 0), (others, done)


def test_a_passphrase_from_a_pipe(profile: Profile) -> None:
    """A prompt needs a terminal of Unix; a descriptor does not."""
    assert profile.strongroom("init", "--passphrase", stdin=TYPED).code == 0
    done = profile.strongroom("ls", "--passphrase-fd", "0", stdin=TYPED)
    assert done.code == 0, done
    done = profile.strongroom("ls", "--passphrase-fd", "0", stdin=b"tea with ten blue elephants\n")
    assert done.code == 6, done
    done = profile.strongroom("ls")
    assert done.code == 8, done


def test_what_lies_outside_the_profile_is_refused(profile: Profile) -> None:
    """Nobody can say who else may write there: exit 9, for a vault and for a key file, and without a profile."""
    public = profile.root / "Users" / "Public"
    public.mkdir()
    done = profile.strongroom("--vault", str(public / "vault.db"), "init", "--passphrase", stdin=TYPED)
    assert done.code == 9, done
    assert "cannot be checked on this system" in done.err
    assert not list(public.iterdir())
    done = profile.strongroom("init", "--key-file", str(public / "job.key"))
    assert done.code == 9, done
    assert not list(public.iterdir())
    (profile.home / "link").symlink_to(public)
    done = profile.strongroom("init", "--key-file", str(profile.home / "link" / "job.key"))
    assert done.code == 9, done
    done = profile.strongroom("init", "--key-file", str(profile.local / "job.key"), USERPROFILE="")
    assert done.code == 9, done


def test_an_agent_is_not_to_be_had(profile: Profile) -> None:
    """One sentence and what to do instead; those that ask about it say that there is none."""
    key = profile.local / "job.key"
    assert profile.strongroom("init", "--key-file", str(key)).code == 0
    for words in (["unlock"], ["agent"]):
        done = profile.strongroom(*words, STRONGROOM_KEY_FILE=str(key))
        assert done.code == 15, done
        assert "agents need Unix sockets" in done.err
        assert "STRONGROOM_KEY_FILE" in done.err
    assert "none runs" in profile.strongroom("agent", "status").text
    assert "no agent runs" in profile.strongroom("lock").err


def test_the_doctor_comes_to_an_end(profile: Profile) -> None:
    """It looks at whatever there is to look at."""
    key = profile.local / "job.key"
    assert profile.strongroom("init", "--key-file", str(key)).code == 0
    done = profile.strongroom("doctor", STRONGROOM_KEY_FILE=str(key))
    assert done.code != 1, done
