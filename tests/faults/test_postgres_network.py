"""The network to PostgreSQL is cut: before a commit, during one, at a read. An error of ours within seconds.

Server and client are in network namespaces of their own, and a firewall between them drops every packet without
a word: neither side is told that the other has gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import strongroom
from tests.patience import undisturbed, wait_for
from tests.peers import require, require_programs
from tests.postgres_cluster import PATIENCE_SECONDS, Cluster, Role, require_postgres

WORKLOAD = str(Path(__file__).with_name("postgres_network.py"))
# What is promised; a busy machine is given more than one attempt to keep it.
SECONDS_MAX = 5.0
_DROP = """
table inet cut {
    chain incoming { type filter hook input priority 0; policy drop; }
    chain outgoing { type filter hook output priority 0; policy drop; }
}
"""


def run(*command: str, stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, (command, done.stderr)


class Network:
    """Two namespaces with a cable between them, and a server in one of them."""

    def __init__(self) -> None:
        name = f"sr{os.getpid()}"
        self.server, self.client = f"{name}s", f"{name}c"
        for space in (self.server, self.client):
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
        ends = ("name", "eth0", "netns", self.server, "type", "veth", "peer", "name", "eth0", "netns", self.client)
        run("ip", "link", "add", *ends)
        for space, address in ((self.server, "10.77.0.1/24"), (self.client, "10.77.0.2/24")):
            run("ip", "-n", space, "address", "add", address, "dev", "eth0")
            run("ip", "-n", space, "link", "set", "eth0", "up")

    def cut(self) -> None:
        """From now on every packet is lost."""
        run("ip", "netns", "exec", self.server, "nft", "-f", "-", stdin=_DROP)

    def mend(self) -> None:
        run("ip", "netns", "exec", self.server, "nft", "flush", "ruleset")

    def close(self) -> None:
        for space in (self.server, self.client):
            run("ip", "netns", "delete", space)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    require_programs("ip", "nft", "setpriv")
    require_postgres()
    probe = ["ip", "netns", "add", f"sr{os.getpid()}p"]
    is_allowed = not subprocess.run(probe, capture_output=True, check=False).returncode
    require(is_allowed, "only root makes network namespaces, and not everywhere")
    run("ip", "netns", "delete", probe[-1])
    made = Network()
    yield made
    made.close()


@pytest.fixture(scope="module")
def far(network: Network) -> Iterator[Cluster]:
    """A server on the other side."""
    cluster = Cluster(
        namespace=network.server, access="host all all 10.77.0.0/24 trust\n", listen_addresses="'10.77.0.1'"
    )
    yield cluster
    cluster.close()


class Client:
    """A program on this side that has a vault open."""

    def __init__(self, network: Network, cluster: Cluster, directory: Path) -> None:
        directory.chmod(0o700)
        self.network = network
        self.cluster = cluster
        self.role: Role = cluster.new_schema()
        self.near = self.role.vault_url
        self.far = f"postgresql://{self.role.name}@10.77.0.1:{cluster.port}/{self.role.database}?schema={self.role.name}"
        self.key = str(directory / "key")
        with strongroom.create(self.near, key_file=self.key) as vault:
            vault.set("there", {"password": "x"})
        self.command = ["ip", "netns", "exec", network.client, sys.executable]
        self._process = subprocess.Popen(
            [*self.command, WORKLOAD, self.far, self.key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def begin(self, step: str) -> None:
        """Have it do a step, and do not wait for that."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()

    def outcome(self) -> tuple[float, str]:
        """How long the step took, and what it said."""
        seconds, _, said = self._read().partition(" ")
        return float(seconds), said

    def do(self, step: str) -> str:
        self.begin(step)
        return self.outcome()[1]

    def versions(self, name: str) -> int:
        """How often it was written, as others see it."""
        with strongroom.open(self.near, key_file=self.key, use_agent=False) as vault:
            vault.verify()
            try:
                return len(vault.history(name))
            except KeyError:
                return 0

    def close(self) -> None:
        self.network.mend()
        self._process.kill()
        self._process.communicate(timeout=PATIENCE_SECONDS)
        self.cluster.drop(self.role)


