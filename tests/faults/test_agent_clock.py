"""The machine's clock is set under a running agent: nothing that has ended comes back, and no time of life moves."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.agents import IS_ROOT, LINUX, AgentUnderTest, make_vault, open_vault
from tests.peers import require_programs

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")

STRANGER = 54_321
READ = b"GET /v1/strongroom/raw/bank/checking?field=password HTTP/1.1\r\nConnection: close\r\n\r\n"


class Clocked:
    """A running agent, and the clock of its machine."""

    def __init__(self, agent: AgentUnderTest) -> None:
        self.agent = agent
        self.moment = agent.directory / ".faketimerc"

    def set(self, offset: str) -> None:
        """Set the clock, by so much from what it really is."""
        self.moment.write_text(offset + "\n")

    def read(self, path: str) -> int:
        """The status of a read by the owner."""
        return self.agent.read(path).status

    def read_as_stranger(self) -> bytes:
        """The status of a read by another user, who has been granted it."""
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            os.setgroups([])
            os.setresuid(STRANGER, STRANGER, STRANGER)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.agent.socket))
                client.sendall(READ)
                os.write(writes, client.recv(4096)[9:12])
            os._exit(0)
        os.close(writes)
        os.waitpid(child, 0)
        with os.fdopen(reads, "rb") as said:
            return said.read()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory below which nothing is closed to other users but what the tests close; pytest's own are."""
    with tempfile.TemporaryDirectory(prefix="strongroom-test-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def clocked(place: Path) -> Iterator[Clocked]:
    """An agent that looks at the clock anew each time, with a value and a grant that end in an hour."""
    require_programs("faketime")
    make_vault(place)
    with open_vault(place) as vault:
        vault.set("short/lived", {"password": "x"}, expires=timedelta(hours=1))
        vault.add_grant("stranger", "user", STRANGER, {"read": ["bank/*"]}, lifetime=timedelta(hours=1))
    (place / ".faketimerc").write_text("+0\n")
    shown = subprocess.run(["faketime", "-f", "+0", "env"], capture_output=True, text=True, check=True).stdout
    environment = dict(line.split("=", 1) for line in shown.splitlines() if line.startswith("LD_PRELOAD="))
    environment |= {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    with AgentUnderTest(place, environment=environment) as agent:
        agent.unlock((place / "key").read_bytes(), way="key-file", more="&for=3600")
        yield Clocked(agent)


def seconds_left(clocked: Clocked) -> int:
    left = clocked.agent.status()["seconds_left"]
    assert isinstance(left, int)
    return left


def test_a_value_that_has_expired_stays_so(clocked: Clocked) -> None:
    """Also when the clock is put back; what is written afterwards lives as long as was said."""
    assert clocked.read("short/lived") == 200
    clocked.set("+2h")
    assert clocked.read("short/lived") == 410
    for offset in ("+0", "-1d", "-20y"):
        clocked.set(offset)
        assert clocked.read("short/lived") == 410, offset
        assert clocked.read("bank/checking") == 200, offset
    body = b'{"data": {"password": "new"}, "options": {"strongroom": {"lifetime_us": 3600000000}}}'
    assert clocked.agent.ask("POST", "/v1/secret/data/short/lived", body).status == 200
    assert clocked.read("short/lived") == 200
    clocked.set("+4h")
    assert clocked.read("short/lived") == 410


@pytest.mark.skipif(not IS_ROOT, reason="needs root to be somebody else")
def test_a_grant_that_has_ended_stays_so(clocked: Clocked) -> None:
    """Putting the clock back gives nobody anything."""
    clocked.agent.directory.chmod(0o711)
    clocked.agent.socket.chmod(0o666)
    assert clocked.read_as_stranger() == b"200"
    clocked.set("+2h")
    assert clocked.read_as_stranger() == b"403"
    for offset in ("+0", "-1d"):
        clocked.set(offset)
        assert clocked.read_as_stranger() == b"403", offset


def test_no_clock_lengthens_or_ends_the_keys_life(clocked: Clocked) -> None:
    """An hour is an hour of the machine's, whatever its clock shows."""
    for offset in ("+0", "-1d", "+1d", "-20y", "+20y"):
        clocked.set(offset)
        assert clocked.read("bank/checking") == 200, offset
        assert 3_000 < seconds_left(clocked) <= 3_600, offset
