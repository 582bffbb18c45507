"""The anchor's file: where it lies, when it is written, and what happens where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import RolledBack, Tampered, UnsafePermissions
from strongroom.keys.format import Header
from strongroom.locate import anchor as anchors
from strongroom.locate import state_directory as state_directories
from strongroom.locate.anchor import FileAnchor
from strongroom.locate.anchor_record import AnchorRecord
from strongroom.locate.state_directory import state_directory
from strongroom.vault.vault import Vault
from tests.patience import PATIENCE_SECONDS

HOME = {"HOME": "/home/me"}
VAULT, LINEAGE = b"\x07" * 16, b"\x01" * 16


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", HOME, "/home/me/.local/state/strongroom"),
        ("linux", {**HOME, "XDG_STATE_HOME": "/state"}, "/state/strongroom"),
        ("linux", {**HOME, "XDG_STATE_HOME": "relative"}, "/home/me/.local/state/strongroom"),
        ("darwin", HOME, "/home/me/Library/Application Support/strongroom/state"),
        ("win32", {**HOME, "LOCALAPPDATA": "/local"}, "/local/strongroom/state"),
        ("win32", HOME, "/home/me/AppData/Local/strongroom/state"),
    ],
)
def test_the_platforms_own_place(platform: str, environment: dict[str, str], expected: str) -> None:
    """Each platform's directory for state that does not travel."""
    assert state_directory(environment, platform=platform) == expected


@pytest.mark.skipif(os.name == "nt", reason="there is no password database")
def test_without_home_the_password_database_answers() -> None:
    """cron and systemd may leave HOME out; the anchor is the same one."""
    import pwd

    assert state_directory({}) == pwd.getpwuid(os.getuid()).pw_dir + "/.local/state/strongroom"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory of a machine that has seen nothing yet."""
    os.chmod(tmp_path, 0o700)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "strongroom"


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """Where vault and key file lie."""
    (tmp_path / "vault").mkdir(mode=0o700)
    return tmp_path / "vault" / "v.db", tmp_path / "vault" / "key"


def opened(place: tuple[Path, Path], **options: int) -> Vault:
    return strongroom.open(place[0], key_file=place[1], **options)


def seen(state: Path) -> int:
    """The counter in the only anchor."""
    (path,) = state.glob("*.anchor")
    return int(path.read_text().split("counter ")[1].split("\n")[0])


def test_a_new_vault_has_an_anchor(state: Path, place: tuple[Path, Path]) -> None:
    """It is private, named after the vault, and says commit 1."""
    with strongroom.create(place[0], key_file=place[1]) as vault:
        (path,) = state.glob("*.anchor")
        assert path.name == f"{vault.vault_id.hex()}.anchor"
        assert vault.notes == []
    assert path.stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    assert seen(state) == 1


def test_many_writes_cost_one_anchor_a_second(
    state: Path, place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes within a second are anchored when the vault is locked; one after a second at once."""
    now = [1000.0]
    monkeypatch.setattr(anchors, "monotonic", lambda: now[0])
    with strongroom.create(place[0], key_file=place[1]) as vault:
        for number in range(5):
            vault.set("a", {"n": str(number)})
        assert seen(state) == 1
        now[0] += 1.0
        vault.set("a", {"n": "6"})
        assert seen(state) == 7
        vault.set("a", {"n": "7"})
        assert seen(state) == 7
    assert seen(state) == 8


def test_a_read_does_not_touch_the_anchor(state: Path, place: tuple[Path, Path]) -> None:
    """Opening, reading and locking a vault that has not moved on writes nothing."""
    strongroom.create(place[0], key_file=place[1]).lock()
    (path,) = state.glob("*.anchor")
    before = path.stat()
    with opened(place) as vault:
        list(vault.walk())
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_others_wrote_is_remembered_at_open(state: Path, place: tuple[Path, Path]) -> None:
    """A vault that moved on elsewhere is newer than the anchor, and the anchor follows."""
    with strongroom.create(place[0], key_file=place[1]) as vault:
        vault.anchor = None
        vault.set("a", {"n": "1"})
    assert seen(state) == 1
    with opened(place):
        assert seen(state) == 2


