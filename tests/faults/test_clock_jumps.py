"""A clock that jumps, by hours or centuries: dates hold by the clock of the moment, and nothing else is disturbed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from strongroom.errors import Expired, NotFound
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from tests.peers import require_programs

NOON = "2030-06-01 12:00:00"
HOURS_LATER = "2030-06-01 18:00:00"
DAYS_LATER = "2030-06-04 12:00:00"
YEARS_LATER = "2060-06-01 12:00:00"
YEARS_BEFORE = "2001-06-01 12:00:00"
NO_BATTERY = "1970-01-01 00:00:01"
EVERY_TIME = (NOON, HOURS_LATER, DAYS_LATER, YEARS_LATER, YEARS_BEFORE, NO_BATTERY)
IMPOSSIBLE = ("1960-06-01 12:00:00", "2300-06-01 12:00:00")


class Machine:
    """A home with a vault, on a machine whose clock shows what it is told."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.vault = home / "vault.db"
        self.backup = home / "backup.db"
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "STRONGROOM_VAULT": str(self.vault),
            "STRONGROOM_KEY_FILE": str(home / "key"),
            # Whoever sets a clock leaves the one alone that counts since the start of the machine.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def at(self, moment: str, *words: str, code: int = 0, frozen: bool = False) -> str:
        """Run a command at this moment, from which time goes on or not; its standard output."""
        for _attempt in range(20):
            done = subprocess.run(
                ["faketime", "-f", moment if frozen else f"@{moment}", sys.executable, "-m", "strongroom", *words],
                env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            # Killed ones leave a semaphore behind that bears their process's number, which comes again.
            if "sem_open" not in done.stderr:
                break
        assert done.returncode == code, (moment, words, done)
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    require_programs("faketime")
    tmp_path.chmod(0o700)
    machine = Machine(tmp_path)
    machine.at(NOON, "init", "--key-file", str(tmp_path / "key"))
    yield machine
    # Whatever the clock did, the vault is what was written.
    machine.at(YEARS_BEFORE, "verify")
    machine.at(YEARS_LATER, "verify")


def test_a_value_expires_by_the_clock_of_the_moment(machine: Machine) -> None:
    """Forwards it fails (12), back again it is there; a clock that is years behind does not revive it for good."""
    machine.at(NOON, "set", "bank", "user=dustin", "--expires", "1d")
    for moment, code in ((HOURS_LATER, 0), (DAYS_LATER, 12), (YEARS_LATER, 12), (NOON, 0), (YEARS_BEFORE, 0)):
        assert machine.at(moment, "get", "bank", code=code) == ("" if code else "dustin")
    assert machine.at(DAYS_LATER, "get", "bank", "--allow-expired") == "dustin"
    assert "bank" in machine.at(HOURS_LATER, "ls", "--expiring", "2d")
    assert "bank" in machine.at(YEARS_LATER, "ls", "--expiring", "2d")
    assert machine.at(YEARS_BEFORE, "ls", "--expiring", "2d") == ""


def test_versions_are_deleted_by_the_clock_of_the_moment(machine: Machine) -> None:
    """A jump forwards deletes, but destroys nothing: the clock is set right, and the value is back."""
    machine.at(NOON, "configure", "--delete-after", "1d")
    machine.at(NOON, "set", "bank", "user=dustin")
    machine.at(YEARS_LATER, "get", "bank", code=4)
    assert machine.at(YEARS_LATER, "ls") == ""
    assert machine.at(HOURS_LATER, "get", "bank") == "dustin"
    # And who is told that it is gone can bring it back there.
    machine.at(YEARS_LATER, "restore", "bank")
    assert machine.at(YEARS_LATER, "get", "bank") == "dustin"


def test_commits_stay_in_order_when_times_do_not(machine: Machine) -> None:
    """Versions and audit entries count on, whatever their times say."""
    for number, moment in enumerate((NOON, YEARS_LATER, YEARS_BEFORE, NO_BATTERY, DAYS_LATER), 1):
        machine.at(moment, "set", "bank", f"user={number}")
    log = json.loads(machine.at(NOON, "log", "bank", "--json"))
    assert [version["version"] for version in log] == [1, 2, 3, 4, 5]
    assert [version["created"][:4] for version in log] == ["2030", "2060", "2001", "1970", "2030"]
    assert machine.at(YEARS_BEFORE, "get", "bank") == "5"
    counters = [json.loads(machine.at(moment, "status", "--json"))["commit_counter"] for moment in EVERY_TIME]
    assert set(counters) == {6}


def test_an_older_copy_is_found_at_any_time(machine: Machine) -> None:
    """The anchor counts commits and not hours: no false alarm, and no roll-back that is missed."""
    machine.at(YEARS_LATER, "set", "bank", "user=old")
    shutil.copy(machine.vault, machine.home / "older.db")
    machine.at(YEARS_BEFORE, "set", "bank", "user=new")
    for moment in EVERY_TIME:
        assert machine.at(moment, "get", "bank") == "new"
    newest = machine.vault.read_bytes()
    machine.vault.write_bytes((machine.home / "older.db").read_bytes())
    for moment in EVERY_TIME:
        machine.at(moment, "get", "bank", code=7)
    machine.vault.write_bytes(newest)


def test_every_command_at_every_time(machine: Machine) -> None:
    """Slots, rotation, backups and what is put back from them, while the clock wanders."""
    for number, moment in enumerate(EVERY_TIME):
        machine.at(moment, "set", f"item/{number}", "user=dustin", "--expires", "90d")
        machine.at(moment, "slot", "add", "key-file", str(machine.home / f"key-{number}"))
        machine.at(moment, "rm", f"item/{number}")
        machine.at(moment, "restore", f"item/{number}")
        machine.at(moment, "rotate")
        machine.at(moment, "backup", f"{machine.backup}-{number}")
        machine.at(moment, "backup", "--check", f"{machine.backup}-{number}")
    machine.at(YEARS_BEFORE, "restore-backup", f"{machine.backup}-2", "--yes")
    assert machine.at(NO_BATTERY, "ls", "item").split() == ["0", "1", "2"]


def test_a_clock_that_stands_still_hangs_nothing(machine: Machine) -> None:
    """Two backups are put back within one moment: both vaults that were there are kept."""
    machine.at(NOON, "backup", str(machine.backup), frozen=True)
    for number in range(2):
        machine.at(NOON, "set", "bank", f"user={number}", frozen=True)
        machine.at(NOON, "restore-backup", str(machine.backup), "--yes", frozen=True)
    kept = [path.name for path in machine.home.iterdir() if ".before-" in path.name]
    assert len(kept) == 2


@pytest.mark.parametrize("moment", IMPOSSIBLE)
def test_a_time_that_cannot_be_written_is_refused(machine: Machine, moment: str) -> None:
    """Nothing is stored at a time that the format, or Python, cannot express; reading goes on."""
    machine.at(NOON, "set", "bank", "user=dustin")
    machine.at(moment, "set", "bank", "user=later", code=15)
    machine.at(moment, "rotate", code=15)
    assert machine.at(moment, "get", "bank") == "dustin"


def test_a_program_whose_clock_jumps_under_it() -> None:
    """Two hundred writes and reads, with a clock that goes anywhere in between, against what the dates say."""
    random = Random(8)
    clock = [1_900_000_000_000_000]
    known: dict[str, tuple[int, int, int]] = {}
    day = 86_400_000_000
    with create_vault(MemoryStore(), [new_key_file()], author="clock", clock_us=lambda: clock[0]) as vault:
        vault.configure(delete_version_after=timedelta(days=30))
        for step in range(200):
            clock[0] = max(1, clock[0] + random.choice((-1000, -40, -1, 0, 1, 40, 1000)) * day)
            path = f"item/{random.randrange(12)}"
            if step % 2:
                number = vault.set(path, {"user": str(step)}, expires=timedelta(days=10)).number
                known[path] = (number, clock[0], step)
            for path, (number, written, value) in known.items():
                age = clock[0] - written
                if age >= 30 * day:
                    with pytest.raises(NotFound):
                        vault.get(path)
                elif age >= 10 * day:
                    with pytest.raises(Expired):
                        vault.get(path)
                else:
                    assert vault.get(path, "user").reveal() == str(value)
                    assert vault.history(path)[-1].number == number
        vault.verify()
