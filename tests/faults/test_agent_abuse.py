"""Clients that want too much, go too slowly or come from elsewhere: refused, in bounded memory, others served."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from strongroom.doors.agent.connection import REQUEST_SECONDS
from strongroom.keys.slots.passphrase import Argon2idProfile
from tests.agents import IS_ROOT, LINUX, PASSPHRASE, PATIENCE_SECONDS, AgentUnderTest, make_vault, open_vault
from tests.patience import undisturbed

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")

ROOM_KIB = 64 * 1024
STRANGER = 54_321
WRITE = "/v1/secret/data/some/item"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentUnderTest]:
    """An unlocked agent."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path) as one:
        yield one.unlocked()


def raw(agent: AgentUnderTest, data: bytes) -> bytes:
    """Send bytes on a connection of their own, and read the answer, or until it is closed."""
    with agent.connect() as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while not is_whole(received) and (more := connection.recv(65536)):
                received += more
        return received


def is_whole(received: bytes) -> bool:
    """Whether an answer has come with all of its body."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


# name: (what is sent, the status that comes back)
REFUSED = {
    "a body of 4 GiB": (b"POST /v1/secret/data/a HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n", 413),
    "a body of a length beyond numbers": (b"POST /v1/x HTTP/1.1\r\nContent-Length: " + b"9" * 300 + b"\r\n\r\n", 413),
    "a negative length": (b"POST /v1/x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "two lengths": (b"POST /v1/x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "chunks": (b"POST /v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
    "a huge header": (b"GET /v1/x HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "headers without end": (b"GET /v1/x HTTP/1.1\r\n" + b"X: a\r\n" * 10_000, 431),
    "many headers": (b"GET /v1/x HTTP/1.1\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431),
    "an endless first line": (b"GET /" + b"a" * 40_000, 431),
    "a long first line": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 414),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "HTTP of tomorrow": (b"GET /v1/x HTTP/2.0\r\n\r\n", 505),
    "a folded header": (b"GET /v1/x HTTP/1.1\r\nX: a\r\n  b\r\n\r\n", 400),
    "bad percent-encoding": (b"GET /v1/%zz HTTP/1.1\r\n\r\n", 400),
    "another vault's agent": (b"GET /v1/sys/health HTTP/1.1\r\nX-Strongroom-Vault: 0123456789abcdef\r\n\r\n", 421),
}


def test_malformed_requests_are_refused(agent: AgentUnderTest) -> None:
    """Each with its status and without what was sent; the next client is served."""
    for name, (sent, status) in REFUSED.items():
        received = raw(agent, sent)
        assert received.startswith(f"HTTP/1.1 {status} ".encode()), (name, received[:200])
        assert b"aaaaaaaa" not in received, name
        assert agent.read().body == b"canary-7f3a", name


# name: a body that is no item
BODIES = {
    "a key twice": b'{"data": {"a": "1", "a": "2"}}',
    "a key twice further down": b'{"data": {"a": {"b": 1, "b": 2}}}',
    "a deep list": b'{"data": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "a deep object": b'{"data": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "a number without end": b'{"data": {"a": ' + b"9" * 100_000 + b"}}",
    "not a number": b'{"data": {"a": NaN}}',
    "not JSON": b"data=canary-in-a-body",
    "not UTF-8": b'{"data": {"a": "\xff"}}',
    "a list": b"[1]",
}


def test_malformed_bodies_are_refused(agent: AgentUnderTest) -> None:
    """400, without a word of the body, and nothing is written."""
    for name, body in BODIES.items():
        answer = agent.ask("POST", WRITE, body)
        assert answer.status == 400, (name, answer)
        assert b"canary" not in answer.body, name
        assert agent.ask("GET", WRITE).status == 404, name
        assert agent.read().body == b"canary-7f3a", name


def test_a_thousand_idle_connections(agent: AgentUnderTest) -> None:
    """They cost little, and everybody else is served."""
    agent.read()
    before = agent.resident_kib()
    idle = []
    try:
        for _ in range(1000):
            idle.append(agent.connect())
        assert agent.read().body == b"canary-7f3a"
        agent.wait_until(lambda status: status["connections"] == 1001)
        assert agent.resident_kib() - before < ROOM_KIB
        for _ in range(50):
            assert agent.read().status == 200
    finally:
        for connection in idle:
            connection.close()
    agent.wait_until(lambda status: status["connections"] == 1)


def test_more_connections_than_there_is_room_for(tmp_path: Path) -> None:
    """The oldest idle ones give way; a new client is served."""
    import resource

    make_vault(tmp_path)
    few = (256, 256)
    with AgentUnderTest(tmp_path, prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few)) as agent:
        agent.unlocked()
        idle = [agent.connect() for _ in range(300)]
        try:
            assert agent.read().body == b"canary-7f3a"
            assert idle[0].recv(1) == b""
        finally:
            for connection in idle:
                connection.close()
        assert agent.read().body == b"canary-7f3a"


def test_slow_requests_are_cut_off(agent: AgentUnderTest) -> None:
    """A client that sends a byte now and then is told so and cut; meanwhile others are served at once."""
    started = time.monotonic()
    slow = [agent.connect() for _ in range(200)]
    served = 0
    try:
        for connection in slow:
            connection.sendall(b"GET /v1/sys/health HTTP/1.1\r\nX: ")
        while agent.status()["connections"] != 1:
            assert time.monotonic() - started < REQUEST_SECONDS + PATIENCE_SECONDS, "they are not cut off"
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for connection in slow:
                    connection.sendall(b"a")
            assert agent.read().status == 200
            served += 1
            time.sleep(0.5)
        # Nobody is cut before the time, and nobody else had to wait for that.
        assert time.monotonic() - started >= REQUEST_SECONDS
        assert served > 4
        with contextlib.suppress(ConnectionResetError):
            assert slow[0].recv(65536).startswith(b"HTTP/1.1 408 ")
    finally:
        for connection in slow:
            connection.close()


def test_large_bodies_that_never_end(agent: AgentUnderTest) -> None:
    """Sixty clients announce 20 MiB and send most of it: there is room for a few, and others are served."""
    agent.read()
    before = agent.resident_kib()
    hoarders: list[socket.socket] = []
    peak = 0
    try:
        for _ in range(60):
            connection = agent.connect()
            connection.settimeout(2)
            hoarders.append(connection)
            head = f"POST {WRITE} HTTP/1.1\r\nContent-Length: {20 << 20}\r\n\r\n".encode()
            with contextlib.suppress(OSError):
                connection.sendall(head + b"x" * (10 << 20))
            peak = max(peak, agent.resident_kib() - before)
        assert agent.read().body == b"canary-7f3a"
        assert peak < ROOM_KIB, f"{peak} KiB"
    finally:
        for connection in hoarders:
            connection.close()


def test_clients_that_do_not_take_their_answers(agent: AgentUnderTest) -> None:
    """Answers of a megabyte that nobody reads are bounded in the same way."""
    body = b'{"data": {"large": "' + b"v" * (1 << 20) + b'"}}'
    assert agent.ask("POST", WRITE, body).status == 200
    before = agent.resident_kib()
    deaf = []
    try:
        for _ in range(150):
            connection = agent.connect()
            deaf.append(connection)
            connection.sendall(b"GET " + WRITE.encode() + b" HTTP/1.1\r\n\r\n")
        assert agent.read().body == b"canary-7f3a"
        assert agent.resident_kib() - before < ROOM_KIB
    finally:
        for connection in deaf:
            connection.close()


def test_a_flood_of_unlock_attempts(agent: AgentUnderTest) -> None:
    """One key derivation at a time, ever later; reads go on meanwhile."""
    agent.read()
    before = agent.resident_kib("VmHWM")
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(agent.unlock(b"wrong").status), daemon=True) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    assert agent.read().body == b"canary-7f3a"
    for thread in threads:
        thread.join()
    # The cheap slot of this vault takes 19 MiB for one derivation.
    assert agent.resident_kib("VmHWM") - before < ROOM_KIB
    assert answers.count(429) > 30
    assert set(answers) <= {400, 429}
    assert agent.status()["locked"] is False


def test_a_client_that_leaves_while_its_passphrase_is_tried(tmp_path: Path) -> None:
    """The loop sleeps until the key derivation is over, and is not woken by the hang-up again and again."""
    make_vault(tmp_path, profile=Argon2idProfile(memory_kib=65_536, iterations=10, lanes=1))
    with AgentUnderTest(tmp_path) as agent:
        words = b"POST /v1/strongroom/agent/unlock?way=typed HTTP/1.1\r\nContent-Length: 7\r\n\r\nmistake"
        before, started = loop_seconds(agent.pid), time.monotonic()
        with agent.connect() as client:
            client.sendall(words)
        while agent.status()["failed_attempts"] == 0:
            assert time.monotonic() - started < 60
            time.sleep(0.05)
        took = time.monotonic() - started
        assert took > 0.2, "the derivation is too quick to show anything"
        assert loop_seconds(agent.pid) - before < took / 4
        agent.wait_until(lambda status: status["connections"] == 1)


def loop_seconds(pid: int) -> float:
    """The processor time of the thread that serves clients; key derivations have their own."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def heard(agent: AgentUnderTest, secret: bytes) -> tuple[int, float, float]:
    """Attempt until it is heard: the status, when it was sent, and when it was answered."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        sent = time.monotonic()
        status = agent.unlock(secret).status
        if status != 429:
            return status, sent, time.monotonic()
        assert sent < deadline, "it is never heard"
        time.sleep(0.02)


def test_wrong_attempts_are_heard_ever_later(agent: AgentUnderTest) -> None:
    """After half a second, one, two; the right passphrase waits for it as well."""
    attempts = [heard(agent, secret) for secret in (b"wrong", b"wrong", b"wrong", PASSPHRASE)]
    assert [status for status, _, _ in attempts] == [400, 400, 400, 204]
    waits = [answered - sent for (_, sent, _), (_, _, answered) in pairwise(attempts)]
    assert all(wait >= delay for wait, delay in zip(waits, (0.5, 1, 2), strict=True)), waits
    assert agent.status()["failed_attempts"] == 0


# name: what is made at the socket's place or around it
PLACES = {
    "a file": lambda place: place.write_text("x"),
    "a link": lambda place: place.symlink_to("/tmp/elsewhere.sock"),
    "a dangling lock": lambda place: Path(f"{place}.lock").symlink_to("/tmp/elsewhere.lock"),
    "a directory for everybody": lambda place: place.parent.chmod(0o777),
    "a directory for the group": lambda place: place.parent.chmod(0o770),
}


@pytest.mark.parametrize("name", PLACES)
def test_unsafe_places_are_refused(tmp_path: Path, name: str) -> None:
    """Exit 9, and nothing of it was touched."""
    make_vault(tmp_path)
    place = tmp_path / "run" / "agent.sock"
    place.parent.mkdir(mode=0o700)
    PLACES[name](place)
    with AgentUnderTest(tmp_path, socket_path=place) as agent:
        assert not agent.is_ready
        assert agent.process.wait(PATIENCE_SECONDS) == 9
    assert not place.exists() or place.read_text() == "x"


@pytest.mark.skipif(not IS_ROOT, reason="only root can make another user's files")
@pytest.mark.parametrize("what", ["directory", "socket"])
def test_foreign_places_are_refused(tmp_path: Path, what: str) -> None:
    """A directory or socket of somebody else's is nowhere to listen."""
    make_vault(tmp_path)
    place = tmp_path / "run" / "agent.sock"
    place.parent.mkdir(mode=0o700)
    if what == "socket":
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.bind(str(place))
        os.chown(place, STRANGER, STRANGER)
    else:
        os.chown(place.parent, STRANGER, STRANGER)
    with AgentUnderTest(tmp_path, socket_path=place) as agent:
        assert not agent.is_ready
        assert agent.process.wait(PATIENCE_SECONDS) == 9