@pytest.mark.parametrize("where", ["/proc/nowhere", "/dev/null/state"])
def test_a_place_that_cannot_be_written_is_a_note(
    where: str, place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault works; its notes say, once, what is not guarded."""
    monkeypatch.setenv("XDG_STATE_HOME", where)
    with strongroom.create(place[0], key_file=place[1]) as vault:
        vault.set("a", {"n": "1"})
    assert len(vault.notes) == 1
    assert "no anchor can be kept" in vault.notes[0]
    with opened(place) as vault:
        assert vault.get("a").public("n") == "1"
    assert len(vault.notes) == 1


def test_no_home_at_all_is_a_note(place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whom the password database does not know has no place, and can still open a vault."""
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    with strongroom.create(place[0], key_file=place[1]) as vault:
        vault.set("a", {"n": "1"})
    assert len(vault.notes) == 1
    assert "no home directory" in vault.notes[0]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give directories away")
def test_another_users_home_is_left_alone(state: Path, place: tuple[Path, Path]) -> None:
    """As under `sudo -E`: nothing is made there that would shut its owner out, and nothing there is believed."""
    home = state.parent
    home.mkdir()
    os.chown(home, 12345, 12345)
    with strongroom.create(place[0], key_file=place[1]) as vault:
        vault.set("a", {"n": "1"})
    assert "belongs to another user" in vault.notes[0]
    assert list(home.iterdir()) == []
    state.mkdir()
    os.chown(state, 12345, 12345)
    with opened(place) as vault:
        assert "is another user's" in vault.notes[0]
        assert vault.anchor is None


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
def test_an_anchor_that_others_could_change_is_refused(state: Path, place: tuple[Path, Path]) -> None:
    """An anchor in a directory open to others guards nothing, and pretending would be worse."""
    strongroom.create(place[0], key_file=place[1]).lock()
    os.chmod(state, 0o777)
    with pytest.raises(UnsafePermissions):
        opened(place)
    os.chmod(state, 0o700)
    (path,) = state.glob("*.anchor")
    os.chmod(path, 0o666)
    with pytest.raises(UnsafePermissions):
        opened(place)


def test_a_damaged_anchor_is_an_error(state: Path, place: tuple[Path, Path]) -> None:
    """Nobody knows what it said; whoever looks into it begins it anew by hand."""
    strongroom.create(place[0], key_file=place[1]).lock()
    (path,) = state.glob("*.anchor")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(Tampered, match="cannot be believed") as caught:
        opened(place)
    assert f"rm {path}" in caught.value.advice
    path.unlink()
    opened(place).lock()


def test_a_link_in_the_anchors_place_is_refused(state: Path, place: tuple[Path, Path]) -> None:
    """It would lead the next write elsewhere."""
    strongroom.create(place[0], key_file=place[1]).lock()
    (path,) = state.glob("*.anchor")
    path.rename(state / "elsewhere")
    path.symlink_to("elsewhere")
    with pytest.raises(UnsafePermissions):
        opened(place)


def test_an_expected_counter(state: Path, place: tuple[Path, Path]) -> None:
    """expect_counter is a demand of its own, with or without an anchor."""
    strongroom.create(place[0], key_file=place[1]).lock()
    opened(place, expect_counter=1).lock()
    for path in state.glob("*.anchor"):
        path.unlink()
    with pytest.raises(RolledBack, match="commit 2 was expected"):
        opened(place, expect_counter=2)


HEADER = Header(vault_id=VAULT, lineage=LINEAGE, epoch=1, created_us=0, identity=b"\x05" * 32)


def beside(state: Path, tell: list[str]) -> FileAnchor:
    return FileAnchor(str(state), VAULT, tell=tell.append)


def a_lower_counter_comes_last(state: Path, *, may_overtake: bool = False) -> int:
    """One program reads the anchor, another writes 9, or waits until it may, then the first one writes 5."""
    told: list[str] = []
    slow, fast = beside(state, told), beside(state, told)
    slow.settle(1, HEADER)
    thread = threading.Thread(target=fast.settle, args=(9, HEADER))

    def change(record: AnchorRecord) -> AnchorRecord:
        thread.start()
        thread.join(PATIENCE_SECONDS if may_overtake else 0.1)
        return record.advanced(HEADER, 5)

    slow.write(change, 5, HEADER)
    thread.join()
    assert told == []
    return seen(state)


def test_a_lower_counter_never_replaces_a_higher_one(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two programs take turns from reading to writing."""
    monkeypatch.setattr(state_directories, "_PATIENCE_SECONDS", PATIENCE_SECONDS)
    assert a_lower_counter_comes_last(state) == 9
    beside(state, []).settle(3, HEADER)
    assert seen(state) == 9


def test_a_lower_counter_is_not_noted_either(state: Path) -> None:
    """The one that is written before a commit is acknowledged, by programs that overtake each other."""
    told: list[str] = []
    slow, fast = beside(state, told), beside(state, told)
    slow.settle(1, HEADER)
    fast.settle(1, HEADER)
    fast.advance(9, HEADER)
    slow.advance(5, HEADER)
    record = beside(state, told).read()
    assert record is not None
    assert (record.counter, seen(state), told) == (9, 1, [])
    other = Header(vault_id=VAULT, lineage=b"\x02" * 16, epoch=1, created_us=0, identity=b"\x05" * 32)
    slow.advance(3, other)
    record = beside(state, told).read()
    assert record is not None
    assert record.counter == 1, "a counter of another lineage says nothing"


def test_the_race_is_real(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mutex the test above sees the higher counter lost."""
    monkeypatch.setattr(state_directories, "lock_or_fail", lambda _descriptor: None)
    assert a_lower_counter_comes_last(state, may_overtake=True) == 5


def test_a_stopped_program_hangs_nobody(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds the lock for ever costs the others a note."""
    monkeypatch.setattr(state_directories, "_PATIENCE_SECONDS", 0.05)
    told: list[str] = []
    beside(state, told).settle(1, HEADER)
    with state_directories.Mutex(str(state / "lock")):
        beside(state, told).settle(2, HEADER)
    assert len(told) == 1
    assert "held by another program" in told[0]
    assert seen(state) == 1


PROGRAM = """
import sys
from strongroom.keys.format import Header
from strongroom.locate import state_directory
from strongroom.locate.anchor import FileAnchor
state_directory._PATIENCE_SECONDS = 60.0
told = []
header = Header(vault_id=bytes([7]) * 16, lineage=bytes([1]) * 16, epoch=1, created_us=0, identity=bytes([5]) * 32)
for counter in sys.argv[2:]:
    FileAnchor(sys.argv[1], header.vault_id, tell=told.append).settle(int(counter), header)
sys.exit("; ".join(told) or 0)
"""


def test_processes_that_write_at_once(state: Path) -> None:
    """Six processes write shuffled counters; the greatest is what remains."""
    beside(state, []).settle(1, HEADER)
    shuffled = [[2 + (first * 37 + number * 53) % 200 for number in range(20)] for first in range(6)]
    commands = [[sys.executable, "-c", PROGRAM, str(state), *map(str, counters)] for counters in shuffled]
    children = [subprocess.Popen(command) for command in commands]
    assert [child.wait(60) for child in children] == [0] * len(children)
    assert seen(state) == max(max(counters) for counters in shuffled)