@pytest.fixture
def client(network: Network, far: Cluster, tmp_path: Path) -> Iterator[Client]:
    made = Client(network, far, tmp_path)
    yield made
    made.close()


def is_quick(outcome: tuple[float, str]) -> bool:
    return outcome[0] < SECONDS_MAX


def test_cut_before_a_commit(client: Client) -> None:
    """The answer is missing: an error of ours; nothing was written, and the repetition writes it once."""
    numbers = iter(range(100))

    def cut() -> tuple[float, str]:
        name, request_id = f"before-{next(numbers)}", os.urandom(16).hex()
        assert client.do(f"begin {name} {request_id}") == "begun"
        client.network.cut()
        client.begin("commit")
        outcome = client.outcome()
        client.network.mend()
        # Refused if the cut was met by a question before the COMMIT was sent.
        assert outcome[1] in ("OutcomeUnknown", "StoreUnavailable")
        assert client.versions(name) == 0
        assert client.do(f"set {name} {request_id}") == "set"
        assert client.do(f"set {name} {request_id}") == "set"
        assert client.versions(name) == 1
        return outcome

    undisturbed(cut, is_quick, attempts=5)


class Waiting:
    """Commits that are carried out, and whose answers do not come: the server waits for a replica that there is not."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def _set(self, value: str) -> None:
        with self._cluster.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{value}'")
            connection.execute("SELECT pg_reload_conf()")

    def _count(self, what: str) -> int:
        with self._cluster.connect() as connection:
            row = connection.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {what}").fetchone()
        return int(row[0])

    def __enter__(self) -> Waiting:
        self._set("nobody")
        return self

    def wait(self) -> None:
        """Until a commit waits."""
        wait_for(lambda: self._count("wait_event = 'SyncRep'"), "a commit that waits")

    def __exit__(self, *_exc: object) -> None:
        self._set("")
        wait_for(lambda: not self._count("wait_event = 'SyncRep'"), "the end of waiting")


def test_cut_during_a_commit(client: Client, far: Cluster) -> None:
    """It was carried out, and nobody can know: the same error, and the repetition writes nothing twice."""
    numbers = iter(range(100))

    def cut() -> tuple[float, str]:
        name, request_id = f"during-{next(numbers)}", os.urandom(16).hex()
        with Waiting(far) as waiting:
            client.begin(f"set {name} {request_id}")
            waiting.wait()
            client.network.cut()
            outcome = client.outcome()
        client.network.mend()
        assert outcome[1] == "OutcomeUnknown"
        assert client.versions(name) == 1
        assert client.do(f"set {name} {request_id}") == "set"
        assert client.versions(name) == 1
        return outcome

    # The seconds in which the cut is waited for begin before the cut.
    undisturbed(cut, is_quick, attempts=5)


def test_cut_at_a_read(client: Client) -> None:
    """A read fails with an error of ours, a new connection does as well, and both go on by themselves afterwards."""

    def cut(step: str) -> tuple[float, str]:
        client.network.cut()
        client.begin(step)
        outcome = client.outcome()
        assert outcome[1] == "StoreUnavailable"
        client.network.mend()
        assert client.do("get there") == "got x"
        return outcome

    assert client.do("get there") == "got x"
    undisturbed(lambda: cut("get there"), is_quick, attempts=5)
    undisturbed(lambda: cut("open"), is_quick, attempts=5)


def test_the_command_line_says_unknown(client: Client, far: Cluster) -> None:
    """Exit 11 when the answer to a commit is missing, exit 15 when there is no connection."""
    words = ("set", "again", "name=x", "--vault", client.far, "--key-file", client.key)
    command = [*client.command, "-m", "strongroom", *words]
    with Waiting(far) as waiting:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        waiting.wait()
        client.network.cut()
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 11, said
    assert b"may or may not be there" in said
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 15, done.stderr
    client.network.mend()
    assert client.versions("again") == 1
