"""Text that is only in memory: where it may lie, and that it goes, also after a sudden death."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.doors.cli.inputs import read_file
from strongroom.errors import Denied, NotFound, StoreUnavailable
from strongroom.locate import memory_files
from strongroom.locate.memory_files import MemoryFile, left_behind, memory_directory, wipe_left_behind
from strongroom.stores import sqlite_file

pytestmark = pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no memory-backed storage here")

KILLED = """
import os, signal
from strongroom.locate.memory_files import MemoryFile
with MemoryFile("/dev/shm") as file:
    file.write(bytearray(b"canary" * 1000))
    os.mkdir(os.path.join(os.path.dirname(file.path), "backups"))
    os.link(file.path, os.path.join(os.path.dirname(file.path), "backups", "old"))
    print(file.path, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_memory_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory counts when it is mounted as tmpfs; on a disk, or unknown, editing is denied."""
    assert memory_directory({}) == "/dev/shm"
    kinds = iter([b"ext4", b"tmpfs"])
    monkeypatch.setattr(sqlite_file, "file_system_kind", lambda *_args: next(kinds))
    assert memory_directory({"XDG_RUNTIME_DIR": "/run"}) == "/run"
    monkeypatch.setattr(sqlite_file, "file_system_kind", lambda *_args: b"")
    with pytest.raises(Denied) as caught:
        memory_directory({"XDG_RUNTIME_DIR": "/run"})
    assert "strongroom set" in caught.value.advice
    with pytest.raises(Denied):
        memory_directory({})


def test_the_file_is_wiped_and_gone() -> None:
    """The bytes are overwritten before the name goes, and a crash inside the block changes nothing about it."""
    with MemoryFile("/dev/shm") as file:
        file.write(bytearray(b"canary" * 1000))
        assert stat.S_IMODE(os.stat(file.path).st_mode) == 0o600
        descriptor = os.open(file.path, os.O_RDONLY)
        folder = os.path.dirname(file.path)
    try:
        assert os.read(descriptor, 10_000) == bytes(6000)
    finally:
        os.close(descriptor)
    assert not os.path.exists(folder)
    failed = MemoryFile("/dev/shm")
    with pytest.raises(RuntimeError), failed:
        failed.write(bytearray(b"x"))
        raise RuntimeError
    assert not os.path.exists(os.path.dirname(failed.path))


def test_a_file_that_the_editor_removed() -> None:
    """A missing file is an error of ours, not an empty item."""
    with MemoryFile("/dev/shm") as file, pytest.raises(NotFound):
        read_file(file.path)


def test_what_a_killed_process_left() -> None:
    """It is found, overwritten and removed; what is in use, a stranger's or open to others stays."""
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    path = Path(done.stdout.strip())
    descriptor = os.open(path, os.O_RDONLY)
    open_to_others = Path(f"/dev/shm/strongroom-{os.urandom(8).hex()}")
    open_to_others.mkdir()
    open_to_others.chmod(0o755)
    linked = Path(f"/dev/shm/strongroom-{os.urandom(8).hex()}")
    linked.symlink_to(path.parent)
    try:
        with MemoryFile("/dev/shm") as used:
            used.write(bytearray(b"x"))
            assert str(path.parent) in set(left_behind())
            assert os.path.dirname(used.path) not in set(left_behind())
            assert str(path.parent) in wipe_left_behind()
            assert os.path.exists(used.path)
        assert os.pread(descriptor, 10_000, 0) == bytes(6000)
        assert not path.parent.exists()
        assert open_to_others.exists()
        assert linked.is_symlink()
    finally:
        os.close(descriptor)
        open_to_others.rmdir()
        linked.unlink()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a directory away")
def test_what_a_stranger_planted() -> None:
    """Another user's directory of that name is not looked into."""
    planted = Path(f"/dev/shm/strongroom-{os.urandom(8).hex()}")
    planted.mkdir(mode=0o700)
    (planted / "item.json").write_text("x")
    os.chown(planted, 65_534, 65_534)
    try:
        assert str(planted) not in wipe_left_behind()
        assert (planted / "item.json").exists()
    finally:
        (planted / "item.json").unlink()
        planted.rmdir()


def test_a_directory_that_was_taken_for_a_stale_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between making and locking it somebody removes it: there is another one."""
    made: list[str] = []

    def mkdir(path: str, mode: int) -> None:
        made.append(path)
        if len(made) > 2:
            real_mkdir(path, mode)
        elif len(made) == 2:
            real_mkdir(path, mode)
            os.rmdir(path)

    def flock(descriptor: int, how: int) -> None:
        real_flock(descriptor, how)
        if len(made) == 3:
            os.rmdir(made[-1])

    real_mkdir, real_flock = os.mkdir, fcntl.flock
    monkeypatch.setattr(memory_files.os, "mkdir", mkdir)
    monkeypatch.setattr(fcntl, "flock", flock)
    with MemoryFile("/dev/shm") as file:
        file.write(bytearray(b"x"))
        assert len(made) == 4
        assert os.path.dirname(file.path) == made[-1]


@pytest.mark.parametrize(("fails", "is_gone"), [("write", True), ("rmdir", False)])
def test_what_cannot_be_wiped(monkeypatch: pytest.MonkeyPatch, fails: str, is_gone: bool) -> None:
    """It is said; what cannot be overwritten is removed all the same, and what stays is named."""

    def fail(*_arguments: object) -> None:
        raise OSError(5, "Input/output error")

    file = MemoryFile("/dev/shm")
    with pytest.raises(StoreUnavailable, match=r"cannot wipe .*: input/output error") as caught, file:
        file.write(bytearray(b"x"))
        monkeypatch.setattr(memory_files.os, fails, fail)
    monkeypatch.undo()
    folder = os.path.dirname(file.path)
    assert os.path.exists(folder) is not is_gone
    assert (f"rm -r {folder}" in caught.value.advice) is not is_gone
    if not is_gone:
        assert os.listdir(folder) == []
        os.rmdir(folder)
