"""A vault moves: told in commands, with two machines, an attempt that was ended in between, and what is in the way."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Machine
from tests.e2e.test_rollback import Other


@pytest.fixture
def new(keyed: Machine) -> Path:
    """Where the vault moves to."""
    return keyed.home / "new" / "vault.db"


def test_a_vault_moves(keyed: Machine, new: Path) -> None:
    """The new place has everything, this machine uses it from then on, and the old one is refused and unchanged."""
    keyed.run("set", "bank", "user=dustin")
    keyed.run("set", "bank", "user=martha")
    done = keyed.run("copy", str(keyed.vault), str(new), "--yes")
    assert (done.code, done.out) == (0, b"")
    assert f"copied {keyed.vault} to {new}: 1 item, 2 versions, 4 audit entries, verified" in done.err
    assert keyed.run("get", "bank", "--vault", str(new)).out == b"martha"
    assert keyed.run("get", "bank", "--version", "1", "--vault", str(new)).out == b"dustin"
    assert keyed.run("verify", "--vault", str(new)).code == 0
    assert oct(new.stat().st_mode & 0o777) == "0o600"
    done = keyed.run("set", "bank", "user=lost")
    assert done.code == 7
    assert "which a restored backup or a copy has replaced" in done.err


def test_another_machine_accepts_it_once(keyed: Machine, new: Path) -> None:
    """It goes on with the old place until it is given the new one."""
    other = Other(keyed)
    assert other.run("ls").code == 0
    keyed.run("copy", str(keyed.vault), str(new), "--yes")
    assert other.run("ls").code == 0
    refused = other.run("ls", "--vault", str(new))
    assert refused.code == 7
    assert "is a restored backup or a copy" in refused.err
    assert other.run("status", "--accept-lineage", "--yes", "--vault", str(new)).code == 0
    assert other.run("ls", "--vault", str(new)).code == 0
    assert other.run("ls").code == 7


def test_it_is_asked_first(keyed: Machine, new: Path) -> None:
    """Without a terminal and without --yes nothing happens."""
    done = keyed.run("copy", str(keyed.vault), str(new))
    assert done.code == 8
    assert not new.exists()


def test_killed_and_taken_up_again(keyed: Machine, new: Path) -> None:
    """After kill -9 the place is no vault, and says what to do; the same command finishes it."""
    keyed.run("set", "a", "n=1")
    new.parent.mkdir(mode=0o700)
    program = (
        "import os, signal, sys\n"
        "from strongroom.vault import copying\n"
        "copying._Transfer.finish = lambda *_given: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from strongroom.doors import cli\n"
        "cli.main()\n"
    )
    words = ["copy", str(keyed.vault), str(new), "--yes"]
    killed = subprocess.run(
        [sys.executable, "-c", program, *words], env=keyed.environment, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with closing(sqlite3.connect(new)) as connection:
        assert connection.execute("SELECT count(*) FROM versions").fetchone() == (1,)
    done = keyed.run("get", "a", "--vault", str(new))
    assert done.code == 4
    assert "was not finished" in done.err
    assert "hint: finish it: strongroom copy" in done.err
    assert keyed.run("init", "--vault", str(new), "--key-file", str(keyed.home / "other.key")).code == 10
    keyed.run("set", "a", "n=2")
    assert keyed.run(*words).code == 0
    assert keyed.run("get", "a", "--vault", str(new)).out == b"2"


def test_json(keyed: Machine, new: Path) -> None:
    """The same in numbers."""
    shown = json.loads(keyed.run("copy", str(keyed.vault), str(new), "--yes", "--json").out)
    assert shown["source"] == str(keyed.vault)
    assert shown["vault"] == str(new)
    assert (shown["items"], shown["commit_counter"]) == (0, 2)
    assert len(shown["lineage"]) == 32


def _another_vault(machine: Machine, place: Path) -> None:
    done = machine.run("init", "--vault", str(place), "--key-file", str(machine.home / "new.key"))
    assert done.code == 0


def _a_text(_machine: Machine, place: Path) -> None:
    place.write_text("precious")
    place.chmod(0o600)


def _a_directory(_machine: Machine, place: Path) -> None:
    place.mkdir(mode=0o700)


IN_THE_WAY = {"another vault": (_another_vault, 10), "a text": (_a_text, 10), "a directory": (_a_directory, 9)}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_something_lies_there(keyed: Machine, new: Path, what: str) -> None:
    """It is not touched, and the vault goes on."""
    plant, code = IN_THE_WAY[what]
    new.parent.mkdir(mode=0o700)
    plant(keyed, new)
    before = new.read_bytes() if new.is_file() else b""
    done = keyed.run("copy", str(keyed.vault), str(new), "--yes")
    assert done.code == code, done
    assert before == (new.read_bytes() if new.is_file() else b"")
    assert keyed.run("ls").code == 0


# words: exit code, what is said
WRONG = {
    "copy {vault}": (2, "copy needs TARGET"),
    "copy {vault} {vault} --yes": (2, "the same place"),
    "copy {vault} {new} --vault {vault} --yes": (2, "takes no --vault"),
    "copy {home}/absent.db {new} --yes": (4, "there is no vault"),
    "copy {vault} nobody:there --yes": (2, "nothing serves nobody:"),
    "copy {vault} {new} --key-file {home}/absent.key --yes": (4, "absent.key"),
}


@pytest.mark.parametrize("words", WRONG)
def test_used_wrongly(keyed: Machine, new: Path, words: str) -> None:
    """One line, and nothing is there afterwards."""
    code, said = WRONG[words]
    filled = [word.format(vault=keyed.vault, home=keyed.home, new=new) for word in words.split()]
    done = keyed.run(*filled)
    assert done.code == code, done
    assert said in done.err
    assert not new.exists()
