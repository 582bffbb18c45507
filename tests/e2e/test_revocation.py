"""New keys, told in commands: how far it is, interrupted and gone on with, and what an old copy still gives."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

import strongroom
from tests.e2e.conftest import Machine

ITEMS = 1_500


@pytest.fixture
def full(keyed: Machine) -> Machine:
    """A vault whose rotation takes a second."""
    with strongroom.open(keyed.vault, key_file=keyed.key, use_agent=False) as vault:
        vault.anchor = None
        vault.set_many({f"many/{number}": {"password": str(number)} for number in range(ITEMS)})
    return keyed


def data_keys(machine: Machine) -> int:
    return int(json.loads(machine.run("status", "--json").out)["data_keys"])


def test_how_far_a_rotation_is(full: Machine) -> None:
    """A terminal shows it in one line, which is gone at the end; nobody else is shown anything."""
    with full.at_terminal("rotate") as person:
        person.sees("strongroom: re-encrypted ").sees(" % (").sees(f" of {2 * ITEMS // 1000},")
        person.sees("under a new key and destroyed the old one")
        assert person.ends() == 0
    done = full.run("rotate")
    assert done.code == 0
    assert "%" not in done.err


def test_how_far_verifying_is(full: Machine, tmp_path: Path) -> None:
    """In one line as well, of a vault and of a backup; a pipe is shown nothing."""
    backup = str(tmp_path / "backup.db")
    assert full.run("backup", backup).code == 0
    for words in (("verify",), ("backup", "--check", backup)):
        with full.at_terminal(*words) as person:
            person.sees("strongroom: verified ").sees(" % (").sees(" of ")
            person.sees("as it was written" if words == ("verify",) else "is whole")
            assert person.ends() == 0
        assert "%" not in full.run(*words).err


def test_an_interrupted_rotation(full: Machine) -> None:
    """Ctrl-C ends it; everything reads and is written to meanwhile, and the next `rotate` ends it."""
    with full.at_terminal("rotate", "--root") as person:
        person.sees(" % (").types("\x03")
        person.sees("hint: what was done stays done; go on with: strongroom rotate")
        assert person.ends() == -signal.SIGINT
    assert data_keys(full) == 2
    assert full.run("get", f"many/{ITEMS - 1}").out == str(ITEMS - 1).encode()
    assert full.run("set", "between", "n=1").code == 0
    assert full.run("verify").code == 0
    done = full.run("rotate")
    assert (done.code, "destroyed the old one" in done.err) == (0, True)
    assert data_keys(full) == 1
    status = json.loads(full.run("status", "--json").out)
    assert status["epoch"] == 2
    assert full.run("verify").code == 0


def test_what_an_old_copy_still_gives(keyed: Machine) -> None:
    """`slot remove` and `slot change` say it in one sentence each."""
    keyed.run("slot", "add", "key-file", "second")
    (_, second) = json.loads(keyed.run("slot", "list", "--json").out)
    done = keyed.run("slot", "change", second["id"][:8], "third")
    assert done.code == 0
    assert "; an old copy of the vault still opens as before\n" in done.err
    assert "hint: this is no revocation" in done.err
    done = keyed.run("slot", "remove", second["id"][:8], "--yes")
    assert done.code == 0
    assert "it opens nothing that is written from now on\n" in done.err
    assert "hint: an old copy of the vault still opens with it, and shows what it held then" in done.err
    assert keyed.run("get", "a", "--key-file", "third").code == 6
