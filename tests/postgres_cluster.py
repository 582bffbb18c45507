"""A private PostgreSQL server for tests: Debian's package, run by a user who is not root, gone with the test run.

One per test process (so one per worker of xdist), on a Unix socket and on a free port of 127.0.0.1 with TLS.
Nothing of it survives the process that started it, however that ends: a shell holds the other end of a pipe.

Fixtures: `postgres` is the server; `postgres_schema` a fresh schema in it that belongs to a fresh role without
any other right, for almost every test; `postgres_database` a fresh database with such an owner, which costs 0.1 s.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.peers import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from psycopg import Connection
PATIENCE_SECONDS = 60.0
DATABASE = "strongroom"
_HINT = "PostgreSQL is not installed: apt-get install postgresql, and pip install 'psycopg[binary]'"
# Without the disk's part: what a crash leaves is tested on servers that are `durable`.
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "256MB"}
# Runs the server until somebody writes a line (then its files stay), or the writer has gone (then they go).
_KEEPER = """
files=$1; shift
"$@" &
server=$!
if read -r line; then kill -QUIT $server; wait $server; exit; fi
kill -QUIT $server; wait $server; rm -rf -- "$files"
"""
_HBA = """
local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
hostnossl all all 127.0.0.1/32 scram-sha-256
"""


def program(name: str) -> str:
    """The path of one of the server's programs, such as ``initdb`` or ``pgbench``; the test is skipped without it."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which(name, path=os.pathsep.join([*map(str, reversed(versions)), os.environ.get("PATH", "")]))
    require(found is not None, _HINT)
    assert found is not None
    return found


def require_postgres() -> None:
    """Go on when the server and its driver are installed."""
    program("initdb")
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError:
        require(False, _HINT)


class Role:
    """Who logs in, and where: a role without rights over others, and a schema or database that is its own."""

    def __init__(self, cluster: Cluster, name: str, database: str, *, password: str = "") -> None:
        self.cluster = cluster
        self.name = name
        self.database = database
        self.password = password

    @property
    def url(self) -> str:
        """Over the Unix socket, where nobody asks for a password."""
        place = quote(str(self.cluster.root), safe="")
        return f"postgresql://{self.name}@/{self.database}?host={place}&port={self.cluster.port}"

    @property
    def vault_url(self) -> str:
        """Where a vault of this role's lies: in the schema of its name."""
        return f"{self.url}&schema={self.name}"

    @property
    def tcp_url(self) -> str:
        """Over TCP with TLS that is checked; the password is in `passfile`."""
        authority = quote(str(self.cluster.root / "authority.pem"), safe="")
        passfile = quote(str(self.passfile), safe="")
        address = f"{self.name}@localhost:{self.cluster.port}/{self.database}?hostaddr=127.0.0.1"
        return f"postgresql://{address}&sslmode=verify-full&sslrootcert={authority}&passfile={passfile}"

    @property
    def passfile(self) -> Path:
        """A file as PGPASSFILE names one; only its owner reads it."""
        path = self.cluster.root / f"{self.name}.pgpass"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(f"*:{self.cluster.port}:*:{self.name}:{self.password}\n")
        return path

    def connect(self, **options: Any) -> Connection[Any]:
        """A connection of the driver's, which commits every statement."""
        return self.cluster.connect(user=self.name, dbname=self.database, **options)

    def connect_as_superuser(self) -> Connection[Any]:
        """As who may do everything to this database."""
        return self.cluster.connect(dbname=self.database)


