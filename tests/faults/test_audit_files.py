"""Whoever can write to the agent's audit files cuts, edits, swaps and rewrites them, and is found out."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strongroom.errors import FormatUnsupported, StoreUnavailable, Tampered, UnsafePermissions
from strongroom.locate import audit_writing
from strongroom.locate.audit_files import audit_directory, file_path, list_writers
from strongroom.locate.audit_review import Review, hidden_names, review
from strongroom.locate.audit_writing import AuditFile
from strongroom.vault.audit_checkpoint import make_checkpoint, read_checkpoint
from strongroom.vault.audit_file import AuditKeys, Chain
from strongroom.vault.policy import Executable, Principal
from strongroom.vault.vault import Vault
from tests.agents import LINUX, make_vault, open_vault

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")

PROGRAM = Executable('/bin/a"b\n', device=1, inode=2, owner=0)
READER = Principal(1000, 1000, pid=77, executable=PROGRAM, unit="a.service")
FILE_BYTES = 4_000


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """An open vault."""
    make_vault(tmp_path)
    with open_vault(tmp_path) as one:
        yield one


@pytest.fixture
def directory(vault: Vault) -> Path:
    """Thirty lines in several files."""
    place = Path(audit_directory(vault.location, vault.vault_id))
    write(vault, place, 30)
    assert len(files_of(place)) > 2
    return place


def write(vault: Vault, directory: Path, count: int, *, start: int = 0) -> None:
    audit = AuditFile(str(directory), vault._core, file_bytes_max=FILE_BYTES)
    for number in range(start, start + count):
        audit.record(READER, "read", "bank/checking", ["password"], "ok", f"request-{number}", 1_000_000 + number)
    audit.close()


def files_of(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.log"))


def check(vault: Vault, directory: Path, *checkpoints: bytes) -> Review:
    return review(vault._core, str(directory), checkpoints=[read_checkpoint(vault._core, one) for one in checkpoints])


def checkpoint_of(vault: Vault, directory: Path) -> bytes:
    return make_checkpoint(vault._core, 5, check(vault, directory).newest)


def test_what_was_written_is_intact(vault: Vault, directory: Path) -> None:
    """Every line holds, over all files and after a second agent went on; rotation loses none."""
    write(vault, directory, 5, start=30)
    shown: list[dict[str, object]] = []
    found = review(vault._core, str(directory), checkpoints=[], show=shown.append)
    assert found.findings == []
    assert found.notes == []
    assert [entry["id"] for entry in shown] == [f"request-{number}" for number in range(35)]
    assert found.entries == 35 + len(files_of(directory))
    assert list(list_writers(str(directory)).values()) == [list(range(1, len(files_of(directory)) + 1))]


def test_no_name_stands_in_the_files(vault: Vault, directory: Path) -> None:
    """Paths and field names are hashes, which the vault's holder can turn back; the program is shown."""
    text = b"".join(file.read_bytes() for file in files_of(directory))
    assert b"bank" not in text
    assert b"checking" not in text
    assert b"password" not in text
    assert rb'"program":"/bin/a\"b\n"' in text
    names = hidden_names(vault._core, ["bank/checking"])
    assert names[AuditKeys(vault._core).hide("bank/checking")] == "bank/checking"
    assert names[AuditKeys(vault._core).hide("bank/")] == "bank/"
    # Equal field names of different items do not look alike.
    assert AuditKeys(vault._core).hide("a", "password") != AuditKeys(vault._core).hide("b", "password")


def _edit(lines: list[bytes]) -> None:
    lines[4] = lines[4].replace(b'"uid":1000', b'"uid":1001')


def _forge_link(lines: list[bytes]) -> None:
    lines[4] = lines[4][:-10] + b'00000000"}'


def _remove(lines: list[bytes]) -> None:
    del lines[4]


def _swap(lines: list[bytes]) -> None:
    lines[4], lines[5] = lines[5], lines[4]


