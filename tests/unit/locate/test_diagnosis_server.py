"""What doctor says of a PostgreSQL server: each fault is planted on a real one, and found with what mends it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.doors.cli.exit_codes import exit_code
from strongroom.errors import RolledBack, UnsafePermissions
from strongroom.locate.diagnosis.finding import Finding
from strongroom.locate.diagnosis.server import check_server, judge_server
from strongroom.stores.postgres_facts import look
from tests.postgres_cluster import Cluster, Role


@pytest.fixture(scope="module")
def careful() -> Iterator[Cluster]:
    """A server as it comes from its makers, which also listens without TLS."""
    cluster = Cluster(is_durable=True)
    yield cluster
    cluster.close()


@pytest.fixture
def role(careful: Cluster) -> Iterator[Role]:
    made = careful.new_schema()
    yield made
    careful.drop(made)


def findings(location: str) -> dict[str, Finding]:
    return {f"{one.about}: {one.message}": one for one in check_server(location)}


def test_nothing_is_wrong(role: Role) -> None:
    """A role without rights on a careful server, near or over TLS that is checked."""
    assert findings(role.vault_url) == {}
    assert findings(role.tcp_url) == {}


def test_other_kinds_have_no_server(tmp_path: Path) -> None:
    """A file, or a scheme of somebody else's."""
    assert findings(str(tmp_path / "vault.db")) == {}
    assert findings("other:there") == {}


@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync", "full_page_writes"])
def test_a_server_that_loses_what_it_acknowledged(setting: str, careful: Cluster, role: Role) -> None:
    """Serious; the SQL that is named mends it."""
    with careful.connect() as connection:
        connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        _wait_for(careful, setting, "off")
        ((message, found),) = findings(role.vault_url).items()
        assert f"{setting} is off" in message
        assert found.error is RolledBack
        for statement in found.mend.partition("; and")[0].split("; "):
            connection.execute(statement)
        _wait_for(careful, setting, "on")
    assert findings(role.vault_url) == {}


def _wait_for(cluster: Cluster, setting: str, value: str) -> None:
    from tests.patience import wait_for

    def is_so() -> bool:
        with cluster.connect() as connection:
            row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        return row == (value,)

    wait_for(is_so, setting)


def test_of_this_role_alone(careful: Cluster, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set for the role, or by the environment of the one who asks."""
    with careful.connect() as connection:
        connection.execute(f"ALTER ROLE {role.name} SET synchronous_commit = off")
        assert "synchronous_commit is off" in str(findings(role.vault_url))
        connection.execute(f"ALTER ROLE {role.name} RESET synchronous_commit")
    monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=off")
    assert "synchronous_commit is off" in str(findings(role.vault_url))


# attributes: whether it is serious
TOO_MUCH = {
    "SUPERUSER": True,
    "CREATEROLE": False,
    "CREATEDB": False,
    "REPLICATION": False,
    "BYPASSRLS": False,
}


@pytest.mark.parametrize("attribute", TOO_MUCH)
def test_a_role_that_may_too_much(attribute: str, careful: Cluster, role: Role) -> None:
    """It is named, with the SQL that takes the right away."""
    with careful.connect() as connection:
        connection.execute(f"ALTER ROLE {role.name} {attribute}")
        ((_, found),) = findings(role.vault_url).items()
        assert found.about == "role"
        assert found.is_serious is TOO_MUCH[attribute]
        connection.execute(found.mend.partition(", or")[0])
    assert findings(role.vault_url) == {}


def test_groups_and_everybody(careful: Cluster, role: Role) -> None:
    """A member of PostgreSQL's own powerful roles, and tables that every role may write to."""
    with careful.connect() as connection:
        connection.execute(f"GRANT pg_write_all_data, pg_read_server_files TO {role.name}")
        ((message, found),) = findings(role.vault_url).items()
        assert "pg_write_all_data, pg_read_server_files" in message
        for statement in found.mend.split("; "):
            connection.execute(statement)
        with role.connect() as own:
            own.execute("CREATE TABLE versions (id int)")
            own.execute("GRANT INSERT ON versions TO PUBLIC")
        ((message, found),) = findings(role.vault_url).items()
        assert "every role of the database may write to versions" in message
        assert found.error is UnsafePermissions
        assert exit_code(found.error("")) == 9


def test_a_far_server(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS is serious, TLS that nobody checks is a remark; near by it is neither."""
    from strongroom.stores import postgres_facts

    monkeypatch.setenv("PGPASSFILE", os.fspath(role.passfile))
    address = f"//{role.name}@localhost:{role.cluster.port}/{role.database}?hostaddr=127.0.0.1"
    for mode in ("disable", "require", "verify-full"):
        root = f"&sslrootcert={role.cluster.root}/authority.pem" if mode == "verify-full" else ""
        assert list(judge_server(look(f"{address}&sslmode={mode}{root}"))) == []
    monkeypatch.setattr(postgres_facts, "_is_loopback", lambda _host: False)
    (found,) = judge_server(look(f"{address}&sslmode=disable"))
    assert (found.about, found.error) == ("TLS", UnsafePermissions)
    (found,) = judge_server(look(f"{address}&sslmode=require"))
    assert "nobody has looked whose server" in found.message
    assert not found.is_serious
    checked = f"{address}&sslmode=verify-full&sslrootcert={role.cluster.root}/authority.pem"
    assert list(judge_server(look(checked))) == []


def test_a_server_that_does_not_answer(role: Role) -> None:
    """Is a finding like any other."""
    ((_, found),) = findings(role.vault_url.replace(f"port={role.cluster.port}", "port=1")).items()
    assert found.is_serious
