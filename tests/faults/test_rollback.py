"""An older copy of the whole file is put in the vault's place. Several machines share the file.

No key can tell an intact older copy from the newest: the anchor of each machine can.
A machine here is a state directory of its own; everything else is the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import RolledBack, StoreUnavailable, Tampered
from strongroom.keys.slots import passphrase as passphrases
from strongroom.locate import anchor, restoring
from strongroom.locate.anchor_record import AnchorRecord, decode
from strongroom.locate.opening import open_admitted
from strongroom.locate.unlock import anybody
from strongroom.vault.vault import Vault

PASSPHRASE = "tea with nine blue elephants"
CHEAPEST = {"memory_kib": 19_456, "iterations": 1, "lanes": 1}


class Machines:
    """Machines that share one vault file, and the attacker who has copies of it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.file = root / "shared" / "v.db"
        self.key = root / "shared" / "key"
        self.file.parent.mkdir(mode=0o700)
        self._monkeypatch = monkeypatch

    def at(self, name: str) -> None:
        """Sit down at the machine *name*."""
        self._monkeypatch.setenv("XDG_STATE_HOME", str(self.root / name))

    def open(self, **options: int) -> Vault:
        return strongroom.open(self.file, key_file=self.key, **options)

    def write(self, value: str) -> int:
        """Store a value; the commit counter afterwards."""
        with self.open() as vault:
            vault.set("a", {"n": value})
            return vault.commit_counter

    def read(self) -> str:
        with self.open() as vault:
            return vault.get("a").public("n")

    def copy(self, name: str) -> Path:
        """Keep a copy of the closed vault."""
        return Path(shutil.copy(self.file, self.root / name))

    def put_back(self, copy: Path) -> None:
        """The attack: one file exchanged for an older one."""
        shutil.copy(copy, self.file)

    def restore(self, backup: Path) -> restoring.Restored:
        return restoring.restore_backup(
            str(backup),
            str(self.file),
            open_copy=lambda copy: open_admitted(copy, key_file=self.key, admit=anybody),
            tell=pytest.fail,
        )

    def accept(self) -> None:
        """What `status --accept-lineage` does after the question."""
        with open_admitted(self.file, key_file=self.key, admit=anybody) as vault:
            found = anchor.anchor_of(vault, tell=pytest.fail)
            assert found is not None
            record = found.read()
            assert record is not None
            assert record.is_new(vault.lineage)
            found.accept(vault.commit_counter, vault._core.keys.header)

    def anchor(self) -> AnchorRecord:
        """What this machine remembers."""
        (path,) = (Path(os.environ["XDG_STATE_HOME"]) / "strongroom").glob("*.anchor")
        return decode(path.read_bytes(), bytes.fromhex(path.stem))


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Two machines that have seen the vault at commit 2, where a is 1."""
    os.chmod(tmp_path, 0o700)
    machines = Machines(tmp_path, monkeypatch)
    machines.at("one")
    strongroom.create(machines.file, key_file=machines.key).lock()
    assert machines.write("1") == 2
    machines.at("two")
    assert machines.read() == "1"
    machines.at("one")
    return machines


@pytest.mark.parametrize("newer", [1, 2, 5])
def test_an_older_copy_is_refused(machines: Machines, newer: int) -> None:
    """One commit is enough; the newest copy opens again, and the advice says so."""
    old = machines.copy("old")
    for number in range(newer):
        machines.write(f"newer {number}")
    newest = machines.copy("newest")
    machines.put_back(old)
    for _ in range(2):
        with pytest.raises(RolledBack, match=f"commit {2 + newer} was seen on this machine") as caught:
            machines.open()
        assert "restore-backup" in caught.value.advice
    machines.put_back(newest)
    assert machines.read() == f"newer {newer - 1}"


def test_without_an_anchor_it_is_not_noticed(machines: Machines) -> None:
    """The detector's planted fault, and what the threat model says of a machine that never saw the vault."""
    old = machines.copy("old")
    machines.write("2")
    machines.put_back(old)
    machines.at("three")
    assert machines.read() == "1"
    assert machines.anchor().counter == 2
    with pytest.raises(RolledBack, match="commit 3 was expected"):
        machines.open(expect_counter=3)


