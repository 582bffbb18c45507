"""What is different where the program is one executable file; `tests/e2e/test_executable.py` runs a real one."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from strongroom.doors.cli import certificate_timers, units
from strongroom.locate import agent_process


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/usr/local/bin/strongroom")


def test_the_interpreter_is_started_with_the_module() -> None:
    """The detector: not frozen, it is the module, and systemd believes the main process alone."""
    assert agent_process.command(["--x"])[-5:] == ["-P", "-m", "strongroom", "agent-process", "--x"]
    assert agent_process.can_choose_allocator()
    text = units.unit("/vault.db", None, is_system=False, user="")
    assert "-P -m strongroom agent --vault /vault.db\n" in text
    assert "NotifyAccess" not in text


@pytest.mark.usefixtures("frozen")
def test_the_executable_is_started_by_itself() -> None:
    """No interpreter's options; the allocator cannot be chosen; who is ready is a child of the main process."""
    assert agent_process.command(["--x"]) == ["/usr/local/bin/strongroom", "agent-process", "--x"]
    assert not agent_process.can_choose_allocator()
    text = units.unit("/vault.db", None, is_system=False, user="")
    assert "Type=notify\nNotifyAccess=all\nExecStart=/usr/local/bin/strongroom agent --vault /vault.db\n" in text
    timer = certificate_timers.service_text("/a.pem", "/vault.db", timedelta(hours=3), command=None, key_file=None)
    assert "ExecStart=/usr/local/bin/strongroom ca renew /a.pem --expiring 3h --vault /vault.db\n" in timer
