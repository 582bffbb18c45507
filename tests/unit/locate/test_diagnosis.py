"""What doctor judges, as tables: swap, core dumps, SQLite, clocks, access control lists, key slots, backups."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import pack

import pytest

from strongroom.errors import FormatUnsupported, UnsafePermissions
from strongroom.keys.slots import passphrase, recovery
from strongroom.locate.anchor_record import AnchorRecord
from strongroom.locate.diagnosis import files, machine, vault
from strongroom.locate.diagnosis.finding import Finding

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def messages(found: object) -> list[str]:
    return [one.message for one in found]  # type: ignore[attr-defined]


SWAP = {
    "none": (SWAPS, []),
    "no such file": ("", []),
    "a partition": (SWAPS + "/dev/sda2 partition 1 0 -2\n", ["/dev/sda2"]),
    "a file": (SWAPS + "/swapfile file 1 0 -2\n", ["/swapfile"]),
    "compressed memory": (SWAPS + "/dev/zram0 partition 1 0 100\n", []),
    "encrypted": (SWAPS + "/dev/dm-1 partition 1 0 -2\n", []),
    "one of each": (SWAPS + "/dev/dm-1 partition 1 0 -2\n/dev/zram0 partition 1 0 1\n/s file 1 0 1\n", ["/s"]),
}


@pytest.mark.parametrize("case", SWAP)
def test_swap(case: str) -> None:
    """What reaches a disk in the clear is named; zram and dm-crypt are not."""
    text, named = SWAP[case]
    found = list(machine.judge_swap(text, lambda device: device == "/dev/dm-1"))
    assert [name in found[0].message for name in named] == [True] * len(named)
    assert bool(found) is bool(named)
    assert all("dm-1" not in one.message and "zram" not in one.message for one in found)


def test_no_device_is_called_encrypted_by_mistake() -> None:
    """Only what the device mapper says of itself counts."""
    assert not machine.is_encrypted("/dev/null")
    assert not machine.is_encrypted("/swapfile")


CORES = {
    "no limit": ("core", -1, True),
    "a limit": ("core", 4096, True),
    "switched off": ("core", 0, False),
    "piped, whatever the limit": ("|/usr/share/apport/apport %p", 0, True),
    "unknown": ("", None, False),
}


@pytest.mark.parametrize("case", CORES)
def test_core_dumps(case: str) -> None:
    """A pipe does not heed the limit: core(5)."""
    pattern, limit, is_found = CORES[case]
    assert bool(list(machine.judge_core_dumps(pattern, limit))) is is_found


SQLITE = {
    "3.40.1": True, "3.44.5": True, "3.44.6": False, "3.45.0": True, "3.50.6": True, "3.50.7": False, "3.51.0": True,
    "3.51.2": True, "3.51.3": False, "3.53.1": False, "4.0.0": False,
}  # fmt: skip


@pytest.mark.parametrize("version", SQLITE)
def test_sqlite_with_the_wal_reset_fault(version: str) -> None:
    """Source: https://sqlite.org/wal.html#walresetbug."""
    assert bool(list(machine.judge_sqlite(version))) is SQLITE[version]