def test_each_machine_knows_what_it_has_seen(machines: Machines) -> None:
    """A machine that has not seen the newer commits cannot miss them; it refuses what is older than its own."""
    older = machines.copy("older")
    machines.at("two")
    machines.write("2")
    old = machines.copy("old")
    machines.at("one")
    machines.write("3")
    machines.put_back(old)
    machines.at("two")
    assert machines.read() == "2"
    machines.at("one")
    with pytest.raises(RolledBack):
        machines.open()
    machines.at("two")
    machines.put_back(older)
    with pytest.raises(RolledBack):
        machines.open()


def test_a_copy_that_others_carried_on_is_beyond_an_anchor(machines: Machines) -> None:
    """The limit that docs/threat-model.md names: writes on a machine that did not know overtake the counter."""
    old = machines.copy("old")
    machines.write("lost")
    machines.put_back(old)
    machines.at("three")
    assert machines.write("other") == 3
    machines.at("one")
    assert machines.read() == "other"


def test_a_refused_copy_gains_no_commit(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening renews a slot of an older cost; on an older copy that would bring it up to the anchor's counter."""
    cheap = passphrases.Argon2idProfile(**CHEAPEST)
    by_phrase = passphrases.PassphraseCredential(bytearray(PASSPHRASE, "utf-8"), profile=cheap)
    with machines.open() as vault:
        vault.add_slot(by_phrase)
    old = machines.copy("old")
    machines.write("2")
    machines.put_back(old)
    before = machines.file.read_bytes()
    for _ in range(2):
        with pytest.raises(RolledBack):
            strongroom.open(machines.file, passphrase=PASSPHRASE)
    assert machines.file.read_bytes() == before
    # The same copy, admitted unseen, is written to: the danger is real.
    open_admitted(machines.file, passphrase=PASSPHRASE, admit=anybody).lock()
    assert machines.file.read_bytes() != before


def test_a_restored_backup_is_a_new_lineage(machines: Machines) -> None:
    """Here it opens at once; elsewhere it is refused until it is accepted, once, and the audit log tells of it."""
    with machines.open() as vault:
        assert vault.backup(str(machines.root / "backup.db")) == 2
    machines.write("lost")
    lost = machines.copy("lost")
    restored = machines.restore(machines.root / "backup.db")
    assert (restored.backup_counter, restored.commit_counter, restored.items) == (2, 3, 1)
    assert machines.read() == "1"
    assert machines.write("2") == 4
    machines.at("two")
    for _ in range(2):
        with pytest.raises(RolledBack, match="is a restored backup") as caught:
            machines.open()
        assert "--accept-lineage" in caught.value.advice
    machines.accept()
    assert machines.read() == "2"
    with machines.open() as vault:
        vault.verify()
        assert vault.lineage == restored.lineage
        core = vault._core
        with core.reading() as rows:
            operations = [core.audit.open(row)[0].operation for row in core.audit.walk(rows)]
        assert operations == ["init", "set", "restore-backup", "set"]
    for name in ("one", "two"):
        machines.at(name)
        machines.put_back(lost)
        with pytest.raises(RolledBack, match="which a restored backup or a copy has replaced"):
            machines.open()


def test_a_lineage_that_was_left_is_not_accepted_again(machines: Machines) -> None:
    """Accepting is for what this machine has never seen: only a key holder can have begun that."""
    with machines.open() as vault:
        vault.backup(str(machines.root / "backup.db"))
    former = machines.copy("former")
    machines.restore(machines.root / "backup.db")
    machines.put_back(former)
    with open_admitted(machines.file, key_file=machines.key, admit=anybody) as vault:
        found = anchor.anchor_of(vault)
        assert found is not None
        record = found.read()
        assert record is not None
        assert not record.is_new(vault.lineage)


def test_restoring_twice_leaves_two_lineages(machines: Machines) -> None:
    """Each restored state is told from the others, also when their counters are the same."""
    with machines.open() as vault:
        vault.backup(str(machines.root / "backup.db"))
    first = machines.restore(machines.root / "backup.db")
    middle = machines.copy("middle")
    second = machines.restore(machines.root / "backup.db")
    assert first.lineage != second.lineage
    assert first.commit_counter == second.commit_counter
    assert [lineage for lineage, _ in machines.anchor().left][-1] == first.lineage
    machines.put_back(middle)
    with pytest.raises(RolledBack, match="which a restored backup or a copy has replaced"):
        machines.open()


def test_going_on_from_an_older_copy_on_purpose(machines: Machines) -> None:
    """The advice works: the copy is moved elsewhere and restored like a backup."""
    old = machines.copy("old")
    machines.write("2")
    machines.put_back(old)
    with pytest.raises(RolledBack):
        machines.open()
    elsewhere = machines.root / "elsewhere.db"
    machines.file.rename(elsewhere)
    machines.restore(elsewhere)
    assert machines.read() == "1"


KILLED = """
import os, shutil, sys, strongroom
from strongroom.locate import counter_file
if sys.argv[4:]:
    counter_file.CounterFile.raise_to = lambda *_given: None
vault = strongroom.open(sys.argv[1], key_file=sys.argv[2])
for number in range(3):
    vault.backup(sys.argv[3] + str(number))
    vault.set("a", {"n": f"killed {number}"})
print(vault.commit_counter, flush=True)
os.kill(os.getpid(), 9)
"""


def killed(machines: Machines, *planted: str) -> int:
    """A program that makes backups and writes is killed; the last commit that it acknowledged."""
    command = [sys.executable, "-c", KILLED, str(machines.file), str(machines.key), f"{machines.root}/copy-", *planted]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    return int(done.stdout)


def test_a_killed_program_has_written_down_what_it_acknowledged(machines: Machines) -> None:
    """A copy that lacks the last commit alone is refused, though the anchor was not brought to the disk."""
    committed = killed(machines)
    assert machines.anchor().counter < committed
    newest = machines.copy("newest")
    for ending in ("-wal", "-shm"):
        if (machines.file.parent / f"v.db{ending}").exists():
            shutil.move(f"{machines.file}{ending}", machines.root / f"newest{ending}")
    machines.put_back(machines.root / "copy-2")
    with pytest.raises(RolledBack, match=f"at commit {committed - 1}, and commit {committed} was seen"):
        machines.open()
    for ending in ("-wal", "-shm"):
        if (machines.root / f"newest{ending}").exists():
            shutil.move(machines.root / f"newest{ending}", f"{machines.file}{ending}")
    machines.put_back(newest)
    assert machines.read() == "killed 2"
    # A program that reads brings it to the disk when it locks.
    assert machines.anchor().counter == committed


def test_the_last_commit_would_be_forgotten(machines: Machines) -> None:
    """The planted fault: without the counter's file the copy passes for the newest."""
    killed(machines, "planted")
    for ending in ("-wal", "-shm"):
        (machines.file.parent / f"v.db{ending}").unlink(missing_ok=True)
    machines.put_back(machines.root / "copy-2")
    assert machines.read() == "killed 1"


GARBLED = {
    "nothing": b"",
    "half of it": b"strongroom-counter-v1 0000",
    "zeros": bytes(84),
    "a greater number without its checksum": b"strongroom-counter-v1 " + b"0" * 32 + b" " + b"9" * 20 + b" 00000000",
    "too much": b"x" * 2000,
}


@pytest.mark.parametrize("case", GARBLED)
def test_a_counter_that_a_power_cut_garbled_says_nothing(machines: Machines, case: str) -> None:
    """The anchor counts then, and the next commit writes it anew."""
    machines.write("2")
    (path,) = (Path(os.environ["XDG_STATE_HOME"]) / "strongroom").glob("*.counter")
    path.write_bytes(GARBLED[case])
    assert machines.read() == "2"
    killed(machines)
    machines.put_back(machines.root / "copy-2")
    for ending in ("-wal", "-shm"):
        (machines.file.parent / f"v.db{ending}").unlink(missing_ok=True)
    with pytest.raises(RolledBack):
        machines.open()


def test_commits_of_others_are_written_down_as_they_are_seen(machines: Machines) -> None:
    """A program that reads for weeks knows what it has read, also when it is killed."""
    with machines.open() as reader:
        older = machines.copy("older")
        machines.at("elsewhere")
        machines.write("2")
        machines.at("one")
        assert reader.get("a").public("n") == "2"
        reader.anchor = None  # killed: nothing is settled any more
    machines.put_back(older)
    with pytest.raises(RolledBack, match="commit 3 was seen on this machine"):
        machines.open()


def test_an_anchor_is_not_written_before_its_commit(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the anchor where it was: it never locks anybody out of the newest state."""
    monkeypatch.setattr(anchor, "_EVERY_SECONDS", 0.0)
    with machines.open() as vault:
        with pytest.raises(RuntimeError), vault.transaction():
            vault.set("a", {"n": "never"})
            raise RuntimeError
        assert machines.anchor().counter == 2
        vault.set("a", {"n": "2"})
        assert machines.anchor().counter == 3


def test_a_commit_between_two_looks_is_no_roll_back(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program commits and writes the anchor while this one opens the vault: the anchor is read first."""
    other = machines.open()
    monkeypatch.setattr(anchor, "_EVERY_SECONDS", 0.0)
    read = anchor.FileAnchor.read
    reading = []

    def interrupted(self: anchor.FileAnchor) -> AnchorRecord | None:
        if not reading:
            reading.append(True)
            other.set("a", {"n": "between"})
        return read(self)

    monkeypatch.setattr(anchor.FileAnchor, "read", interrupted)
    assert machines.read() == "between"
    assert machines.anchor().counter == 3
    other.lock()


def test_another_file_under_an_open_vault(machines: Machines) -> None:
    """Put in place by a rename, as synchronising programs do it: nothing is acknowledged that nobody will find."""
    from strongroom.stores.sqlite import SqliteStore
    from strongroom.vault.onlooking import verify_beside

    with machines.open() as running:
        running.set("a", {"n": "2"})
        running.backup(str(machines.root / "newer.db"))
        verify_beside(running._core, SqliteStore.open(str(machines.file)))
        os.replace(machines.root / "newer.db", machines.file)
        with pytest.raises(StoreUnavailable, match="another file has taken its place"):
            running.set("a", {"n": "lost"})
        assert running.get("a").public("n") == "2"
        for look in (running.verify, lambda: verify_beside(running._core, SqliteStore.open(str(machines.file)))):
            with pytest.raises(Tampered, match=r"another file has taken its place|is not what was written"):
                look()
    assert machines.read() == "2"
    assert machines.write("3") == 4


BUSY = """
import sys, strongroom
for number in range(12):
    with strongroom.open(sys.argv[1], key_file=sys.argv[2]) as vault:
        vault.set(f"busy/{sys.argv[3]}", {"n": str(number)})
"""


def test_programs_that_open_and_write_at_once(machines: Machines) -> None:
    """Nobody is refused because somebody else was faster, and the anchor ends with the vault."""
    command = [sys.executable, "-W", "error", "-c", BUSY, str(machines.file), str(machines.key)]
    children = [subprocess.Popen([*command, str(name)]) for name in range(4)]
    assert [child.wait(120) for child in children] == [0] * 4
    with machines.open() as vault:
        assert vault.commit_counter == 2 + 4 * 12
        assert machines.anchor().counter == vault.commit_counter
