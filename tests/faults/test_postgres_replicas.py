"""Reads go to a replica, which may be behind; a replica that is behind takes the primary's place after a fail-over.

Real servers, one following the other by streaming; the replica is told to follow nobody to make it old.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import strongroom
from strongroom.errors import RolledBack, StrongroomError
from tests.patience import wait_for
from tests.postgres_cluster import PATIENCE_SECONDS, REPLICATION, Cluster, Replica, Role


class Pair:
    """A primary with a vault, and its replica."""

    def __init__(self, primary: Cluster, replica: Replica, role: Role, directory: Path) -> None:
        self.primary = primary
        self.replica = replica
        self.role = role
        self.key = str(directory / "key")
        self.state = directory / "other state"
        with strongroom.create(role.vault_url, key_file=self.key) as vault:
            vault.set("item", {"password": "old"})
        self.catch_up()
        with replica.connect() as connection:
            ((source,),) = connection.execute("SHOW primary_conninfo").fetchall()
        self._source = source.replace("'", "''")

    def url(self, *servers: Cluster, attributes: str) -> str:
        """Of these servers, in this order."""
        hosts = ",".join(quote(str(server.root), safe="") for server in servers)
        ports = ",".join(str(server.port) for server in servers)
        place = f"postgresql://{self.role.name}@/{self.role.database}?host={hosts}&port={ports}"
        return f"{place}&schema={self.role.name}&target_session_attrs={attributes}"

    @property
    def reading_replica(self) -> str:
        """Reads go to the replica, writes to the primary."""
        return self.url(self.primary, self.replica, attributes="prefer-standby")

    @property
    def either(self) -> str:
        """Whichever of the two is the primary."""
        return self.url(self.primary, self.replica, attributes="read-write")

    def open(self, location: str) -> strongroom.Vault:
        return strongroom.open(location, key_file=self.key, use_agent=False)

    def catch_up(self) -> None:
        """The replica has all that the primary has."""
        with self.primary.connect() as connection:
            ((place,),) = connection.execute("SELECT pg_current_wal_lsn()").fetchall()

        def has_come() -> bool:
            with self.replica.connect() as connection:
                row = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [place]).fetchone()
            return row == (True,)

        wait_for(has_come, "the replica")

    def hold_back(self) -> None:
        """From now on the replica grows old: it receives nothing."""
        self._listen_to("")
        wait_for(lambda: not self._receivers(), "the end of receiving")

    def go_on(self) -> None:
        self._listen_to(self._source)
        self.catch_up()

    def _listen_to(self, source: str) -> None:
        with self.replica.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET primary_conninfo = '{source}'")
            connection.execute("SELECT pg_reload_conf()")

    def _receivers(self) -> int:
        with self.replica.connect() as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchall()
        return int(count)

    def fail_over(self) -> None:
        """The primary is gone, and the replica, as old as it is, takes its place."""
        self.primary.stop()
        with self.replica.connect() as connection:
            connection.execute("SELECT pg_promote(false)")
        wait_for(self._is_promoted, "the promotion")

    def _is_promoted(self) -> bool:
        with self.replica.connect() as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    tmp_path.chmod(0o700)
    primary = Cluster(access=REPLICATION, restart_after_crash="off")
    try:
        replica = Replica(primary, hot_standby_feedback="on")
        try:
            yield Pair(primary, replica, primary.new_schema(), tmp_path)
        finally:
            replica.close()
    finally:
        primary.close()


def read_alone(pair: Pair) -> None:
    """A replica is read, and refuses writes with an error of ours."""
    with pair.open(pair.url(pair.replica, attributes="any")) as vault:
        assert vault.get("item", "password").reveal() == "old"
        with pytest.raises(StrongroomError, match="only reads"):
            vault.set("item", {"password": "new"})


def read_while_it_is_behind(pair: Pair) -> None:
    """The program that wrote something, and one on the same machine, never see an older state."""
    with pair.open(pair.reading_replica) as vault:
        assert vault.get("item", "password").reveal() == "old"
        pair.hold_back()
        vault.set("item", {"password": "new"})
        assert vault.get("item", "password").reveal() == "new"
        assert [version.number for version in vault.history("item")] == [1, 2]
    with pair.open(pair.reading_replica) as vault:
        assert vault.get("item", "password").reveal() == "new"
    # A machine that has seen nothing cannot know: this is what shows that reads do go to the replica.
    with pytest.MonkeyPatch.context() as patches:
        patches.setenv("XDG_STATE_HOME", str(pair.state))
        with pair.open(pair.reading_replica) as vault:
            assert vault.get("item", "password").reveal() == "old"
    pair.go_on()
    with pair.open(pair.reading_replica) as vault:
        assert vault.get("item", "password").reveal() == "new"


def write_beside_others(pair: Pair, others: int) -> None:
    """The replica knows what others have committed meanwhile and not what this program has: it is behind."""
    with pair.open(pair.reading_replica) as vault, pair.open(pair.either) as other:

        def write(_change: object) -> None:
            vault.set("item", {"password": f"beside {others}"})
            for number in range(others):
                other.set(f"other/{number}", {"password": "new"})
            pair.catch_up()
            pair.hold_back()

        vault._core.commit("set", None, write)
        assert vault.get("item", "password").reveal() == f"beside {others}"
        assert vault.history("item")[-1].number == len(other.history("item"))
        assert vault.get("other/0", "password").reveal() == "new"
        pair.go_on()
        assert vault.get("item", "password").reveal() == f"beside {others}"


def go_on_after_a_fail_over(pair: Pair) -> None:
    """The replica has everything: the open vault goes on by itself, and so does whoever opens it."""
    with pair.open(pair.either) as standing:
        standing.set("item", {"password": "newer"})
        pair.catch_up()
        pair.fail_over()
        assert standing.get("item", "password").reveal() == "newer"
        standing.set("item", {"password": "newest"})
        standing.verify()
    with pair.open(pair.either) as fresh:
        assert fresh.get("item", "password").reveal() == "newest"


def test_a_replica(pair: Pair) -> None:
    """Alone, behind, and in the primary's place; a pair takes seconds to make."""
    read_alone(pair)
    read_while_it_is_behind(pair)
    for others in (1, 2):
        write_beside_others(pair, others)
    go_on_after_a_fail_over(pair)


def test_a_fail_over_to_an_old_replica(pair: Pair) -> None:
    """An open vault and a fresh one both say that it went back; the command line's exit code is 7."""
    with pair.open(pair.either) as standing:
        assert standing.get("item", "password").reveal() == "old"
        pair.hold_back()
        standing.set("item", {"password": "lost"})
        pair.fail_over()
        with pytest.raises(RolledBack):
            standing.get("item", "password")
    with pytest.raises(RolledBack, match="an older copy was put in its place"):
        pair.open(pair.either)
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", "get", "item", "--vault", pair.either, "--key-file", pair.key],
        capture_output=True, check=False, timeout=PATIENCE_SECONDS, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 7, done
    assert done.stdout == b""
