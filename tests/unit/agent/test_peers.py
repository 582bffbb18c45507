"""Who is at the other end, and which texts of the kernel name a system unit."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the agent is tested on Linux")

UNITS = {
    "0::/system.slice/cron.service": "cron.service",
    "0::/system.slice/system-sync.slice/sync@1.service/sub/group": "sync@1.service",
    "0::/system.slice/docker-abc.scope": "docker-abc.scope",
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/cron.service": "",
    "0::/user.slice/user-1000.slice/session-3.scope": "",
    "0::/": "",
    "0::/../system.slice/cron.service": "",
    "0::/system.slice": "",
    "0::/system.slice/not-a-unit/cron.service": "",
    "1:name=systemd:/system.slice/cron.service": "",
    "": "",
}


@pytest.mark.parametrize("text", UNITS)
def test_only_system_units_count(text: str) -> None:
    """Below user.slice everybody can name a unit as they like."""
    from strongroom.doors.agent.peers import system_unit

    assert system_unit(f"12:cpu:/x\n{text}\n") == UNITS[text]


def test_this_process() -> None:
    """Uid, gid, groups, process and the very file that runs."""
    from strongroom.doors.agent.peers import principal_of

    one, other = socket.socketpair()
    with one, other:
        principal = principal_of(one)
    assert (principal.uid, principal.gid, principal.pid) == (os.getuid(), os.getgid(), os.getpid())
    assert principal.groups == frozenset(os.getgroups())
    status = os.stat("/proc/self/exe")
    assert principal.executable is not None
    assert (principal.executable.device, principal.executable.inode) == (status.st_dev, status.st_ino)
    assert principal.executable.owner == status.st_uid


def test_a_process_that_has_ended_has_no_program(tmp_path: object) -> None:
    """Its number may be somebody else's by now; uid and gid were said at the time of the connection."""
    from strongroom.doors.agent.peers import principal_of

    path = f"{tmp_path}/a.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        script = f"import socket, time; s = socket.socket(socket.AF_UNIX); s.connect({path!r})"
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
        accepted, _ = listener.accept()
        with accepted:
            principal = principal_of(accepted)
    assert principal.uid == os.getuid()
    assert principal.executable is None
    assert principal.unit == ""