def _repeat(lines: list[bytes]) -> None:
    lines.insert(5, lines[4])


def _garbage(lines: list[bytes]) -> None:
    lines[4] = b"\xff\x00 no line at all"


def _long(lines: list[bytes]) -> None:
    lines[4] = b"x" * 100_000


def _empty_line(lines: list[bytes]) -> None:
    lines.insert(4, b"")


def _cut_file(lines: list[bytes]) -> None:
    del lines[-2:]


def _first(lines: list[bytes]) -> None:
    lines[0] = lines[0].replace(b'"file":2', b'"file":3')


CHANGES: dict[str, Callable[[list[bytes]], None]] = {
    "a line edited": _edit,
    "a link forged": _forge_link,
    "a line removed": _remove,
    "two lines swapped": _swap,
    "a line repeated": _repeat,
    "a line replaced by garbage": _garbage,
    "a line longer than any": _long,
    "an empty line": _empty_line,
    "the end of a file in the middle": _cut_file,
    "the first line edited": _first,
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_found_without_a_checkpoint(vault: Vault, directory: Path, name: str) -> None:
    """In the second of several files; the finding names a file."""
    file = files_of(directory)[1]
    lines = file.read_bytes().removesuffix(b"\n").split(b"\n")
    CHANGES[name](lines)
    file.write_bytes(b"\n".join(lines) + b"\n")
    found = check(vault, directory)
    assert found.findings, name
    assert any(".log:" in finding for finding in found.findings), found.findings


def test_files_that_are_missing_or_exchanged(vault: Vault, directory: Path) -> None:
    """A file from the middle, or two under each other's names."""
    first, second, third, *_ = files_of(directory)
    kept = second.read_bytes()
    second.unlink()
    assert any("file 2 is missing" in finding for finding in check(vault, directory).findings)
    second.write_bytes(third.read_bytes())
    second.chmod(0o600)
    third.write_bytes(kept)
    assert check(vault, directory).findings
    # Older files that were put away are a note; so nothing forbids to clear up.
    second.write_bytes(kept)
    third.unlink()
    for file in files_of(directory)[2:]:
        file.unlink()
    first.unlink()
    found = check(vault, directory)
    assert found.findings == []
    assert "older ones are not here" in found.notes[0]


def test_only_a_checkpoint_shows_what_was_cut_off(vault: Vault, directory: Path) -> None:
    """The last line, the last file, or everything."""
    kept = checkpoint_of(vault, directory)
    assert check(vault, directory, kept).findings == []
    last = files_of(directory)[-1]
    lines = last.read_bytes().splitlines(keepends=True)
    last.write_bytes(b"".join(lines[:-1]))
    assert check(vault, directory).findings == []
    assert any("cut off" in finding for finding in check(vault, directory, kept).findings)
    last.unlink()
    assert check(vault, directory).findings == []
    assert any("cut off" in finding for finding in check(vault, directory, kept).findings)
    shutil.rmtree(directory)
    assert check(vault, directory).findings == []
    assert any("there is none" in finding for finding in check(vault, directory, kept).findings)


def test_only_a_checkpoint_shows_a_record_written_anew(vault: Vault, directory: Path) -> None:
    """Somebody with the keys writes as many other lines under the same writer's name."""
    kept = checkpoint_of(vault, directory)
    ((writer, numbers),) = list_writers(str(directory)).items()
    count = check(vault, directory).entries
    for file in files_of(directory):
        file.unlink()
    chain = Chain(AuditKeys(vault._core))
    text = chain.begin_file(writer, 1)
    for number in range(count - 1):
        text += chain.line(Principal(0, 0), "read", "innocent", [], "ok", f"request-{number}", 1)
    first = Path(file_path(str(directory), writer, numbers[0]))
    first.write_bytes(text)
    first.chmod(0o600)
    assert check(vault, directory).findings == []
    assert any("written anew" in finding for finding in check(vault, directory, kept).findings)


def test_a_checkpoint_cannot_be_changed(vault: Vault, directory: Path) -> None:
    """Each byte counts; a stranger's signature is none."""
    kept = checkpoint_of(vault, directory)
    for place in range(0, len(kept), 7):
        forged = bytearray(kept)
        forged[place] ^= 1
        with pytest.raises((Tampered, FormatUnsupported)):
            read_checkpoint(vault._core, bytes(forged))
    for forged_text in (b"", kept[:-1], kept + b"\n", kept.replace(b"\n", b"\r\n"), b"\xff" + kept):
        with pytest.raises(Tampered):
            read_checkpoint(vault._core, forged_text)


def test_a_checkpoint_of_before_a_new_root_key(vault: Vault, directory: Path) -> None:
    """The identity that signed it was the vault's once, the first one as well as later ones."""
    kept = [checkpoint_of(vault, directory)]
    for _ in range(2):
        vault.rotate(root=True)
        kept.append(checkpoint_of(vault, directory))
    write(vault, directory, 3, start=30)
    assert check(vault, directory, *kept).findings == []


def test_a_line_that_a_power_cut_left_unfinished(vault: Vault, directory: Path) -> None:
    """It is a note until an agent goes on in a new file, and then counted there."""
    last = files_of(directory)[-1]
    with last.open("ab") as file:
        file.write(b'{"n":99,"time"')
    found = check(vault, directory)
    assert found.findings == []
    assert "unfinished" in found.notes[0]
    write(vault, directory, 2, start=30)
    assert files_of(directory)[-1] > last
    assert check(vault, directory).findings == []
    with last.open("ab") as file:
        file.write(b"x")
    assert check(vault, directory).findings


def test_a_damaged_end_is_left_alone(vault: Vault, directory: Path) -> None:
    """An agent that cannot go on where the record ends begins a new writer, says so, and serves."""
    last = files_of(directory)[-1]
    last.write_bytes(last.read_bytes()[:-40] + b'0000000000"}\n')
    audit = AuditFile(str(directory), vault._core)
    audit.record(READER, "read", "a", [], "ok", "x", 1)
    audit.close()
    assert "goes on in a new file" in audit.notes[0]
    assert len(list_writers(str(directory))) == 2
    assert len(check(vault, directory).findings) == 1


def test_two_agents_at_once_are_two_writers(vault: Vault, tmp_path: Path) -> None:
    """Neither waits for the other, and both chains hold; the next agent takes one of them up."""
    directory = tmp_path / "audit"
    one, two = (AuditFile(str(directory), vault._core) for _ in range(2))
    for number in range(5):
        one.record(READER, "read", "a", [], "ok", f"{number}", 1)
        two.record(READER, "read", "b", [], "ok", f"{number}", 1)
    one.close()
    two.close()
    assert len(list_writers(str(directory))) == 2
    write(vault, directory, 1)
    assert len(list_writers(str(directory))) == 2
    assert check(vault, directory).findings == []


@contextmanager
def full_disk(audit: AuditFile, *, after: int = 0) -> Iterator[None]:
    """No more than *after* bytes still fit into the file that *audit* appends to."""
    size = os.fstat(audit._descriptor).st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + after, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def read(audit: AuditFile, name: str) -> None:
    audit.record(READER, "read", "bank/checking", ["password"], "ok", name, 1_000_000)


def shown(vault: Vault, directory: Path) -> list[tuple[object, object]]:
    """What the files say, once everything in them holds."""
    entries: list[dict[str, object]] = []
    assert review(vault._core, str(directory), checkpoints=[], show=entries.append).findings == []
    return [(entry["id"], entry["outcome"]) for entry in entries]


@pytest.mark.parametrize("after", [0, 1, 200, 400], ids=lambda after: f"{after} bytes left")
def test_a_full_disk_withholds_every_answer_until_there_is_room(vault: Vault, tmp_path: Path, after: int) -> None:
    """Nothing may be answered meanwhile; then the record goes on where it ended, says how many, and holds."""
    directory = tmp_path / "audit"
    audit = AuditFile(str(directory), vault._core)
    read(audit, "before")
    size = os.path.getsize(files_of(directory)[0])
    several = [(READER, "read", "bank/checking", ["password"], "ok", f"lost-{number}", 1) for number in range(3)]
    with full_disk(audit, after=after):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"cannot be written: (no space left|file too large)"):
                audit.record_all(several)
        assert audit.trouble
    read(audit, "after")
    assert not audit.trouble
    audit.close()
    told = ("", "6 entries before this one could not be written, and were not answered")
    assert shown(vault, directory) == [("before", "ok"), told, ("after", "ok")]
    assert len(files_of(directory)) == 1
    assert os.path.getsize(files_of(directory)[0]) > size


