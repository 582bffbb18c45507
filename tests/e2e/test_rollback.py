"""Two machines share a vault file, told in commands: an older copy, a restored backup, no anchor, a damaged one."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.e2e.conftest import Done, Machine


class Other:
    """A second machine: another home, the same file."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        home = machine.root / "other"
        home.mkdir(mode=0o700)
        self.environment = {
            **machine.environment,
            "HOME": str(home),
            "STRONGROOM_VAULT": str(machine.vault),
        }

    def run(self, *words: str) -> Done:
        return self.machine.run(*words, environment=self.environment)


@pytest.fixture
def other(keyed: Machine) -> Other:
    return Other(keyed)


def test_an_older_copy_is_exit_7(keyed: Machine, other: Other) -> None:
    """On every machine that has seen newer commits, for reads and writes alike; the newest copy opens again."""
    keyed.run("set", "a", "n=1")
    old = shutil.copy(keyed.vault, keyed.home / "old.db")
    keyed.run("set", "a", "n=2")
    assert other.run("get", "a").out == b"2"
    newest = shutil.copy(keyed.vault, keyed.home / "newest.db")
    shutil.copy(old, keyed.vault)
    assert keyed.run("verify").text.startswith("rolled back: ")
    for done in (keyed.run("get", "a"), other.run("get", "a"), keyed.run("set", "a", "n=3")):
        assert (done.code, done.out) == (7, b"")
        assert "at commit 2, and commit 3 was seen on this machine" in done.err
        assert "hint: put the newest copy back" in done.err
    shutil.copy(newest, keyed.vault)
    assert keyed.run("get", "a").out == b"2"


def test_a_restored_backup_on_two_machines(keyed: Machine, other: Other) -> None:
    """It opens where it was restored; elsewhere it takes a yes, once."""
    keyed.run("set", "a", "n=1")
    backup = str(keyed.home / "backup.db")
    done = keyed.run("backup", backup)
    assert f"wrote {backup}, which holds commit 2" in done.err
    keyed.run("set", "a", "n=2")
    assert other.run("get", "a").out == b"2"
    restored = json.loads(keyed.run("restore-backup", backup, "--yes", "--json").out)
    assert (restored["backup_commit_counter"], restored["commit_counter"]) == (2, 3)
    assert keyed.run("get", "a").out == b"1"

    done = other.run("get", "a")
    assert (done.code, done.out) == (7, b"")
    assert "hint: if it was restored or copied on purpose, elsewhere: strongroom status --accept-lineage" in done.err
    assert other.run("status", "--accept-lineage").code == 8
    assert other.run("get", "a").code == 7
    done = other.run("status", "--accept-lineage", "--yes", "--json")
    assert done.code == 0
    assert json.loads(done.out)["lineage"] == restored["lineage"]
    assert other.run("get", "a").out == b"1"
    assert "no new lineage to accept" in other.run("status", "--accept-lineage").err

    # The vault that was replaced stays replaced, on both.
    shutil.copy(restored["kept"], keyed.vault)
    for done in (keyed.run("get", "a"), other.run("status", "--accept-lineage", "--yes")):
        assert done.code == 7
        assert "which a restored backup or a copy has replaced" in done.err


def test_accepting_on_a_terminal(keyed: Machine, other: Other) -> None:
    """A person is asked, and no means no."""
    backup = str(keyed.home / "backup.db")
    keyed.run("backup", backup)
    assert other.run("ls").code == 0
    keyed.run("restore-backup", backup, "--yes")
    with keyed.at_terminal("status", "--accept-lineage", environment=other.environment) as person:
        person.sees("Believe lineage").types("n")
        assert person.ends() == 7
    with keyed.at_terminal("status", "--accept-lineage", environment=other.environment) as person:
        person.sees("Believe lineage").types("y")
        person.sees("accepted lineage")
        assert person.ends() == 0
    assert other.run("ls").code == 0