def test_a_linked_directory_is_refused(tmp_path: Path) -> None:
    """Whoever owns the link could point it elsewhere."""
    make_vault(tmp_path)
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    with AgentUnderTest(tmp_path, socket_path=tmp_path / "link" / "agent.sock") as agent:
        assert not agent.is_ready
        assert agent.process.wait(PATIENCE_SECONDS) == 9


def test_one_agent_for_each_socket(agent: AgentUnderTest) -> None:
    """A second one ends with exit 10, and the first goes on."""
    with AgentUnderTest(agent.directory) as second:
        assert not second.is_ready
        assert second.process.wait(PATIENCE_SECONDS) == 10
    assert agent.read().status == 200


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """What was answered is there after kill -9: writes in the vault, reads in the audit file; a new agent starts."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        for number in range(20):
            body = b'{"data": {"password": "value-%d"}}' % number
            assert agent.ask("POST", f"/v1/secret/data/many/{number}", body).status == 200
            assert agent.read().status == 200
        agent.process.kill()
        agent.process.wait()
        assert stat.S_ISSOCK(agent.socket.stat().st_mode)
    lines = b"".join(file.read_bytes() for file in (tmp_path / "vault.db.audit").iterdir())
    assert lines.count(b'"operation":"read"') == 20
    with open_vault(tmp_path) as vault:
        assert sorted(vault.list("many")) == sorted(str(number) for number in range(20))
        vault.verify()
    with AgentUnderTest(tmp_path) as agent:
        assert agent.unlocked().read("many/19").body == b"value-19"
        assert agent.stop() == 0
        assert not agent.socket.exists()


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user can look into; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="strongroom-test-", dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_another_user_is_refused_whatever_the_mode(open_place: Path) -> None:
    """The kernel's word counts: with a socket open to everybody a stranger gets 403, and no item's existence."""
    directory = open_place / "private"
    directory.mkdir(mode=0o700)
    make_vault(directory)
    with AgentUnderTest(directory, socket_path=open_place / "agent.sock") as agent:
        agent.unlocked()
        agent.socket.chmod(0o666)
        requests = [
            ("GET", "/v1/strongroom/raw/bank/checking?field=password"),
            ("GET", "/v1/secret/data/bank/checking"),
            ("GET", "/v1/secret/data/not/there"),
            ("LIST", "/v1/secret/metadata/"),
            ("POST", "/v1/sys/seal"),
            ("GET", "/v1/strongroom/agent/status"),
            ("POST", "/v1/strongroom/agent/lock"),
            ("POST", "/v1/strongroom/agent/stop"),
            ("POST", "/v1/strongroom/agent/unlock?way=typed"),
        ]
        answers = set()
        for method, target in requests:
            agent.socket.chmod(0o666)
            done = subprocess.run(
                ["curl", "-s", "-X", method, "-w", "%{http_code}", "--unix-socket", str(agent.socket), f"http://a{target}"],
                capture_output=True,
                user=STRANGER,
                group=STRANGER,
                extra_groups=[],
                cwd="/",
                timeout=PATIENCE_SECONDS,
            )
            assert done.stdout.endswith(b"403"), (target, done)
            assert b"canary" not in done.stdout
            if "/data/" in target:
                answers.add(done.stdout)
        assert len(answers) == 1, "a stranger can tell what is there"
        assert agent.read().body == b"canary-7f3a"
        text = b"".join(file.read_bytes() for file in (directory / "vault.db.audit").iterdir())
        assert f'"uid":{STRANGER}'.encode() in text


SNOOP = """
import ctypes, os, sys
pid = int(sys.argv[1])
got = []
for name in ("mem", "environ", "maps"):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            file.seek(int(sys.argv[2]) if name == "mem" else 0)
            got.append(name if file.read(1) is not None else "")
    except OSError:
        pass