def test_an_agent_that_ends_on_a_full_disk_leaves_a_record_that_holds(vault: Vault, tmp_path: Path) -> None:
    """A part of a line stays behind, as after a power cut; the next agent goes on behind it."""
    directory = tmp_path / "audit"
    audit = AuditFile(str(directory), vault._core)
    read(audit, "before")
    with full_disk(audit, after=100), pytest.raises(StoreUnavailable):
        read(audit, "lost")
    audit.close()
    audit = AuditFile(str(directory), vault._core)
    read(audit, "after")
    audit.close()
    assert shown(vault, directory) == [("before", "ok"), ("after", "ok")]
    assert len(files_of(directory)) == 2


def test_what_the_disk_did_not_take_is_not_gone_on_with(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed fdatasync nobody knows what is there: nothing is answered before a new file has begun."""
    directory = tmp_path / "audit"
    audit = AuditFile(str(directory), vault._core)
    really = os.fdatasync

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(audit_writing.os, "fdatasync", fail)
    read(audit, "one")
    deadline = time.monotonic() + 60
    while not audit._is_suspect:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="input/output error"):
            read(audit, "lost")
    assert len(files_of(directory)) == 1, "what could not be begun is taken away again"
    monkeypatch.setattr(audit_writing.os, "fdatasync", really)
    audit._retry_at = 0.0
    read(audit, "two")
    assert not audit.trouble
    audit.close()
    assert len(files_of(directory)) == 2
    assert [one for one, _ in shown(vault, directory)] == ["one", "", "two"]


def test_a_file_that_cannot_be_begun_is_no_end_of_the_record(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one goes on beyond its size, trouble is told, and the next one begins when it can be."""
    directory = tmp_path / "audit"
    audit = AuditFile(str(directory), vault._core, file_bytes_max=1_000)
    begin = audit._begin

    def fail(_number: int, *, cut: int = 0) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(audit, "_begin", fail)
    for number in range(6):
        read(audit, f"{number}")
    assert "quota" in audit.trouble
    assert len(files_of(directory)) == 1
    monkeypatch.setattr(audit, "_begin", begin)
    audit._retry_at = 0.0
    for number in range(6, 9):
        read(audit, f"{number}")
    assert not audit.trouble
    audit.close()
    assert len(files_of(directory)) > 1
    assert [one for one, _ in shown(vault, directory)] == [f"{number}" for number in range(9)]


def test_places_that_are_open_to_others(vault: Vault, tmp_path: Path) -> None:
    """A directory that others may write to is refused, and a file that they may read is not gone on with."""
    directory = tmp_path / "audit"
    write(vault, directory, 1)
    directory.chmod(0o755)
    with pytest.raises(UnsafePermissions):
        AuditFile(str(directory), vault._core)
    directory.chmod(0o700)
    files_of(directory)[0].chmod(0o644)
    write(vault, directory, 1)
    assert len(list_writers(str(directory))) == 2
