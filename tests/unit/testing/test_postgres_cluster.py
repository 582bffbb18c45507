"""The server that other tests use: whose it is, what its roles may do, and that it ends with its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.postgres_cluster import PATIENCE_SECONDS, Cluster, Role, require_postgres

OWNER = """
import os, signal, sys
from tests.postgres_cluster import Cluster
cluster = Cluster()
print(cluster.root, cluster.pid, flush=True)
sys.stdin.read()
"""


def test_a_role_owns_its_schema_and_nothing_else(postgres: Cluster, postgres_schema: Role) -> None:
    """Who uses a schema of its own cannot make another one, nor see into a neighbour's."""
    from psycopg.errors import InsufficientPrivilege

    other = postgres.new_schema()
    with other.connect() as connection:
        connection.execute("CREATE TABLE kept (id int)")
    with postgres_schema.connect() as connection:
        connection.execute("CREATE TABLE kept (id int)")
        for forbidden in (f"SELECT FROM {other.name}.kept", "CREATE SCHEMA more", "CREATE TABLE public.kept (id int)"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(forbidden)
    postgres.drop(other)


def test_tcp_is_encrypted_and_asks_for_the_password(postgres_schema: Role) -> None:
    """Over TCP the server's certificate is checked and the password read from its file; without it nobody enters."""
    import psycopg

    with psycopg.connect(postgres_schema.tcp_url) as connection:
        row = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert row == (True,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres_schema.tcp_url.partition("&passfile")[0] + "&passfile=/dev/null")


def test_a_database_of_its_own(postgres_database: Role) -> None:
    """Its owner makes tables in it."""
    with postgres_database.connect() as connection:
        connection.execute("CREATE SCHEMA mine")


def test_nothing_is_left_when_its_process_is_killed() -> None:
    """After kill -9 of the process that started it, the server ends and its files go."""
    require_postgres()
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as owner:
        assert owner.stdout is not None
        root, pid = owner.stdout.readline().split()
        os.kill(int(pid), 0)
        owner.send_signal(signal.SIGKILL)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while os.path.exists(root) or _is_running(int(pid)):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
