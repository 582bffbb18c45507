"""A vault behind a real PgBouncer: one that lends whole sessions, and one that lends transactions."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import strongroom
from strongroom.errors import StoreUnavailable, StrongroomError
from strongroom.vault.vault import Vault
from tests.patience import PATIENCE_SECONDS, wait_for
from tests.postgres_cluster import Cluster, Role, require

PORT = 6432  # the name of a socket in a directory of our own, and of no port
CONFIGURATION = """
[databases]
* = host={server} port={port}
[pgbouncer]
listen_addr =
listen_port = {listen}
unix_socket_dir = {place}
auth_type = trust
auth_file = {place}/users
pool_mode = {mode}
default_pool_size = 3
"""


class Pooler:
    """PgBouncer before a role's database."""

    def __init__(self, cluster: Cluster, role: Role, mode: str) -> None:
        self.place = cluster.root / f"pooler-{mode}-{role.name}"
        self.role = role
        self.place.mkdir(mode=0o755)
        (self.place / "users").write_text(f'"{role.name}" ""\n')
        (self.place / "ini").write_text(
            CONFIGURATION.format(server=cluster.root, port=cluster.port, place=self.place, mode=mode, listen=PORT)
        )
        options: dict[str, str] = {}
        if os.geteuid() == 0:
            shutil.chown(self.place, cluster.user)
            options["user"] = cluster.user
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
        require(program is not None, "install it: apt-get install pgbouncer")
        assert program is not None
        self.process = subprocess.Popen(
            [program, "-q", str(self.place / "ini")],
            stderr=subprocess.DEVNULL,
            cwd="/",
            **options,  # type: ignore[call-overload]
        )
        wait_for(self._answers, "PgBouncer")

    @property
    def url(self) -> str:
        """Of the role's vault, through the pooler."""
        role = self.role
        host = quote(str(self.place), safe="")
        return f"postgresql://{role.name}@/{role.database}?host={host}&port={PORT}&schema={role.name}"

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.place / f".s.PGSQL.{PORT}")) == 0

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def pooler(request: pytest.FixtureRequest, postgres: Cluster, postgres_schema: Role) -> Iterator[Pooler]:
    found = Pooler(postgres, postgres_schema, request.param)
    yield found
    found.close()


def _write(vault: Vault, name: str, count: int, errors: list[Exception]) -> None:
    for number in range(count):
        try:
            vault.set(f"{name}/{number}", {"x": str(number)})
        except Exception as error:
            errors.append(error)
            return


def _opened(pooler: Pooler, key_file: Path) -> Vault:
    return strongroom.open(pooler.url, key_file=str(key_file), use_agent=False)


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_whole_sessions_are_as_good_as_the_server_itself(pooler: Pooler, tmp_path: Path) -> None:
    """Several programs, one after the other on the same sessions, and beside one another."""
    tmp_path.chmod(0o700)
    strongroom.create(pooler.url, key_file=str(tmp_path / "key")).lock()
    for number in range(5):
        with _opened(pooler, tmp_path / "key") as vault:
            vault.set("a", {"x": str(number)})
            assert vault.get("a", "x").reveal() == str(number)
    errors: list[Exception] = []
    vaults = [_opened(pooler, tmp_path / "key") for _ in range(2)]
    threads = [
        threading.Thread(target=_write, args=(vault, f"of-{place}", 10, errors)) for place, vault in enumerate(vaults)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    for vault in vaults:
        vault.lock()
    assert not errors
    with _opened(pooler, tmp_path / "key") as vault:
        assert len(list(vault.walk("of-0/"))) == len(list(vault.walk("of-1/"))) == 10
        vault.verify()


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_lent_transactions_lose_nothing_that_was_said_to_be_there(
    pooler: Pooler, postgres_schema: Role, tmp_path: Path
) -> None:
    """Programs beside one another get errors of ours; what was acknowledged is there, and the vault is whole."""
    tmp_path.chmod(0o700)
    direct = strongroom.create(postgres_schema.vault_url, key_file=str(tmp_path / "key"))
    said: dict[str, str] = {}
    errors: list[Exception] = []

    def write(place: int) -> None:
        for number in range(10):
            try:
                with _opened(pooler, tmp_path / "key") as vault:
                    vault.set(f"of-{place}/{number}", {"x": str(number)})
                    said[f"of-{place}/{number}"] = str(number)
            except StrongroomError as error:
                errors.append(error)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    # Never OutcomeUnknown or Tampered.
    assert all(isinstance(error, StoreUnavailable) for error in errors), errors
    direct.set("b", {"x": "1"})
    for name, value in said.items():
        assert direct.get(name, "x").reveal() == value
    direct.verify()
    direct.lock()


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_another_session_is_noticed(pooler: Pooler, postgres_schema: Role, tmp_path: Path) -> None:
    """Somebody else has the one that this program's statements were prepared in."""
    import psycopg

    tmp_path.chmod(0o700)
    direct = strongroom.create(postgres_schema.vault_url, key_file=str(tmp_path / "key"))
    direct.set("a", {"x": "1"})
    with _opened(pooler, tmp_path / "key") as vault:
        for _ in range(3):
            vault.set("a", {"x": "2"})
        vault.get("a")
        with psycopg.connect(pooler.url.split("&schema=")[0], autocommit=True) as other:
            other.execute("BEGIN")
            with pytest.raises(StoreUnavailable, match="lends another session"):
                vault.set("a", {"x": "3"})
            other.execute("ROLLBACK")
    assert direct.get("a", "x").reveal() == "2"
    direct.verify()
    direct.lock()


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_no_program_executes_another_s_statement(pooler: Pooler, postgres_schema: Role, tmp_path: Path) -> None:
    """Programs that asked different things first, each in the session of the other: never a wrong answer.

    A read of another session is answered if it needed nothing of its own there: it is right, and checked as ever.
    """
    import psycopg

    tmp_path.chmod(0o700)
    direct = strongroom.create(postgres_schema.vault_url, key_file=str(tmp_path / "key"))
    direct.set("a", {"x": "1"})
    with _opened(pooler, tmp_path / "key") as reader, _opened(pooler, tmp_path / "key") as writer:
        assert reader.get("a", "x").reveal() == "1"
        with psycopg.connect(pooler.url.split("&schema=")[0], autocommit=True) as other:
            other.execute("BEGIN")  # takes the session that was used last
            answers: list[str] = []
            for vault in (writer, reader) * 10:
                try:
                    answers.append(vault.get("a", "x").reveal())
                except StoreUnavailable as error:
                    answers.append(str(error))
            other.execute("ROLLBACK")
    assert all(answer == "1" or "lends another session" in answer for answer in answers), answers
    assert "1" in answers
    direct.verify()
    direct.lock()


def test_names_of_statements_are_of_one_connection(postgres_schema: Role) -> None:
    """With names that are counted, a lent session would execute what another program prepared under that number."""
    import psycopg

    from strongroom.stores.postgres_link import BIGINT, Link, Statement

    names: list[set[str]] = []
    for sql in (b"SELECT 1::bigint", b"SELECT 2::bigint"):
        with psycopg.connect(postgres_schema.vault_url.split("&schema=")[0].split("?schema=")[0]) as connection:
            link = Link(connection, "here")
            assert len(link.ask(Statement(sql, (), (BIGINT,)))) == 1
            found = connection.execute("SELECT name FROM pg_prepared_statements", prepare=False).fetchall()
            names.append({name for (name,) in found})
    assert all(names) and names[0].isdisjoint(names[1]), names
