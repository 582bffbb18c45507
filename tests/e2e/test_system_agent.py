"""A system agent, with real Unix users: started as root, it reads a key that only root may, and serves as another."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import IS_ROOT, AgentUnderTest, make_vault, open_vault
from tests.e2e.test_cron import copy_modules

AGENT = "daemon"
CLIENT = "games"
STRANGER = "man"


def python_for_everybody() -> str | None:
    """An interpreter of this version that every user may run; None where there is none."""
    version = f"python3.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if os.path.exists(path) and all(map(is_for_everybody, (Path(path).absolute(), Path(path).resolve()))):
            return path
    return None


def is_for_everybody(path: Path) -> bool:
    """Whether every user may go there and run it."""
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


def have_users() -> bool:
    try:
        return all(pwd.getpwnam(name).pw_uid for name in (AGENT, CLIENT, STRANGER))
    except KeyError:
        return False


pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="only root can start a system agent"),
    pytest.mark.skipif(IS_ROOT and not have_users(), reason="the usual system users are missing"),
    pytest.mark.skipif(python_for_everybody() is None, reason="no interpreter that every user may run"),
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """``vault/`` of the agent's user, ``keys/`` of root, ``run/`` and ``modules/`` for everybody."""
    with tempfile.TemporaryDirectory(prefix="strongroom-test-", dir="/tmp") as name:
        root = Path(name)
        root.chmod(0o755)
        entry = pwd.getpwnam(AGENT)
        (root / "vault").mkdir(mode=0o700)
        make_vault(root / "vault")
        with open_vault(root / "vault") as vault:
            vault.add_grant("client", "user", pwd.getpwnam(CLIENT).pw_uid, {"read": ["bank/*"]}, shown=CLIENT)
            vault.set("private/thing", {"password": "canary-private"})
        (root / "keys").mkdir(mode=0o700)
        (root / "vault" / "key").rename(root / "keys" / "key")
        (root / "run").mkdir(mode=0o755)
        # The checkout may lie where only root may look, and the agent goes on importing as somebody else.
        (root / "modules").mkdir(mode=0o755)
        copy_modules(root / "modules")
        for path in (root / "run", root / "vault", *(root / "vault").iterdir()):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        yield root


def start(place: Path, environment: dict[str, str] | None = None) -> AgentUnderTest:
    """The agent, as root starts it."""
    python = python_for_everybody()
    assert python is not None
    agent = AgentUnderTest(
        place / "vault",
        "--user",
        AGENT,
        "--key-file",
        str(place / "keys" / "key"),
        socket_path=place / "run" / "agent.sock",
        python=python,
        # Nor may it write down in the checkout which of its lines were run.
        environment={"PYTHONPATH": str(place / "modules"), "COVERAGE_PROCESS_CONFIG": "", **(environment or {})},
    )
    return agent


def curl(user: str, agent: AgentUnderTest, target: str, method: str = "GET") -> tuple[int, bytes]:
    """One request as another user: the status and the body."""
    entry = pwd.getpwnam(user)
    done = subprocess.run(
        ["curl", "-s", "-X", method, "-w", "\n%{http_code}", "--unix-socket", str(agent.socket), f"http://a{target}"],
        capture_output=True,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        cwd="/",
        timeout=60,
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


READ = "/v1/strongroom/raw/bank/checking?field=password"


def test_it_serves_as_somebody_who_cannot_read_the_key(place: Path) -> None:
    """No uid, gid, group or capability of root is left; the key file is closed to it; granted users are served."""
    with start(place) as agent:
        assert agent.is_ready, agent.process.stderr and agent.process.stderr.read()
        entry = pwd.getpwnam(AGENT)
        text = Path(f"/proc/{agent.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {str(entry.pw_uid)}
        assert set(fields["Gid"].split()) == {str(entry.pw_gid)}
        assert "0" not in fields["Groups"].split()
        assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
        key = str(place / "keys" / "key")
        as_agent = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        tried = subprocess.run(["cat", key], capture_output=True, **as_agent)
        assert tried.returncode != 0
        status, body = curl(AGENT, agent, "/v1/strongroom/agent/status")
        assert status == 200
        assert b'"not_dumpable": true' in body
        assert b'"locked": false' in body
        assert agent.socket.stat().st_mode & 0o777 == 0o666
        assert curl(AGENT, agent, READ) == (200, b"canary-7f3a")
        assert curl(CLIENT, agent, READ) == (200, b"canary-7f3a")
        assert curl(CLIENT, agent, "/v1/strongroom/raw/private/thing?field=password")[0] == 403
        assert curl(STRANGER, agent, READ)[0] == 403
        for user in (CLIENT, STRANGER):
            assert curl(user, agent, "/v1/strongroom/agent/lock", "POST")[0] == 403
        assert agent.stop() == 0
        assert not agent.socket.exists()
    lines = b"".join(file.read_bytes() for file in (place / "vault" / "vault.db.audit").iterdir())
    assert f'"uid":{pwd.getpwnam(CLIENT).pw_uid}'.encode() in lines


def test_the_anchor_is_the_agents_own(place: Path) -> None:
    """It lies in a state directory of the agent's user; root's, which root's environment named, is left alone."""
    roots = place / "keys" / "state"
    for state, is_used in ((place / "vault" / "state", True), (roots, False)):
        with start(place, {"XDG_STATE_HOME": str(state)}) as agent:
            assert agent.is_ready
            assert curl(CLIENT, agent, READ) == (200, b"canary-7f3a")
            environment = Path(f"/proc/{agent.pid}/environ").read_bytes()
            assert str(state).encode() not in environment
        assert bool(list(state.glob("strongroom/*.anchor"))) is is_used
    assert not roots.exists()


def test_a_key_file_that_its_user_can_read_is_refused(place: Path) -> None:
    """Exit 9 before anything is served: dropping root would have protected nothing."""
    entry = pwd.getpwnam(AGENT)
    os.chown(place / "keys", entry.pw_uid, entry.pw_gid)
    os.chown(place / "keys" / "key", 0, 0)
    (place / "keys").chmod(0o755)
    (place / "keys" / "key").chmod(0o444)
    with start(place) as agent:
        assert not agent.is_ready
        assert agent.process.wait(60) == 9


def test_an_unknown_user_is_refused(place: Path) -> None:
    """Exit 4; root as the agent's user is exit 5."""
    for name, code in (("nobody-of-this-name", 4), ("root", 5)):
        with AgentUnderTest(place / "vault", "--user", name, socket_path=place / "run" / "agent.sock") as agent:
            assert not agent.is_ready
            assert agent.process.wait(60) == code
