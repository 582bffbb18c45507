"""A scan leaves no value behind: not in the agent once it is locked, not in the process that asked, not on the disk."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.wire import counted, u32
from tests.agents import IS_ROOT, AgentUnderTest, make_vault
from tests.faults.test_agent_memory import deny_locked_memory, search

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root may read another process's memory")

VALUE = b"canary-7f3a"
NEEDLES = {
    "as stored": VALUE,
    "base64": base64.b64encode(VALUE)[:14],
    "hex": VALUE.hex().encode(),
    "squeezed": b"canary7f3a",
}


def test_a_locked_agent_has_forgotten_what_it_looked_for(tmp_path: Path) -> None:
    """Every form of a value is in its memory during a scan, and none after lock."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path, prepare=deny_locked_memory).unlocked() as agent:
        begun = agent.ask("POST", "/v1/strongroom/scan-begin?prefix=", b"").json()["data"]
        assert isinstance(begun, dict)
        target = f"/v1/strongroom/scan?scan={begun['scan']}"
        text = b"nothing here" * 10_000
        answer = agent.ask("POST", target, u32(1) + counted(text))
        assert answer.json()["data"] == {"findings": []}
        leak = b"x" * 1000 + b"base64: " + base64.b64encode(VALUE) + b" " + VALUE[:6] + b"' + '" + VALUE[6:]
        answer = agent.ask("POST", target, u32(1) + counted(leak))
        assert answer.body.count(b"bank/checking") == 2
        # The control: what is searched for later is there now.
        assert search(agent.pid, NEEDLES) == set(NEEDLES)
        agent.lock()
        assert search(agent.pid, NEEDLES) == set()
        assert agent.ask("POST", target, u32(0)).status == 503


def test_the_scanning_process_never_has_a_value(tmp_path: Path) -> None:
    """It asks an agent; root looks into it in the middle of the scan, when all has been begun."""
    make_vault(tmp_path)
    place = tmp_path / "project"
    place.mkdir()
    (place / "clean").write_text("nothing\n")
    (place / "leak").write_text(f"password = {VALUE.decode()}\n")
    script = (
        "import os, sys\n"
        "from strongroom.doors.cli import running, scanning\n"
        "ask = scanning._Leaks.found\n"
        "def stop(self, source):\n"
        "    os.write(1, b'stopped\\n'); os.read(0, 1)\n"
        "    return ask(self, source)\n"
        "scanning._Leaks.found = stop\n"
        "running.run_and_leave(['scan', sys.argv[1], '--vault', sys.argv[2]])\n"
    )
    with AgentUnderTest(tmp_path).unlocked() as agent:
        environment = {"STRONGROOM_AGENT_SOCKET": str(agent.socket), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        for name, is_there in (("clean", False), ("leak", True)):
            words = [sys.executable, "-c", script, str(place / name), str(tmp_path / "vault.db")]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            with subprocess.Popen(words, env=environment, **pipes) as scanning:  # type: ignore[call-overload]
                assert scanning.stdin is not None
                assert scanning.stdout is not None
                assert scanning.stdout.readline() == b"stopped\n"
                found = search(scanning.pid, NEEDLES)
                rest, _ = scanning.communicate(b"x")
            # The control: what the file itself holds is seen.
            assert found == ({"as stored"} if is_there else set())
            assert scanning.returncode == (13 if is_there else 0)
            assert VALUE not in rest
    files = [one for one in tmp_path.rglob("*") if one.is_file() and one.name != "leak"]
    assert not [one for one in files if VALUE in one.read_bytes()]