class Cluster:
    """A PostgreSQL server of its own.

    Args:
        is_durable: as it comes from its makers; else it never waits for the disk.
        namespace: of the network that it is in, which only root can say.
        access: lines of pg_hba.conf.
        directory: where its files lie; this system's place for such files when None.
        settings: lines of postgresql.conf.
    """

    def __init__(
        self,
        *,
        is_durable: bool = False,
        namespace: str | None = None,
        access: str = "",
        directory: Path | None = None,
        **settings: str,
    ) -> None:
        require_postgres()
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.root = Path(tempfile.mkdtemp(prefix="strongroom-pg-", dir=directory))
        self.data = self.root / "data"
        self.port = _free_port()
        self._names = itertools.count()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._namespace = namespace
        self._access = access
        self._settings = {**({} if is_durable else _FAST), **settings}
        if os.geteuid() == 0:
            shutil.chown(self.root, self.user)
        self.root.chmod(0o711)  # others reach the socket
        try:
            self._make()
            self._configure()
            self.start()
            self._settle()
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> str:
        """All that the server has said."""
        return (self.root / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The server's first process."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """A program as the server's user; it has to succeed."""
        done = subprocess.run(
            command, capture_output=True, timeout=PATIENCE_SECONDS, check=False, **self._as_user(), **options
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done

    def start(self) -> None:
        """Start it, again after `stop` or a crash, and wait until it answers."""
        keeper = ["/bin/sh", "-c", _KEEPER, "keeper", str(self.root), program("postgres"), "-D", str(self.data)]
        options = self._as_user()
        if self._namespace is not None:
            # Root alone may enter it, and lets go of being root there.
            ids = f"--reuid={self.user}", f"--regid={self.user}"
            keeper = ["ip", "netns", "exec", self._namespace, "setpriv", *ids, "--clear-groups", *keeper]
            options = {"cwd": "/"}
        with (self.root / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                keeper, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, **options
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        import psycopg

        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                self.connect(dbname="postgres").close()
                return
            assert time.monotonic() < give_up, self.log[-2000:]
            assert self._keeper is not None and self._keeper.poll() is None, self.log[-2000:]
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it as a crash would; its files stay."""
        if self._keeper is not None:
            assert self._keeper.stdin is not None
            with contextlib.suppress(BrokenPipeError), self._keeper.stdin as pipe:
                pipe.write(b"stop\n")
            self._keeper.wait(PATIENCE_SECONDS)
            self._keeper = None

    def close(self) -> None:
        """Stop it and remove its files; a second call does nothing."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def connect(self, **options: Any) -> Connection[Any]:
        """A connection that commits every statement, of the superuser unless *options* name another."""
        import psycopg

        where: dict[str, Any] = {"host": str(self.root), "port": self.port, "user": "postgres", "dbname": DATABASE}
        return psycopg.connect(**{**where, "connect_timeout": 60, "autocommit": True, **options})

    def new_schema(self) -> Role:
        """A new role, and a schema of its name in the common database that it owns; it finds no other's tables."""
        role = self._new_role(DATABASE)
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {role.name} AUTHORIZATION {role.name}")
        return role

    def new_database(self) -> Role:
        """A new role, and a database of its name that it owns."""
        role = self._new_role("")
        role.database = role.name
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {role.name} OWNER {role.name} STRATEGY file_copy")
        return role

    def drop(self, role: Role) -> None:
        """Remove a role and all that it owns, and end its connections."""
        with self.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role.name])
            if role.database == role.name:
                connection.execute(f"DROP DATABASE IF EXISTS {role.name} WITH (FORCE)")
            connection.execute(f"DROP OWNED BY {role.name} CASCADE")
            connection.execute(f"DROP ROLE {role.name}")

    def _new_role(self, database: str) -> Role:
        name = f"test_{next(self._names)}"
        role = Role(self, name, database, password=f"password of {name}")
        with self.connect() as connection:
            # As psql's \\password does, so that the server's log does not have it.
            kept = connection.pgconn.encrypt_password(role.password.encode(), name.encode(), b"scram-sha-256").decode()
            connection.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER PASSWORD '{kept}'")
        return role

    def _settle(self) -> None:
        with self.connect(dbname="postgres") as connection:
            connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        with self.connect(dbname=DATABASE) as connection:
            # As PostgreSQL 15 has it by itself; before, everybody could make tables there.
            connection.execute("REVOKE ALL ON SCHEMA public FROM public")

    def _make(self) -> None:
        self.run(
            *(program("initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale"),
            *("-E", "UTF8", "--wal-segsize=1"),
        )

    def _configure(self) -> None:
        key = self._certificate()
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": f"'{self.root}'",
            "ssl": "on",
            "ssl_cert_file": f"'{key}'",
            "ssl_key_file": f"'{key}'",
            "shared_buffers": "'32MB'",
            **self._settings,
        }
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = {value}\n" for name, value in settings.items())
        (self.data / "pg_hba.conf").write_text(_HBA + self._access)

    def _certificate(self) -> Path:
        from strongroom.testing.certificates import TestingAuthority

        authority = TestingAuthority()
        (self.root / "authority.pem").write_bytes(authority.root.pem())
        path = self.root / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(authority.issue().pem())
        if os.geteuid() == 0:
            shutil.chown(path, self.user)
        return path

    def _as_user(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {"cwd": "/"}
        account = pwd.getpwnam(self.user)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


class Replica(Cluster):
    """A server that follows another one by streaming.

    Args:
        primary: with ``access`` for replication.
    """

    def __init__(self, primary: Cluster, **settings: str) -> None:
        self._primary = primary
        super().__init__(**settings)

    def _make(self) -> None:
        source = ("-h", str(self._primary.root), "-p", str(self._primary.port), "-U", "postgres")
        self.run(program("pg_basebackup"), "-D", str(self.data), *source, "-R", "-c", "fast", "--no-sync")

    def _settle(self) -> None:
        """It has what the primary has."""


REPLICATION = "local replication all trust\n"


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The test process's server, which does not wait for the disk."""
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def postgres_schema(postgres: Cluster) -> Iterator[Role]:
    """A fresh role and a schema of its name, which is all that it may use."""
    role = postgres.new_schema()
    yield role
    postgres.drop(role)


@pytest.fixture
def postgres_database(postgres: Cluster) -> Iterator[Role]:
    """A fresh role and a database of its name."""
    role = postgres.new_database()
    yield role
    postgres.drop(role)
