"""A vault in a database, told in commands: moved there and back, backed up, restored, diagnosed."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Machine
from tests.postgres_cluster import Cluster, Role


@pytest.fixture
def place(keyed: Machine, postgres_schema: Role) -> str:
    """Where a vault of this machine's may lie."""
    keyed.environment["STRONGROOM_KEY_FILE"] = str(keyed.key)
    return postgres_schema.vault_url


def test_there_and_back(keyed: Machine, place: str) -> None:
    """With all versions; each place in turn is the one that this machine uses."""
    keyed.run("set", "bank", "user=dustin")
    keyed.run("set", "bank", "user=martha")
    assert keyed.run("copy", str(keyed.vault), place, "--yes").code == 0
    assert keyed.run("get", "bank", "--vault", place).out == b"martha"
    assert keyed.run("get", "bank").code == 7
    assert keyed.run("set", "bank", "user=third", "--vault", place).code == 0
    back = str(keyed.home / "back.db")
    assert keyed.run("copy", place, back, "--yes").code == 0
    assert keyed.run("get", "bank", "--vault", back).out == b"third"
    assert keyed.run("get", "bank", "--version", "1", "--vault", back).out == b"dustin"
    assert keyed.run("verify", "--vault", back).code == 0
    assert keyed.run("get", "bank", "--vault", place).code == 7


def test_a_backup_goes_back_into_a_database(keyed: Machine, place: str, postgres: Cluster) -> None:
    """Where no vault is; where one is, nothing is touched."""
    keyed.run("set", "bank", "user=dustin")
    assert keyed.run("copy", str(keyed.vault), place, "--yes").code == 0
    backup = str(keyed.home / "backup.db")
    assert keyed.run("backup", backup, "--vault", place).code == 0
    keyed.run("set", "bank", "user=newer", "--vault", place)
    done = keyed.run("restore-backup", backup, "--vault", place, "--yes")
    assert done.code == 10, done
    assert keyed.run("get", "bank", "--vault", place).out == b"newer"
    other = postgres.new_schema()
    done = keyed.run("restore-backup", backup, "--vault", other.vault_url)
    assert done.code == 0, done
    assert "1 items as of commit 3, verified" in done.err
    assert keyed.run("get", "bank", "--vault", other.vault_url).out == b"dustin"
    assert keyed.run("get", "bank", "--vault", place).code == 7
    postgres.drop(other)


def test_doctor(keyed: Machine, place: str, postgres_schema: Role, postgres: Cluster) -> None:
    """It looks at the server too, and not at SQLite."""
    assert keyed.run("copy", str(keyed.vault), place, "--yes").code == 0
    with postgres.connect() as connection:
        connection.execute(f"ALTER ROLE {postgres_schema.name} CREATEDB")
    found = json.loads(keyed.run("doctor", "--json", "--vault", place).out)["findings"]
    about = {one["about"] for one in found}
    assert {"role", "server"} <= about, "this server does not wait for its disk"
    assert "sqlite" not in about
    assert keyed.run("doctor", "--vault", place).code == 7