if ctypes.CDLL(None).ptrace(16, pid, 0, 0) == 0:
    got.append("ptrace")
print(*got)
"""


def without_capabilities() -> None:
    """In the child: root in name alone, as any other user is."""
    for capability in range(41):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def snoop(process_id: int) -> str:
    """What another process of the same user gets to see."""
    mapping = Path(f"/proc/{process_id}/maps").read_text().split("-", 1)[0]
    done = subprocess.run(
        [sys.executable, "-c", SNOOP, str(process_id), str(int(mapping, 16))],
        capture_output=True,
        text=True,
        preexec_fn=without_capabilities,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not IS_ROOT, reason="takes the capabilities of root away")
def test_another_process_of_the_same_user_may_not_look(tmp_path: Path) -> None:
    """A process with the agent's uid and no capability reads neither its memory nor its environment."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path, prepare=without_capabilities) as agent:
        assert agent.unlocked().read().body == b"canary-7f3a"
        assert snoop(agent.pid) == ""
    with subprocess.Popen(["sleep", "60"], preexec_fn=without_capabilities) as ordinary:
        # The same attack on a process that does not protect itself.
        assert snoop(ordinary.pid) == "mem environ maps ptrace"
        ordinary.kill()


def test_the_environment_is_wiped(tmp_path: Path) -> None:
    """What stood in it is not in /proc/PID/environ any more; root may look."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path, environment={"DATABASE_PASSWORD": "canary-in-the-environment"}) as agent:
        assert agent.status()["protections"]["environment_wiped"] is True  # type: ignore[index]
        if IS_ROOT:
            assert b"canary" not in Path(f"/proc/{agent.pid}/environ").read_bytes()



def test_tampering_locks_the_agent(tmp_path: Path) -> None:
    """It verifies when it is unlocked; what it finds is in its status, and nothing is served any more."""
    import sqlite3

    make_vault(tmp_path, items=3)
    with sqlite3.connect(tmp_path / "vault.db") as connection:
        connection.execute("DELETE FROM versions WHERE item = (SELECT max(item) FROM versions)")
    connection.close()
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        status = agent.wait_until(lambda status: bool(status["locked"]))
        assert "verification found something" in str(status["locked_because"])
        assert "deleted" in str(status["verified"])
        assert agent.read().status == 503


def test_clients_are_served_during_the_verification(tmp_path: Path) -> None:
    """Nobody waits for it longer than for another client."""
    make_vault(tmp_path, items=2)
    with open_vault(tmp_path) as vault:
        vault.set_many({f"many/item-{number}": {"password": "x"} for number in range(3000)})
        started = time.monotonic()
        vault.verify()
        at_a_stretch = time.monotonic() - started
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()

        def longest() -> float:
            found = 0.0
            before = agent.unlocked().status()["verified"]
            while agent.status()["verified"] == before:
                started = time.monotonic()
                assert agent.read().status == 200
                found = max(found, time.monotonic() - started)
            agent.lock()
            return found

        undisturbed(longest, lambda found: found < at_a_stretch / 3)
        agent.unlocked()
        assert agent.status()["locked"] is False