def test_a_sqlite_without_strict_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is serious: no vault opens."""
    monkeypatch.setattr("strongroom.stores.sqlite_file.SQLITE_VERSION", "3.36.0")
    assert FormatUnsupported in [one.error for one in machine.check_machine()]


CLOCKS = {
    "an hour slow": (3600, "60 minutes"),
    "five days": (5 * 86_400, "5 days"),
    "within bounds": (200, ""),
    "fine": (-9, ""),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_the_clock(case: str) -> None:
    """What was written in the future is found, a few minutes apart are not."""
    seconds, said = CLOCKS[case]
    found = messages(machine.judge_clock(NOW + timedelta(seconds=seconds), NOW, "the newest commit"))
    assert [said in one for one in found] == ([True] if said else [])


def acl(*entries: tuple[int, int, int]) -> bytes:
    return pack("<I", 2) + b"".join(pack("<HHI", *entry) for entry in entries)


OWNER, GROUP, OTHER, NOBODY = (1, 6, 0xFFFFFFFF), (4, 0, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF), 0xFFFFFFFF
LISTS = {
    "the mode alone": (acl(OWNER, GROUP, OTHER), []),
    "a user": (acl(OWNER, (2, 4, 1000), GROUP, (16, 7, NOBODY), OTHER), [("user 1000", 4)]),
    "a group": (acl(OWNER, (8, 6, 50), GROUP, (16, 7, NOBODY), OTHER), [("group 50", 6)]),
    "held back by the mask": (acl(OWNER, (2, 7, 1000), GROUP, (16, 0, NOBODY), OTHER), [("user 1000", 0)]),
    "without a mask": (acl(OWNER, (2, 2, 1000), GROUP, OTHER), [("user 1000", 2)]),
}


@pytest.mark.parametrize("case", LISTS)
def test_access_control_lists(case: str) -> None:
    """Who is named, and what the mask leaves."""
    listed, named = LISTS[case]
    assert files.named_in(listed) == named


@pytest.mark.parametrize("listed", [b"", b"\x03\0\0\0", b"\x02"])
def test_a_list_of_an_unknown_form_counts_as_open(listed: bytes) -> None:
    """Fail closed."""
    assert files.named_in(listed)[0][1] == 6


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A private file in a private directory; the directories above belong to this test run."""
    os.chmod(tmp_path, 0o700)
    path = tmp_path / "vault.db"
    path.touch(mode=0o600)
    return path


def found_at(path: Path) -> list[Finding]:
    return list(files.check_vault_files(str(path)))


def plant_list(path: Path, allowed: int) -> None:
    """The same bytes that `setfacl -m u:12345:...` writes."""
    try:
        whole = acl((1, 7, NOBODY), (2, allowed, 12345), GROUP, (16, 7, NOBODY), OTHER)
        os.setxattr(path, "system.posix_acl_access", whole)
    except OSError:
        pytest.skip("this file system has no access control lists")


def test_a_private_place_has_no_findings(place: Path) -> None:
    """The measure for the planted faults below."""
    assert found_at(place) == []


