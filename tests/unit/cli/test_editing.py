"""`edit`: which editor, and where its file may lie."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.doors.cli import editing
from strongroom.doors.cli.commands import log
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import Denied, NotFound
from strongroom.items import Version
from strongroom.stores import sqlite_file


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, ["vi", *editing._VI_ARGUMENTS]),
        ({"EDITOR": "nano"}, ["nano"]),
        ({"EDITOR": "nano", "VISUAL": "code --wait"}, ["code", "--wait"]),
        ({"EDITOR": "/usr/bin/nvim -R"}, ["/usr/bin/nvim", "-R", *editing._VI_ARGUMENTS]),
        ({"EDITOR": "'/with space/ed'"}, ["/with space/ed"]),
        ({"VISUAL": "", "EDITOR": "nano"}, ["nano"]),
    ],
)
def test_which_editor(environment: dict[str, str], command: list[str]) -> None:
    """VISUAL before EDITOR before vi; the vi family is told to leave nothing on the disk."""
    assert editing.editor_command(environment) == command


@pytest.mark.parametrize("variable", ["'unclosed", "   "])
def test_no_editor(variable: str) -> None:
    """What is no command is a usage error."""
    with pytest.raises(UsageError):
        editing.editor_command({"EDITOR": variable})


def test_memory_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory counts when it is mounted as tmpfs; on a disk, or unknown, editing is denied."""
    assert editing.memory_directory({}) == "/dev/shm"
    kinds = iter([b"ext4", b"tmpfs"])
    monkeypatch.setattr(sqlite_file, "file_system_kind", lambda *_args: next(kinds))
    assert editing.memory_directory({"XDG_RUNTIME_DIR": "/run"}) == "/run"
    monkeypatch.setattr(sqlite_file, "file_system_kind", lambda *_args: b"")
    with pytest.raises(Denied) as caught:
        editing.memory_directory({"XDG_RUNTIME_DIR": "/run"})
    assert "strongroom set" in caught.value.advice
    with pytest.raises(Denied):
        editing.memory_directory({})


def test_the_file_is_wiped_and_gone() -> None:
    """The bytes are overwritten before the name goes, and a crash inside the block changes nothing about it."""
    with editing._MemoryFile("/dev/shm") as file:
        file.write(bytearray(b"canary" * 1000))
        assert stat.S_IMODE(os.stat(file.path).st_mode) == 0o600
        descriptor = os.open(file.path, os.O_RDONLY)
        folder = os.path.dirname(file.path)
    try:
        assert os.read(descriptor, 10_000) == bytes(6000)
    finally:
        os.close(descriptor)
    assert not os.path.exists(folder)
    failed = editing._MemoryFile("/dev/shm")
    with pytest.raises(RuntimeError), failed:
        failed.write(bytearray(b"x"))
        raise RuntimeError
    assert not os.path.exists(os.path.dirname(failed.path))


def test_a_file_that_the_editor_removed() -> None:
    """A missing file is an error of ours, not an empty item."""
    with editing._MemoryFile("/dev/shm") as file, pytest.raises(NotFound):
        file.read()


@pytest.mark.parametrize(
    ("deleted", "expires", "destroyed", "state"),
    [
        (None, None, False, "present"),
        (-1, None, False, "deleted "),
        (1, None, False, "will be deleted "),
        (None, -1, False, "expired "),
        (None, 1, False, "expires "),
        (-1, -1, True, "destroyed"),
    ],
)
def test_the_states_of_a_version(deleted: int | None, expires: int | None, destroyed: bool, state: str) -> None:
    """`log` tells what was, what is and what will be."""

    def moment(hours: int | None) -> int:
        when = datetime.now(UTC) + timedelta(hours=hours or 0)
        return 0 if hours is None else int(when.timestamp() * 1_000_000)

    version = Version(
        1, created_us=1, deleted_us=moment(deleted), expires_us=moment(expires), destroyed=destroyed, author="x"
    )
    assert log._state(version).startswith(state)
