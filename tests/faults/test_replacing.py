"""A file whose values become references, with a fault or a sudden death at each call: old or new, and whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.replacing_workload import NEW, OLD

pytestmark = strace.needs_strace()

SCRIPT = str(Path(__file__).with_name("replacing_workload.py"))
CALLS = ("write", "pwrite64", "fsync", "rename", "fchmod", "pread64", "fstat")
FAULTS = {"killed": "signal=KILL", "disk full": "error=ENOSPC", "I/O error": "error=EIO"}


def new_directory(root: Path, name: str) -> Path:
    directory = root / name
    directory.mkdir()
    (directory / "file").write_bytes(OLD)
    return directory


def test_without_a_fault(tmp_path: Path) -> None:
    """The workload itself replaces the file, and leaves nothing else there."""
    directory = new_directory(tmp_path, "d")
    said, lines = strace.record(str(directory), CALLS, "replace", script=SCRIPT)
    assert said == ["done"]
    assert (directory / "file").read_bytes() == NEW
    assert [path.name for path in directory.iterdir()] == ["file"]
    assert {"pwrite64", "fsync", "rename"} <= {line.split("(")[0].split()[-1] for line in lines}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_call(tmp_path: Path, fault: str) -> None:
    """Whole old or whole new content under the name; an error says so, and leaves no half-written file beside it."""
    happenings = 0
    for call in ("write", "pwrite64", "fsync", "rename"):
        for number in range(1, 9):
            directory = new_directory(tmp_path, f"{call}-{number}")
            said, happened = strace.inject(str(directory), call, FAULTS[fault], number, "replace", script=SCRIPT)
            content = (directory / "file").read_bytes()
            assert content in (OLD, NEW), (call, number)
            if not happened:
                assert (said, content) == (["done"], NEW)
                break
            happenings += 1
            assert "done" not in said or call == "write", (call, number, said)
            beside = {path.name for path in directory.iterdir()} - {"file"}
            for name in beside:
                # Killed on the way: what may lie there holds references, and never a value.
                assert fault == "killed", (call, number)
                assert b"canary" not in (directory / name).read_bytes()
    assert happenings >= 6
