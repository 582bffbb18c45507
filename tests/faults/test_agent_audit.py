"""What strangers and full disks do to a running agent's audit file: it stays small and true."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.doors.agent.refusals import AT_ONCE, AT_ONCE_OF_ALL, EVERY_SECONDS, EVERY_SECONDS_OF_ALL
from strongroom.locate.audit_review import review
from tests.agents import IS_ROOT, LINUX, AgentUnderTest, make_vault, open_vault

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")

STRANGERS = range(54_321, 54_333)
READ = b"GET /v1/strongroom/raw/bank/checking?field=password HTTP/1.1\r\n\r\n"


def entries(directory: Path) -> list[dict[str, object]]:
    """What the agent wrote down, all of which holds."""
    found: list[dict[str, object]] = []
    with open_vault(directory) as vault:
        assert review(vault._core, f"{vault.location}.audit", show=found.append).findings == []
    return found


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user can look into; pytest's own are closed."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def as_user(uid: int, agent: AgentUnderTest, count: int) -> bytes:
    """What a process of that user is answered to *count* reads, sent one after the other without waiting."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        received = b""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(agent.socket))
            client.settimeout(60)
            for start in range(0, count, 100):
                client.sendall(READ * min(100, count - start))
            while received.count(b"HTTP/1.1 ") < count:
                received += client.recv(65536)
            os.write(writes, b"%d %d" % (received.count(b" 403 "), received.count(b"canary")))
        os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    said = os.read(reads, 100)
    os.close(reads)
    return said


@pytest.mark.skipif(not IS_ROOT, reason="needs root to be somebody else")
def test_strangers_fill_no_disk(open_place: Path) -> None:
    """Thousands of denied reads are hundreds of lines and a count; every one was refused, and the owner is heard."""
    make_vault(open_place)
    open_place.chmod(0o755)
    started = time.monotonic()
    with AgentUnderTest(open_place) as agent:
        agent.unlocked()
        agent.socket.chmod(0o666)
        for uid in STRANGERS:
            assert as_user(uid, agent, 500) == b"500 0"
        assert agent.read().body == b"canary-7f3a"
        agent.lock()
    took = time.monotonic() - started
    open_place.chmod(0o700)
    found = entries(open_place)
    denied = [one for one in found if one["outcome"] == "Denied"]
    assert len(denied) <= AT_ONCE_OF_ALL + took / EVERY_SECONDS_OF_ALL + 1
    assert all(sum(one["uid"] == uid for one in denied) <= AT_ONCE + took / EVERY_SECONDS + 1 for uid in STRANGERS)
    told = [one for one in found if one["operation"] == "refused"]
    assert {one["uid"] for one in told} == set(STRANGERS)
    counts = [int(str(one["outcome"]).split()[0]) for one in told]
    assert sum(counts) + len(denied) == 500 * len(STRANGERS)
    assert [one["outcome"] for one in found if one["operation"] == "read" and one["uid"] == os.getuid()] == ["ok"]


def test_a_full_disk_passes_by(tmp_path: Path) -> None:
    """While nothing can be written nothing is answered, and the status says why; afterwards it goes on by itself."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        agent.wait_until(lambda status: bool(status["verified"]))
        assert agent.read().status == 200
        [log] = (tmp_path / "vault.db.audit").iterdir()
        limits = resource.prlimit(agent.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 200, limits[1]))
        for _ in range(3):
            answer = agent.read()
            assert answer.status == 500
            assert b"canary" not in answer.body
        assert any("no space left" in note for note in agent.status()["notes"])  # type: ignore[attr-defined]
        # Eight clients at once are refused as one is.
        clients = [agent.connect() for _ in range(8)]
        for client in clients:
            client.sendall(READ)
        time.sleep(0.1)
        assert all(client.recv(4096).startswith(b"HTTP/1.1 500 ") for client in clients)
        resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, limits)
        assert agent.read().body == b"canary-7f3a"
        for client in clients:
            client.sendall(READ)
            assert client.recv(4096).endswith(b"canary-7f3a")
            client.close()
        assert agent.status()["notes"] == []
        agent.lock()
    found = entries(tmp_path)
    assert [one["outcome"] for one in found if one["operation"] == "audit"] == [
        "11 entries before this one could not be written, and were not answered"
    ]
    assert sum(one["operation"] == "read" for one in found) == 1 + 1 + 8
