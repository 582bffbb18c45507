"""What the agent's process is started with, and what systemd is told."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from strongroom.doors.agent import exit_codes as agent_codes
from strongroom.doors.agent.arguments import parse
from strongroom.doors.cli import exit_codes as cli_codes
from strongroom.doors.cli.units import unit
from strongroom.errors import StrongroomError, UnsafePermissions

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the agent is tested on Linux")


def test_every_option() -> None:
    """Each in its place."""
    texts = "--vault /v --socket /s --user u --key-file /k --audit-dir /a --expect-vault 9"
    found = parse(f"{texts} --for 5 --idle 6 --ready-fd 7 --expect-counter 8".split())
    assert (found.vault, found.socket, found.user, found.key_file, found.audit_dir) == ("/v", "/s", "u", "/k", "/a")
    assert found.expect_vault == "9"
    assert (found.life_seconds, found.idle_seconds, found.ready_fd, found.expect_counter) == (5, 6, 7, 8)


@pytest.mark.parametrize(
    "words",
    ["", "--vault", "--for 5", "--vault /v --for x", "--vault /v --for -1", "--vault /v --new 1", "--vault /v x"],
)
def test_anything_else_is_refused(words: str) -> None:
    """It is no interface for people."""
    with pytest.raises(StrongroomError, match="strongroom agent"):
        parse(words.split())


def test_the_exit_codes_are_the_documented_ones() -> None:
    """The agent's table is a part of the command line's."""
    assert set(agent_codes.EXIT_CODES) <= set(cli_codes.EXIT_CODES)
    for kind, code in cli_codes.EXIT_CODES:
        if kind is not cli_codes.UsageError and kind.__name__ not in ("OutcomeUnknown", "Expired"):
            assert agent_codes.exit_code(kind("x")) == code, kind


def test_states_are_told_to_systemd(tmp_path: Path) -> None:
    """On a path and on an abstract address; nobody there is no error."""
    from strongroom.doors.agent.notifying import Notifier

    for address, name in ((str(tmp_path / "n"), str(tmp_path / "n")), (f"\0strongroom-{os.getpid()}", "")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(address)
            listener.settimeout(60)
            notifier = Notifier({"NOTIFY_SOCKET": name or "@" + address[1:]})
            notifier.status("locked")
            assert listener.recv(100) == b"STATUS=locked"
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).stopping()
    Notifier({}).stopping()


def test_only_one_unix_socket_is_taken_from_systemd() -> None:
    """Several, or none for this process."""
    from strongroom.doors.agent.listening import passed_by_systemd

    assert passed_by_systemd({}, 5) is None
    assert passed_by_systemd({"LISTEN_PID": "4", "LISTEN_FDS": "1"}, 5) is None
    with pytest.raises(UnsafePermissions):
        passed_by_systemd({"LISTEN_PID": "5", "LISTEN_FDS": "2"}, 5)


def test_words_of_a_unit_are_quoted() -> None:
    """Spaces, percent signs, dollars and quotes stand for themselves; line ends are refused."""
    text = unit('/a b/100%/$HOME/"x".db', None, is_system=True, user="")
    assert '--vault "/a b/100%%/$$HOME/\\"x\\".db"' in text
    assert "WantedBy=multi-user.target" in text
    text = unit("/v", "/k e y", is_system=True, user="sync")
    assert '--user sync --key-file "/k e y"' in text
    with pytest.raises(StrongroomError):
        unit("/v\nExecStart=/bin/sh", None, is_system=False, user="")
