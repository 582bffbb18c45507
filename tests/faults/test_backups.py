"""Backups made while others write, backups that were cut or garbled, and what restoring them does.

A backup is right when it equals a prefix of the history: everything that was acknowledged
before it began, nothing half, and no later commit without all earlier ones.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import Conflict, StrongroomError, Tampered, VaultNotFound, WrongKey
from strongroom.keys.slots import passphrase as passphrases
from strongroom.locate import restoring
from strongroom.locate.anchor_record import decode
from strongroom.locate.opening import open_admitted
from strongroom.locate.unlock import anybody
from strongroom.vault.vault import Vault

# Every commit of a writer is one version of one item; its value is the number of that commit.
WRITER = """
import sys, strongroom
path, key, name, acknowledged = sys.argv[1:]
vault = strongroom.open(path, key_file=key)
with open(acknowledged, "a", buffering=1) as log:
    for number in range(1, 10_000):
        vault.set(f"writer/{name}-{number % 5}", {"n": str(number)})
        print(number, file=log)
"""


class Place:
    """A vault in a directory, opened by a key file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "vault" / "v.db"
        self.key = root / "key"
        strongroom.create(self.file, key_file=self.key).lock()

    def open(self) -> Vault:
        return strongroom.open(self.file, key_file=self.key)

    def open_copy(self, path: str | Path) -> Vault:
        return open_admitted(path, key_file=self.key, admit=anybody)

    def check(self, path: Path) -> int:
        """What `backup --check` does."""
        with open_admitted(path, key_file=self.key, admit=anybody, is_backup=True) as vault:
            return vault.verify().commit_counter

    def restore(self, backup: Path, target: Path | None = None) -> restoring.Restored:
        return restoring.restore_backup(
            str(backup), str(target or self.file), open_copy=self.open_copy, tell=pytest.fail
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    os.chmod(tmp_path, 0o700)
    return Place(tmp_path)


def history(vault: Vault, writer: str) -> set[int]:
    """Every number of this writer that any version holds."""
    found = set()
    for path in vault.walk():
        if path.startswith(f"writer/{writer}-"):
            for version in vault.history(path):
                found.add(int(vault.get(path, version=version.number).public("n")))
    return found


def check_prefix(vault: Vault, before: dict[str, int], after: dict[str, int], start: int) -> None:
    """The vault holds a prefix of what the writers did.

    Args:
        before: the last number that each writer had acknowledged before the backup began.
        after: the same when it had ended.
        start: the commit counter before any of them wrote.
    """
    total = 0
    for writer, least in before.items():
        numbers = history(vault, writer)
        assert numbers == set(range(1, len(numbers) + 1)), "a commit is missing in the middle"
        assert len(numbers) >= least, "an acknowledged commit is missing"
        # One commit may have been acknowledged by the disk, and not yet in the log.
        assert len(numbers) <= after[writer] + 1, "a commit that nobody made"
        total += len(numbers)
    # Each write is one commit: no writer's commit is there without the other's earlier ones.
    assert vault.commit_counter == start + total


class Writers:
    """Processes that write as fast as they can; a context manager that ends them."""

    def __init__(self, place: Place) -> None:
        self.logs = {name: place.root / f"acknowledged-{name}" for name in ("one", "two")}
        with place.open() as vault:
            vault.configure(max_versions=1000)
            self.start = vault.commit_counter
        self.processes = []
        for name, log in self.logs.items():
            log.touch()
            command = [sys.executable, "-c", WRITER, str(place.file), str(place.key), name, str(log)]
            self.processes.append(subprocess.Popen(command))

    def acknowledged(self) -> dict[str, int]:
        # A last line without its newline is not complete.
        return {name: log.read_bytes().count(b"\n") for name, log in self.logs.items()}

    def wait_for(self, number: int) -> None:
        while min(self.acknowledged().values()) < number:
            assert all(process.poll() is None for process in self.processes), "a writer has ended"
            time.sleep(0.005)

    def __enter__(self) -> Writers:
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def test_backups_while_two_programs_write(place: Place) -> None:
    """Each verifies, restores, and equals a prefix of the acknowledged history; its counter is the announced one."""
    made = []
    with Writers(place) as writers, place.open() as vault:
        for number in range(6):
            writers.wait_for(8 * number + 3)
            path = place.root / f"backup-{number}.db"
            before = writers.acknowledged()
            counter = vault.backup(str(path))
            made.append((path, counter, before, writers.acknowledged()))
    for path, counter, before, after in made:
        assert place.check(path) == counter
        target = place.root / f"restored-{path.stem}" / "v.db"
        restored = place.restore(path, target)
        assert restored.backup_counter == counter
        with place.open_copy(path) as vault:
            check_prefix(vault, before, after, writers.start)
        with place.open_copy(target) as vault:
            vault.verify()
            assert history(vault, "one") >= set(range(1, before["one"] + 1))
    assert [counter for _, counter, _, _ in made] == sorted({counter for _, counter, _, _ in made})


def test_a_plain_copy_is_no_backup(place: Place) -> None:
    """The detector's planted fault: a file that is copied without its log lacks what was acknowledged."""
    with place.open() as vault:
        start = vault.commit_counter
        for number in range(1, 21):
            vault.set(f"writer/one-{number % 5}", {"n": str(number)})
        copy = Path(shutil.copy(place.file, place.root / "copy.db"))
    with pytest.raises((AssertionError, StrongroomError)):
        place.check(copy)
        with place.open_copy(copy) as vault:
            check_prefix(vault, {"one": 20}, {"one": 20}, start)


def test_the_backup_is_remembered(place: Place) -> None:
    """The anchor says which commit the last backup holds, so that doctor can say how old it is."""
    with place.open() as vault:
        vault.set("a", {"n": "1"})
        assert vault.backup(str(place.root / "b.db")) == 2
        name = f"{vault.vault_id.hex()}.anchor"
        vault.set("a", {"n": "2"})
    record = decode((Path(os.environ["XDG_STATE_HOME"]) / "strongroom" / name).read_bytes(), bytes.fromhex(name[:32]))
    assert record.counter == 3
    assert record.backup[1] == 2


def test_a_backup_never_overwrites(place: Place) -> None:
    """The file that was there is untouched, and no backup is remembered."""
    path = place.root / "b.db"
    path.write_bytes(b"precious")
    with place.open() as vault, pytest.raises(Conflict):
        vault.backup(str(path))
    assert path.read_bytes() == b"precious"


def state_of(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Everything in a directory, byte for byte."""
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in sorted(directory.iterdir())}


@pytest.fixture
def backed_up(place: Place) -> Path:
    """A backup of 30 versions of 10 items; the vault has moved on since."""
    with place.open() as vault:
        for number in range(30):
            vault.set(f"bank/{number % 10}", {"password": f"canary {number}"})
        vault.backup(str(place.root / "backup.db"))
        vault.set("bank/newer", {"password": "newer"})
    return place.root / "backup.db"


def is_whole(place: Place) -> bool:
    """Whether the vault holds exactly what the backup held."""
    with place.open_copy(place.file) as vault:
        vault.verify()
        found = {path: vault.get(path, "password").reveal() for path in vault.walk()}
    return found == {f"bank/{number}": f"canary {20 + number}" for number in range(10)}


def test_a_cut_backup_is_refused_whole(place: Place, backed_up: Path) -> None:
    """At every page, in the middle of pages, and one byte short: exit 7's error, and the target is untouched."""
    data = backed_up.read_bytes()
    before = state_of(place.file.parent)
    last_page = (len(data) - 4096, len(data) - 4095, len(data) - 2048, len(data) - 2, len(data) - 1)
    lengths = {0, 1, 15, 16, 99, 100, *last_page, *range(4096, len(data), 4096), *range(2000, len(data), 9973)}
    for length in sorted(lengths):
        backed_up.write_bytes(data[:length])
        with pytest.raises(Tampered):
            place.check(backed_up)
        with pytest.raises(Tampered):
            place.restore(backed_up)
        assert state_of(place.file.parent) == before, f"cut to {length} bytes"
    backed_up.write_bytes(data + b"x")
    with pytest.raises(Tampered):
        place.restore(backed_up)
    backed_up.write_bytes(data)
    place.restore(backed_up)
    assert is_whole(place)


def test_a_garbled_backup_is_refused_whole_or_harmless(place: Place, backed_up: Path) -> None:
    """A flipped byte is refused, unless it lies where nothing is: then what is restored is exactly what was there."""
    data = backed_up.read_bytes()
    refused = 0
    places = range(0, len(data), len(data) // 60)
    for position in places:
        before = state_of(place.file.parent)
        garbled = bytearray(data)
        garbled[position] ^= 0xFF
        backed_up.write_bytes(garbled)
        try:
            restored = place.restore(backed_up)
        except StrongroomError:
            refused += 1
            assert state_of(place.file.parent) == before, f"byte {position}"
        else:
            assert is_whole(place), f"byte {position}"
            assert restored.kept is not None
            Path(restored.kept).unlink()
    # The rest lies in pages that are not full.
    assert refused > len(places) // 4


def test_a_backup_that_somebody_changed_is_refused(place: Place, backed_up: Path) -> None:
    """Intact for SQLite and wrong for the ledger: verified before anything is exchanged."""
    with sqlite3.connect(backed_up) as db:
        db.execute("DELETE FROM versions WHERE number = 1")
    db.close()
    before = state_of(place.file.parent)
    for attempt in (place.check, place.restore):
        with pytest.raises(Tampered, match="is not what was written"):
            attempt(backed_up)
    assert state_of(place.file.parent) == before


def test_a_check_changes_nothing(place: Place, backed_up: Path) -> None:
    """Not a byte of the backup, no file beside it, also where the slot would be renewed in a vault."""
    cheap = passphrases.Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
    with place.open() as vault:
        vault.add_slot(passphrases.PassphraseCredential(bytearray(b"tea with elephants"), profile=cheap))
        directory = place.root / "medium"
        directory.mkdir(mode=0o700)
        vault.backup(str(directory / "b.db"))
    before = state_of(directory)
    mtime = (directory / "b.db").stat().st_mtime_ns
    os.chmod(directory / "b.db", 0o444)
    with open_admitted(
        directory / "b.db", passphrase="tea with elephants", admit=anybody, is_backup=True
    ) as vault:
        vault.verify()
        with pytest.raises(StrongroomError):
            vault.set("a", {"n": "1"})
    assert state_of(directory) == before
    assert (directory / "b.db").stat().st_mtime_ns == mtime


def test_what_is_no_backup(place: Place) -> None:
    """Nothing there, a directory, a pipe that would hang, another file, another vault's backup."""
    root = place.root
    with pytest.raises(VaultNotFound):
        place.check(root / "nowhere")
    os.mkfifo(root / "pipe")
    (root / "text").write_text("not a database")
    for name in ("pipe", "text", "vault"):
        for attempt in (place.check, place.restore):
            with pytest.raises(Tampered):
                attempt(root / name)
    (root / "other").mkdir(mode=0o700)
    other = Place(root / "other")
    with other.open() as vault:
        vault.backup(str(root / "other.db"))
    for attempt in (place.check, place.restore):
        with pytest.raises(WrongKey):
            attempt(root / "other.db")


def test_a_killed_restore_leaves_the_vault_or_the_backup(place: Place, backed_up: Path) -> None:
    """Killed before the exchange, the vault is untouched; after it, the machine asks once whether it was meant."""
    program = """
import os, signal, sys
from strongroom.locate import anchor, restoring
from strongroom.locate.opening import open_admitted
from strongroom.locate.unlock import anybody
backup, target, key = sys.argv[1:]
anchor.FileAnchor.accept = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
restoring.restore_backup(
    backup, target, open_copy=lambda copy: open_admitted(copy, key_file=key, admit=anybody), tell=print
)
"""
    command = [sys.executable, "-c", program, str(backed_up), str(place.file), str(place.key)]
    assert subprocess.run(command, timeout=60, check=False).returncode == -9
    assert is_whole(place)
    with pytest.raises(Tampered) as caught:
        place.open()
    assert "--accept-lineage" in caught.value.advice