def test_the_commit_that_must_be_there(keyed: Machine) -> None:
    """--expect-counter for machines without an anchor: before or after the verb, also for backups."""
    keyed.run("set", "a", "n=1")
    assert json.loads(keyed.run("status", "--json").out)["commit_counter"] == 2
    assert keyed.run("--expect-counter", "2", "get", "a").out == b"1"
    done = keyed.run("get", "a", "--expect-counter=3")
    assert (done.code, done.out) == (7, b"")
    assert "commit 3 was expected" in done.err
    assert keyed.run("get", "a", "--expect-counter", "x").code == 2
    backup = str(keyed.home / "backup.db")
    keyed.run("backup", backup)
    assert keyed.run("backup", "--check", backup, "--expect-counter", "2").code == 0
    assert keyed.run("backup", "--check", backup, "--expect-counter", "3").code == 7
    before = keyed.vault.read_bytes()
    assert keyed.run("restore-backup", backup, "--yes", "--expect-counter", "3").code == 7
    assert keyed.vault.read_bytes() == before


def test_a_machine_that_keeps_no_anchor(keyed: Machine) -> None:
    """Everything works, and a note says what is not guarded; who names the counter is not told."""
    keyed.environment["XDG_STATE_HOME"] = "/dev/null/state"
    done = keyed.run("set", "a", "n=1")
    assert done.code == 0
    assert done.err.count("no anchor can be kept") == 1
    done = keyed.run("get", "a")
    assert (done.code, done.out) == (0, b"1")
    assert done.err.count("no anchor can be kept") == 1
    done = keyed.run("get", "a", "--expect-counter", "2")
    assert (done.out, done.err) == (b"1", "")


def test_a_damaged_anchor(keyed: Machine) -> None:
    """Exit 7, and the advice, followed, begins it anew."""
    (anchor,) = (keyed.home / ".local/state/strongroom").glob("*.anchor")
    anchor.write_bytes(anchor.read_bytes()[:-1])
    done = keyed.run("ls")
    assert done.code == 7
    (step,) = [line for line in done.err.splitlines() if line.startswith("hint: begin anew: ")]
    assert os.system(step.removeprefix("hint: begin anew: ")) == 0
    assert keyed.run("verify", "--expect-counter", "1").code == 0
    assert anchor.exists()


def test_checking_a_backup(keyed: Machine) -> None:
    """--check says what it holds; a cut one is exit 7, none exit 4, and nothing is changed."""
    keyed.run("set", "a", "n=1")
    backup = keyed.home / "backup.db"
    keyed.run("backup", str(backup))
    done = keyed.run("backup", "--check", str(backup))
    assert (done.code, done.out) == (0, b"")
    assert "is whole: 1 item, 1 version, commit 2 of 2" in done.err
    found = json.loads(keyed.run("backup", "--check", str(backup), "--json").out)
    assert (found["items"], found["commit_counter"]) == (1, 2)
    backup.write_bytes(backup.read_bytes()[:-4096])
    before = keyed.vault.read_bytes()
    assert keyed.run("backup", "--check", str(backup)).code == 7
    assert keyed.run("restore-backup", str(backup), "--yes").code == 7
    assert keyed.vault.read_bytes() == before
    assert keyed.run("backup", "--check", str(keyed.home / "nowhere")).code == 4


def test_a_vault_of_the_newest_format(keyed: Machine) -> None:
    """There is nothing to upgrade, and nothing is kept."""
    before = keyed.vault.read_bytes()
    done = keyed.run("upgrade")
    assert (done.code, done.out) == (0, b"")
    assert "is of format 1, the newest that this strongroom knows" in done.err
    shown = json.loads(keyed.run("upgrade", "--json").out)
    assert (shown["format_before"], shown["format"], shown["kept"]) == (1, 1, None)
    assert keyed.vault.read_bytes() == before
    assert [path.name for path in keyed.vault.parent.iterdir()] == ["vault.db"]