PLANTED = {
    "the vault is readable": (lambda path: os.chmod(path, 0o640), "is open to other users", "chmod go= "),
    "the log is readable": (
        lambda path: (path.parent / "vault.db-wal").touch(mode=0o644), "vault.db-wal is open to other", "chmod go= ",
    ),
    "the directory is writable": (lambda path: os.chmod(path.parent, 0o770), "can be written by other", "chmod go-w "),
    "the vault is a link": (
        lambda path: path.rename(path.parent / "x") and path.symlink_to("x"), "is a symbolic link", "give the path",
    ),
    "a second name": (lambda path: os.link(path, path.parent / "y"), "hard links", "remove the other names"),
    "a list on the vault": (lambda path: plant_list(path, 4), "opens vault", "setfacl -b "),
    "a list on the directory": (lambda path: plant_list(path.parent, 2), "opens directory", "setfacl -b "),
}  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_is_found(case: str, place: Path) -> None:
    """Each with the command that mends it."""
    plant, said, mend = PLANTED[case]
    plant(place)
    found = [one for one in found_at(place) if said in one.message]
    assert len(found) == 1
    assert found[0].error is UnsafePermissions
    assert found[0].mend.startswith(mend)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_foreign_owners_are_found(place: Path) -> None:
    """Of the file, its directory, and a directory far above."""
    deep = place.parent / "a" / "b" / "c"
    deep.mkdir(parents=True, mode=0o700)
    place = place.rename(deep / "vault.db")
    belongs = "belongs to user 12345"
    for path, said in ((place, belongs), (deep, belongs), (deep.parents[1], "who could exchange")):
        os.chown(path, 12345, 12345)
        assert [one.error for one in found_at(place) if said in one.message] == [UnsafePermissions]
        os.chown(path, 0, 0)
    assert found_at(place) == []


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
def test_a_writable_directory_above_is_found(place: Path) -> None:
    """Whoever can rename it can put another vault in its place; a sticky one such as /tmp is fine."""
    deep = place.parent / "above" / "below"
    deep.mkdir(parents=True, mode=0o700)
    place = place.rename(deep / "vault.db")
    os.chmod(deep.parent, 0o777)
    (finding,) = found_at(place)
    assert finding.mend == f"chmod go-w {deep.parent}"
    os.chmod(deep.parent, 0o1777)
    assert found_at(place) == []


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
def test_the_way_through_a_link_is_looked_at(place: Path) -> None:
    """The directory that holds the link can be used as well as the one that it leads to."""
    real = place.parent / "real"
    real.mkdir(mode=0o700)
    place.rename(real / "vault.db")
    holder = place.parent / "holder"
    holder.mkdir()
    (holder / "link").symlink_to(real)
    os.chmod(holder, 0o777)
    assert [one.mend for one in found_at(holder / "link" / "vault.db")] == [f"chmod go-w {holder}"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may look everywhere")
def test_what_cannot_be_looked_at_is_a_finding(place: Path) -> None:
    """A directory that cannot be entered is said to be one, and stops nothing."""
    os.chmod(place.parent, 0o600)
    try:
        assert "permission denied" in found_at(place)[0].message
    finally:
        os.chmod(place.parent, 0o700)


def test_a_key_file_beside_the_vault(place: Path) -> None:
    """A remark: whoever copies the directory has both."""
    key = place.parent / "key"
    key.touch(mode=0o400)
    (finding,) = files.check_key_file(str(key), str(place))
    assert not finding.is_serious
    (missing,) = files.check_key_file(str(place.parent / "nowhere"), str(place))
    assert missing.is_serious


class Record:
    """As much of a slot record as is judged."""

    def __init__(self, kind: int, parameters: bytes) -> None:
        self.kind = kind
        self.parameters = parameters
        self.slot_id = b"\xab" * 16


STRONG = Record(passphrase.KIND, passphrase.Argon2idProfile().encode(bytes(32)))
WEAK = Record(passphrase.KIND, passphrase.Argon2idProfile(memory_kib=19_456, iterations=2, lanes=1).encode(bytes(32)))
CODE = Record(recovery.KIND, bytes(32))


def test_key_slots() -> None:
    """A cheap key derivation is named with its slot; a single slot is one loss away from the end."""
    assert messages(vault.judge_slots([STRONG, CODE])) == []  # type: ignore[list-item]
    (weak,) = vault.judge_slots([WEAK, CODE])  # type: ignore[list-item]
    assert "key slot abababab" in weak.message
    assert "19 MiB" in weak.message
    assert "strongroom slot change abababab" in weak.mend
    (single,) = vault.judge_slots([STRONG])  # type: ignore[list-item]
    assert single.mend == "strongroom slot add recovery-code"


def days_ago(days: int) -> int:
    return int((NOW - timedelta(days=days)).timestamp()) * 1_000_000


BACKUPS = {
    "never": (AnchorRecord(b"", b"", 5), "no backup was made here"),
    "nothing known": (None, "no backup was made here"),
    "today": (AnchorRecord(b"", b"", 5, backup=(days_ago(0), 1)), ""),
    "long ago": (AnchorRecord(b"", b"", 5, backup=(days_ago(31), 1)), "31 days old, and 4 commits behind"),
    "long ago, but nothing was written since": (AnchorRecord(b"", b"", 5, backup=(days_ago(99), 5)), ""),
}


@pytest.mark.parametrize("case", BACKUPS)
def test_the_last_backup(case: str) -> None:
    """An old backup matters when commits are missing from it."""
    record, said = BACKUPS[case]
    found = messages(vault.judge_backup(record, now=NOW, days=30))
    assert [said in one for one in found] == ([True] if said else [])
