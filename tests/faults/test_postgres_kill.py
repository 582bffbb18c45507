"""kill -9 of each of PostgreSQL's processes while a vault is written to: nothing that was acknowledged is lost.

And the detector: a server that does not wait for its log loses something, and the vault says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import RolledBack
from tests.patience import wait_for
from tests.postgres_cluster import PATIENCE_SECONDS, Cluster, Role

WORKLOAD = str(Path(__file__).with_name("postgres_workload.py"))
# As their titles begin; the last one is the server process of whoever has the vault open.
CHILDREN = (
    *("checkpointer", "background writer", "walwriter", "autovacuum launcher", "logical replication launcher"),
    "test",
)


class Life:
    """A vault on a server that waits for its log, and a program that writes to it."""

    def __init__(self, cluster: Cluster, role: Role, directory: Path, *options: str, **environment: str) -> None:
        self.cluster = cluster
        self.location = role.vault_url
        self.key = str(directory / "key")
        self.seen: list[str] = []
        strongroom.create(self.location, key_file=self.key).close()
        self._process = subprocess.Popen(
            [sys.executable, WORKLOAD, self.location, self.key, *options],
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    def follow(self, wanted: str, count: int = 1) -> None:
        """Read what it says until it has said *wanted* so many times more."""
        assert self._process.stdout is not None
        while count:
            line = self._process.stdout.readline().decode().strip()
            assert line, self.seen[-5:]
            self.seen.append(line)
            count -= line.startswith(wanted)

    def numbers(self, word: str) -> set[int]:
        return {int(line.split()[-1]) for line in self.seen if line.startswith(word)}

    def end(self) -> None:
        """Kill it, and read what it had said by then."""
        self._process.kill()
        assert self._process.stdout is not None
        with self._process.stdout as rest:
            self.seen += rest.read().decode().splitlines()
        self._process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def durable() -> Iterator[Cluster]:
    cluster = Cluster(is_durable=True, restart_after_crash="on", wal_writer_delay="10s")
    yield cluster
    cluster.close()


def processes_of(cluster: Cluster, kind: str = "") -> list[int]:
    """The server's processes whose title says this; all of them but the first."""
    first = cluster.pid
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
            title = (entry / "cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError, IndexError):
            continue  # no process, or gone meanwhile
        if parent == first and title.startswith(f"postgres: {kind}"):
            found.append(int(entry.name))
    return found


def is_gone(process: int) -> bool:
    """Whether a process has ended, though nobody may have asked how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def crash(cluster: Cluster) -> None:
    """End all of its processes at once."""
    everybody = [cluster.pid, *processes_of(cluster)]
    for process in everybody:
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: all(map(is_gone, everybody)))


def check(life: Life) -> None:
    """Every write that was acknowledged is there, once."""
    acknowledged = life.numbers("acknowledged")
    with strongroom.open(life.location, key_file=life.key, use_agent=False) as vault:
        for number in acknowledged:
            assert vault.get(f"item/{number}", "password").reveal() == f"value {number}"
        assert {len(vault.history(f"item/{number}")) for number in acknowledged} == {1}
        report = vault.verify()
    # The one that was under way may be there as well; each commit has its audit entry.
    assert report.items - len(acknowledged) in (0, 1)
    assert report.versions == report.items


def test_each_process_is_killed(durable: Cluster, tmp_path: Path) -> None:
    """The writer meets errors of ours alone, repeats what it does not know, and no write is lost or done twice."""
    tmp_path.chmod(0o700)
    role = durable.new_schema()
    life = Life(durable, role, tmp_path)
    try:
        life.follow("acknowledged", 5)
        for kind in CHILDREN:
            wait_for(lambda kind=kind: processes_of(durable, kind), kind)
            (victim, *_) = processes_of(durable, kind)
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda victim=victim: not Path(f"/proc/{victim}").exists())
            life.follow("acknowledged", 5)
        # The server's first process alone: the others notice, and end.
        first = durable.pid
        os.kill(first, signal.SIGKILL)
        durable.stop()
        durable.start()
        life.follow("acknowledged", 5)
        crash(durable)
        durable.stop()
        durable.start()
        life.follow("acknowledged", 5)
    finally:
        life.end()
    assert life.numbers("unknown") | life.numbers("refused"), "no write met a dead server"
    check(life)
    durable.drop(role)


def is_something_lost(cluster: Cluster, directory: Path) -> bool:
    """Whether acknowledged writes are gone after a crash of a server that does not wait; the vault has to say so."""
    directory.mkdir(mode=0o700)
    role = cluster.new_schema()
    life = Life(cluster, role, directory, "--give-up", PGOPTIONS="-c synchronous_commit=off")
    try:
        life.follow("acknowledged", 30)
        crash(cluster)
        life.follow("failed")
    finally:
        life.end()
    cluster.stop()
    cluster.start()
    try:
        check(life)
    except RolledBack as error:
        return "an older copy was put in its place" in str(error)
    finally:
        cluster.drop(role)
    return False


def test_the_detector_finds_what_is_lost(durable: Cluster, tmp_path: Path) -> None:
    """With synchronous_commit=off acknowledged writes are gone after a crash, and the anchor says so."""
    # The log may have been written out that very moment, as it is every ten seconds.
    assert any(is_something_lost(durable, tmp_path / str(attempt)) for attempt in range(5))
