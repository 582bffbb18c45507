"""A copy is killed at its storage calls, or at what it sends to a server: the next one finishes it, whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import StrongroomError, VaultNotFound
from strongroom.locate.opening import open_admitted
from tests.faults import strace
from tests.faults.vault_trials import IS_WHOLE, in_pairs
from tests.postgres_cluster import PATIENCE_SECONDS, Cluster, Role

pytestmark = strace.needs_strace()

WORKLOAD = str(Path(__file__).with_name("copy_workload.py"))
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "link", "rename", "openat", "sendto")
SAMPLE, SAMPLE_SENT = 10, 4


class Base:
    """A vault that is copied, again and again."""

    def __init__(self, directory: Path) -> None:
        directory.chmod(0o700)
        self.directory = directory
        self.source = str(directory / "vault.db")
        self.key = str(directory / "key")
        with strongroom.create(self.source, key_file=self.key) as vault:
            vault.set_many({f"many/{number}": {"password": f"value {number}"} for number in range(20)})
            vault.set("many/1", {"password": "newer"})
            self.items = vault.verify().items
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, target: str, *tracer: str) -> subprocess.CompletedProcess[str]:
        command = [*tracer, sys.executable, "-B", WORKLOAD, self.source, target, self.key]
        root = str(Path(__file__).parents[2])
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS * 2, cwd=root,
            env={**self.environment, "PYTHONPATH": root},
        )  # fmt: skip

    def points(self, target: str) -> list[tuple[str, int]]:
        """Every call of a copy that nobody disturbs, and that belongs to its storage."""
        trace = self.directory / "trace"
        done = self.run(target, "strace", "-f", "-qq", "-y", "-o", str(trace), "-e", f"trace={','.join(CALLS)}")
        assert done.stdout == "done\n", done
        counts: dict[str, int] = {}
        found = []
        for line in trace.read_text(errors="replace").splitlines():
            call = line.split("(")[0].split()[-1]
            counts[call] = counts.get(call, 0) + 1
            # Of files that are opened, those that are made or written.
            if call != "openat" or "O_CREAT" in line:
                found.append((call, counts[call]))
        return found

    def kill(self, target: str, call: str, number: int) -> bool:
        """A copy that ends there; whether it did."""
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        done = self.run(target, "strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject)
        return done.returncode == -signal.SIGKILL

    def judge(self, target: str) -> list[str]:
        """What is wrong after a copy was killed, and then made again."""
        findings = []
        try:
            with open_admitted(target, key_file=self.key, admit=lambda _vault: None) as half:
                if half.verify().items != self.items:
                    findings.append("a vault that is not whole")
        except VaultNotFound:
            pass  # it is none yet, and says so
        except StrongroomError as error:
            findings.append(f"afterwards: {type(error).__name__}: {error}")
        again = self.run(target)
        if again.stdout != "done\n":
            return [*findings, f"again: {again.stdout} {again.stderr[-500:]}"]
        with open_admitted(target, key_file=self.key, admit=lambda _vault: None) as whole:
            if whole.verify().items != self.items or whole.get("many/1", "password").reveal() != "newer":
                findings.append("something is missing")
            if len(whole.history("many/1")) != 2:
                findings.append("versions are missing")
        return findings


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base(tmp_path)


def chosen(points: list[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    return points if IS_WHOLE else points[len(points) // count // 2 :: max(1, len(points) // count)]


@pytest.mark.timeout(1200)
def test_killed_at_storage_calls(base: Base) -> None:
    """Wherever it was struck, the same command goes on, and nothing is missing or there twice."""
    points = chosen(base.points(str(base.directory / "first.db")), SAMPLE)
    assert len(points) >= SAMPLE - 1

    def try_point(point: tuple[str, int]) -> tuple[bool, list[str]]:
        target = str(base.directory / f"{point[0]}-{point[1]}.db")
        was_killed = base.kill(target, *point)
        return was_killed, [f"{point}: {finding}" for finding in base.judge(target)]

    results = in_pairs(try_point, points)
    assert [line for _, lines in results for line in lines] == []
    assert sum(was_killed for was_killed, _ in results) >= 0.8 * len(points)


@pytest.fixture
def roles(postgres: Cluster) -> Iterator[list[Role]]:
    made: list[Role] = []
    yield made
    for role in made:
        postgres.drop(role)


@pytest.mark.timeout(1200)
def test_killed_at_what_it_sends(base: Base, postgres: Cluster, roles: list[Role]) -> None:
    """The same into a database, where what a killed program has begun is undone by the server."""

    def new() -> str:
        roles.append(postgres.new_schema())
        return roles[-1].vault_url

    points = chosen([point for point in base.points(new()) if point[0] == "sendto"], SAMPLE_SENT)
    assert len(points) >= SAMPLE_SENT
    killed = 0
    for point in points:
        target = new()
        killed += base.kill(target, *point)
        assert base.judge(target) == [], point
    assert killed >= 0.8 * len(points)
