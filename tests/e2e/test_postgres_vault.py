"""A vault that is made in a database: used from two machines, through an agent, and what is said when it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from strongroom.errors import FormatUnsupported
from strongroom.stores.registry import open_store
from tests.e2e.conftest import Machine
from tests.postgres_cluster import Cluster, Role


@pytest.fixture
def office(tmp_path: Path, postgres_schema: Role) -> Iterator[Machine]:
    """A machine whose vault lies in a database, reached over TCP with TLS and a password from a file."""
    machine = Machine(tmp_path)
    url = f"{postgres_schema.tcp_url.partition('&passfile')[0]}&schema={postgres_schema.name}"
    machine.environment.update(STRONGROOM_VAULT=url, PGPASSFILE=str(postgres_schema.passfile))
    done = machine.run("init", "--key-file", str(machine.key))
    assert done.code == 0, done
    machine.environment["STRONGROOM_KEY_FILE"] = str(machine.key)
    yield machine
    machine.run("agent", "stop")


def another(machine: Machine, root: Path) -> Machine:
    """Another machine with the same key file."""
    root.mkdir()
    other = Machine(root)
    other.key.write_bytes(machine.key.read_bytes())
    other.key.chmod(0o400)
    other.environment.update({**machine.environment, "HOME": str(other.home), "STRONGROOM_KEY_FILE": str(other.key)})
    return other


def test_a_day_on_two_machines(office: Machine, tmp_path: Path) -> None:
    """What the one writes the other reads; verified, rotated and logged as in a file."""
    home = another(office, tmp_path / "other")
    assert office.run("set", "mail/smtp", "password", stdin=b"sesame\n").code == 0
    assert home.run("get", "mail/smtp").out == b"sesame"
    assert home.run("set", "mail/smtp", "password", "--cas", "1", stdin=b"second\n").code == 0
    assert office.run("set", "mail/smtp", "password", "--cas", "1", stdin=b"late\n").code == 10
    assert office.run("rotate", "--root").code == 0
    assert home.run("get", "mail/smtp").out == b"second"
    for machine in (office, home):
        done = machine.run("verify")
        assert done.code == 0, done
    assert "commit counter" in home.run("status").text
    assert "password" not in office.run("audit").text + office.run("log", "mail/smtp").text


def test_an_agent_outlives_the_servers_restart(office: Machine, postgres_schema: Role, postgres: Cluster) -> None:
    """It finds the file with the password again, though it has forgotten its environment."""
    assert office.run("set", "mail/smtp", "password", stdin=b"sesame\n").code == 0
    assert office.run("unlock").code == 0
    for name in ("STRONGROOM_KEY_FILE", "PGPASSFILE"):
        del office.environment[name]
    assert office.run("get", "mail/smtp").out == b"sesame"
    with postgres.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = %s", [postgres_schema.name]
        )
    assert office.run("get", "mail/smtp").out == b"sesame"
    assert office.run("set", "mail/smtp", "password", stdin=b"second\n").code == 0
    assert office.run("get", "mail/smtp").out == b"second"
    assert office.run("lock").code == 0
    office.environment["PGPASSFILE"] = str(postgres_schema.passfile)
    assert office.run("get", "mail/smtp").code == 3


def test_what_is_said(office: Machine, postgres_schema: Role) -> None:
    """One sentence and the way on, and never the password."""
    url = office.environment["STRONGROOM_VAULT"]
    place = f"localhost:{postgres_schema.cluster.port}"
    cases = [
        (url, ["init", "--key-file", str(office.key)], 10, "?schema=NAME"),
        (url.replace(f"schema={postgres_schema.name}", "schema=none"), ["ls"], 4, "schema=none' init\n"),
        (f"postgresql://me:{quote(postgres_schema.password)}@{place}/x", ["ls"], 9, "passfile=FILE"),
        (f"postgresql://me@{place}/x?password={quote(postgres_schema.password)}", ["ls"], 9, "passfile=FILE"),
        (url.replace("sslmode=verify-full", "no_such_word=1"), ["ls"], 2, "docs/postgresql.md"),
        (url.replace(f":{postgres_schema.cluster.port}", ":1"), ["ls"], 15, "reached"),
    ]
    for location, words, code, advice in cases:
        done = office.run("--vault", location, *words)
        assert done.code == code, done
        assert advice in done.err, done
        assert "Traceback" not in done.err and done.out == b""
        assert quote(postgres_schema.password) not in done.err and postgres_schema.password not in done.err
    del office.environment["PGPASSFILE"]
    done = office.run("ls")
    assert (done.code, "passfile=FILE" in done.err) == (5, True), done


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the driver says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(FormatUnsupported) as caught:
        open_store(f"postgresql://{os.getpid()}@localhost/x")
    assert "strongroom[postgres]" in caught.value.advice
