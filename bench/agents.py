"""What a read through the agent costs: as a whole process, through the API, and in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench.agent_peers import PATIENCE_SECONDS, end, find_program, installed_peers, wait_for
from bench.measure import Result, compare, percentile, result
from bench.rows import VALUE, Bench, runs
from strongroom.locate.agent_process import SCRUBBING
from strongroom.remote.connection import AgentClient

SOCKET = "STRONGROOM_AGENT_SOCKET"
ONE_CLIENT_SECONDS = 1 / 10_000
EIGHT_CLIENTS_SECONDS = 1 / 20_000
RESIDENT_KIB_MAX = 40 * 1024
FIRST_READ_SECONDS = 0.15
CLIENTS = 8
# Source: pip 23.2, _vendor/distlib/scripts.py.
PIP_WRAPPER = """# -*- coding: utf-8 -*-
import re
import sys
from strongroom.doors.cli import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


@contextmanager
def running_agent(bench: Bench) -> Iterator[int]:
    """An agent for the small vault, unlocked and found through the environment; yields its process id."""
    path = bench.directory / "agent.sock"
    process = start_agent(bench, path)
    os.environ[SOCKET] = str(path)
    try:
        wait_for_read(bench, path)
        yield process.pid
    finally:
        del os.environ[SOCKET]
        end(process)


def start_agent(bench: Bench, path: Path) -> subprocess.Popen[bytes]:
    """The agent's process as `strongroom agent` starts it, with a key file."""
    words = ["--vault", str(bench.file("small.db")), "--socket", str(path), "--key-file", str(bench.key_file)]
    environment = {**os.environ, **SCRUBBING, "XDG_RUNTIME_DIR": ""}
    command = [sys.executable, "-P", "-m", "strongroom", "agent-process", *words]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_read(bench: Bench, path: Path) -> None:
    """Read one value, as soon as there is somebody to answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        if path.exists():
            client = AgentClient(str(path), trusts=lambda uid: uid == os.geteuid())
            head, body = client.call("GET", f"/v1/strongroom/raw/{bench.names[7]}?field=password")
            client.close()
            if head.status == 200 and body == VALUE.encode():
                return
        if time.monotonic() > deadline:
            raise AssertionError("the agent does not answer")
        time.sleep(0.001)


def agent_read(bench: Bench) -> Iterator[Result]:
    """One read as a process of its own, beside other programs that do it."""
    program = find_program("strongroom")
    ours = [program] if program else [sys.executable, "-m", "strongroom"]
    environment = {"STRONGROOM_VAULT": str(bench.file("small.db"))}
    what = "strongroom get, agent"
    with running_agent(bench), installed_peers(bench.directory, VALUE) as peers:
        get = runs([*ours, "get", bench.names[7], "password"], VALUE, environment | {SOCKET: os.environ[SOCKET]})
        bare = runs([sys.executable, "-c", "pass"])
        line = compare(what, "bare interpreter", get, bare, rounds=bench.rounds, repeat=4, goal=1)
        yield line
        # Every pip installs the same launcher; what a pip's own wrapper would cost is `pip_wrapper`.
        yield replace(line, what=f"{what}, as any pip installs it", goal=1.5)
        for peer in peers:
            other = runs(peer.command, VALUE, peer.environment, strip=True)
            rounds = max(5, bench.rounds // 2)
            yield compare(what, peer.name, get, other, rounds=rounds, peer_repeat=1, goal=1, at_least=True)


def pip_wrapper(bench: Bench) -> Iterator[Result]:
    """The same read if `strongroom` were an entry point, for which an old pip writes a wrapper; docs/decisions/0006."""
    wrapper = bench.directory / "strongroom-by-pip"
    wrapper.write_text(PIP_WRAPPER)
    environment = {"STRONGROOM_VAULT": str(bench.file("small.db"))}
    bare = runs([sys.executable, "-c", "pass"])
    with running_agent(bench):
        words = [sys.executable, str(wrapper), "get", bench.names[7], "password"]
        get = runs(words, VALUE, environment | {SOCKET: os.environ[SOCKET]})
        what = "strongroom get, agent, if pip 23.2 wrapped it"
        yield compare(what, "bare interpreter", get, bare, rounds=bench.rounds, repeat=4, goal=None)


def agent_api(bench: Bench) -> Iterator[Result]:
    """Reads through `strongroom.open`, by one process and by eight, the audit file written before each answer."""
    with running_agent(bench), ExitStack() as cleanup:
        echo = bench.directory / "echo.sock"
        server = subprocess.Popen([sys.executable, str(Path(__file__).with_name("echo.py")), str(echo)])
        cleanup.callback(end, server)
        wait_for(echo.stat)
        read = ["read", str(bench.file("small.db")), bench.names[7]]
        for clients, goal in ((1, ONE_CLIENT_SECONDS), (CLIENTS, EIGHT_CLIENTS_SECONDS)):
            count = (500 if bench.quick else 4_000) // clients
            with crowd(read, clients) as ours, crowd(["echo", str(echo)], clients) as theirs:
                rounds = max(5, bench.rounds // 2)
                taken = [(together(ours, count), together(theirs, count)) for _ in range(rounds)]
            mine, peer = [list(times) for times in zip(*taken, strict=True)]
            what = f"vault.get through the agent, {clients} client{'s' if clients > 1 else ''}"
            bound = goal / percentile(peer, 0.5)
            yield result(what, "echo of 64 bytes, epoll", mine, peer, goal=bound)


@contextmanager
def crowd(words: list[str], clients: int) -> Iterator[list[subprocess.Popen[str]]]:
    """So many processes of `agent_client`, connected."""
    command = [sys.executable, "-m", "bench.agent_client", *words]
    root = Path(__file__).resolve().parents[1]
    with ExitStack() as cleanup:
        processes = []
        for _ in range(clients):
            process = cleanup.enter_context(
                subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise AssertionError("a client did not start")
            processes.append(process)
        yield processes


def together(processes: list[subprocess.Popen[str]], count: int) -> float:
    """Let each make *count* calls at the same time; seconds for one, of all that were made."""
    start = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{count}\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        float(process.stdout.readline())
    return (time.perf_counter() - start) / (count * len(processes))


def agent_size(bench: Bench) -> Iterator[Result]:
    """What an agent takes up while nobody asks, and how soon it answers."""
    with running_agent(bench) as pid:
        bare = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        time.sleep(0.5)
        ours, peer = resident_kib(pid), resident_kib(bare.pid)
        bare.communicate(b"\n")
    ratio = ours / peer
    goal = RESIDENT_KIB_MAX / peer
    yield Result("agent's resident memory", "bare interpreter", "KiB", ours, peer, ratio, ratio, ratio, goal)

    started, bare_started = [], []
    for turn in range(max(5, bench.rounds // 3)):
        path = bench.directory / f"start-{turn}.sock"
        start = time.perf_counter()
        process = start_agent(bench, path)
        wait_for_read(bench, path)
        started.append(time.perf_counter() - start)
        end(process)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare_started.append(time.perf_counter() - start)
    bound = FIRST_READ_SECONDS / percentile(bare_started, 0.5)
    yield result("agent, from its start to its first answer", "bare interpreter", started, bare_started, goal=bound)


def resident_kib(pid: int) -> float:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise AssertionError("the process has ended")


ROWS = (agent_read, pip_wrapper, agent_api, agent_size) if sys.platform == "linux" else ()
