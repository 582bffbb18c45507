"""PostgreSQL's disk is full: that of the tables, and that of its log, without which it ends. Nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import StoreUnavailable
from tests.faults.test_postgres_kill import Life, check
from tests.peers import require, require_programs
from tests.postgres_cluster import PATIENCE_SECONDS, Cluster, require_postgres


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """A file system of this size, which only root can make."""
    require(os.geteuid() == 0, "only root mounts a small disk")
    require_programs("mount", "umount")
    directory.mkdir(mode=0o755)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", directory], check=False)
    require(done.returncode == 0, "no file system can be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True, timeout=PATIENCE_SECONDS)


def fill(disk: Path, *, leave: int) -> Path:
    """A file that takes what is left but for *leave* bytes."""
    file = disk / "filler"
    status = os.statvfs(disk)
    with file.open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, status.f_bavail * status.f_frsize - leave)
    return file


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory that another user reaches."""
    require_postgres()
    with tempfile.TemporaryDirectory(prefix="strongroom-disk-") as directory:
        os.chmod(directory, 0o711)
        yield Path(directory)


def test_the_tables_find_no_room(outside: Path, tmp_path: Path, postgres: Cluster) -> None:
    """A write that does not fit is refused as a whole, what is there can be read, and with room again it goes on."""
    tmp_path.chmod(0o700)
    with small_disk(outside / "disk", "3M") as disk:
        place = disk / "tables"
        place.mkdir(mode=0o700)
        shutil.chown(place, postgres.user)
        role = postgres.new_schema()
        with postgres.connect() as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
            connection.execute(f"GRANT CREATE ON TABLESPACE small TO {role.name}")
            connection.execute(f"ALTER ROLE {role.name} SET default_tablespace = small")
        with strongroom.create(role.vault_url, key_file=tmp_path / "key") as vault:
            vault.set("first", {"password": "x"})
            count = 0
            with pytest.raises(StoreUnavailable, match="the server's disk is full"):
                while True:
                    vault.set(f"big/{count}", {"file": b"x" * 200_000})
                    count += 1
            assert count
            assert vault.get("first", "password").reveal() == "x"
            report = vault.verify()
            assert report.items == count + 1
            done = subprocess.run(["mount", "-o", "remount,size=9M", disk], check=False)
            assert done.returncode == 0
            vault.set(f"big/{count}", {"file": b"x" * 200_000})
            assert vault.verify().items == count + 2
        postgres.drop(role)
        with postgres.connect() as connection:
            connection.execute("DROP TABLESPACE small")


def test_the_log_finds_no_room(outside: Path, tmp_path: Path) -> None:
    """The server ends itself; the writer gets an error of ours; after the start all that was acknowledged is there."""
    from psycopg import OperationalError

    tmp_path.chmod(0o700)
    with small_disk(outside / "disk", "160M") as disk:
        cluster = Cluster(is_durable=True, directory=disk, max_wal_size="64MB", restart_after_crash="off")
        try:
            role = cluster.new_schema()
            life = Life(cluster, role, tmp_path, "--give-up")
            try:
                life.follow("acknowledged", 5)
                filler = fill(disk, leave=300_000)
                # Each segment of the log has a megabyte, and the next one does not fit.
                with pytest.raises(OperationalError), cluster.connect(dbname="postgres") as connection:
                    for _ in range(64):
                        connection.execute("SELECT pg_logical_emit_message(true, '', repeat('x', 100000))")
                life.follow("failed")
            finally:
                life.end()
            assert life.seen[-1].split()[1] in ("StoreUnavailable", "OutcomeUnknown")
            filler.unlink()
            cluster.stop()
            cluster.start()
            check(life)
        finally:
            cluster.close()
