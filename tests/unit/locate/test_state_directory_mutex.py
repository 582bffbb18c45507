"""The lock of a file in the state directory, interrupted wherever Python looks at signals."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from strongroom.locate.state_directory import Mutex
from tests.faults import interrupting


def test_nobody_waits_for_a_file_that_nobody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one gets it at once, and the one after an interrupt is not refused."""

    # One inside a destructor goes no further; it has nothing left to close then.
    monkeypatch.setattr(sys, "unraisablehook", lambda _what: None)

    def lock() -> None:
        with Mutex(str(tmp_path / "lock")):
            pass

    number = 1
    while interrupting.at_calls(number, lock):
        interrupting.KEPT.clear()
        lock()
        number += 1
    assert number > 5
