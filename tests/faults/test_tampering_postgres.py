"""The database's superuser moves, copies, changes, deletes and plants rows: the attacks on a file, on a server.

And what only a server offers: triggers, rules, row policies, views and look-alikes beside the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from strongroom.errors import StrongroomError, Tampered
from strongroom.stores.registry import create_store, open_store
from strongroom.stores.schema import TABLES
from tests.faults import staging, test_tampering_rollback, test_tampering_rows
from tests.faults.attacks import COLUMNS, KEYS, Scene, dump, findings, look, opened
from tests.faults.staging import Attack, stage
from tests.faults.vault_trials import IS_WHOLE
from tests.postgres_cluster import Cluster, Role

_ATTACKS = [*test_tampering_rows.ATTACKS, *test_tampering_rollback.ATTACKS]
# Some of each kind; STRONGROOM_FAULTS_WHOLE=1 takes all of them.
ATTACKS = _ATTACKS if IS_WHOLE else _ATTACKS[::12]


class Hands:
    """A connection of PostgreSQL's superuser, for attacks that speak SQLite."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Any = ()) -> Any:
        """One statement."""
        told = statement.replace("?", "%s")
        if told.startswith("INSERT OR REPLACE INTO "):
            table = told.split()[4]
            key, columns = COLUMNS[table][: KEYS[table]], COLUMNS[table]
            changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
            told = told.replace(" OR REPLACE", "") + f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
        return self._connection.execute(told, values)


@pytest.fixture
def scene(tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The victim of the attacks on files, in a database: the same rows, and so the same past."""
    role = postgres.new_schema()
    twin = staging.scene_for(tmp_path)
    rows = dump(twin.file)
    store = create_store(role.vault_url)
    with store.writing() as written:
        for table in TABLES:
            written.put_many(table, list(rows[table.name].values()))
    store.publish()
    store.close()
    twin.file = role.vault_url  # type: ignore[assignment]  # `os.fspath` takes it as well

    @contextmanager
    def superuser(_path: object) -> Iterator[Hands]:
        with as_superuser(role) as connection:
            yield Hands(connection)

    monkeypatch.setattr(staging, "attacker", superuser)
    yield twin
    postgres.drop(role)


def as_superuser(role: Role) -> Any:
    return role.cluster.connect(dbname=role.database, options=f"-c search_path={role.name}")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_rows(attack: Attack, scene: Scene, tmp_path: Path) -> None:
    """What is read is true or refused, and verify says what was done to whom."""
    stage(attack, tmp_path, scene)


def test_the_detector(scene: Scene, tmp_path: Path) -> None:
    """Where nothing is done, nothing is found: the stage says so."""
    with pytest.raises(AssertionError, match="nothing was found"):
        stage(Attack("nothing", lambda db, scene: None, "changed"), tmp_path, scene)


SURROUNDINGS = {
    "trigger": (
        "CREATE FUNCTION public.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER planted BEFORE INSERT ON versions FOR EACH ROW EXECUTE FUNCTION public.skip()",
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
    ),
    "rule": ("CREATE RULE planted AS ON DELETE TO nodes DO INSTEAD NOTHING",),
    "row policy": ("ALTER TABLE versions ENABLE ROW LEVEL SECURITY", "ALTER TABLE versions FORCE ROW LEVEL SECURITY"),
    "view in the place of a table": (
        "ALTER TABLE versions RENAME TO kept",
        "ALTER TABLE kept SET SCHEMA public",
        "CREATE VIEW versions AS SELECT * FROM public.kept",
    ),
    "table beside": ("CREATE TABLE more (id int)",),
    "function beside": ("CREATE FUNCTION planted() RETURNS int LANGUAGE sql AS 'SELECT 1'",),
    "column more": ("ALTER TABLE nodes ADD COLUMN more bytea",),
    "column of another type": ("ALTER TABLE versions ALTER COLUMN number TYPE numeric",),
    "no key": ("ALTER TABLE versions DROP CONSTRAINT versions_pkey",),
    "without a log": ("ALTER TABLE versions SET UNLOGGED",),
    "table gone": ("DROP TABLE audit",),
}


@pytest.mark.parametrize("what", SURROUNDINGS)
def test_what_is_planted_around_the_rows(what: str, scene: Scene, postgres: Cluster) -> None:
    """Nobody opens such a vault; whoever has it open reads the truth or an error, and verify refuses it."""
    with opened(scene.file, scene.credential) as standing:
        role = next(part.removeprefix("schema=") for part in str(scene.file).split("&") if part.startswith("schema="))
        with postgres.connect(options=f"-c search_path={role}") as connection:
            for statement in SURROUNDINGS[what]:
                connection.execute(statement)
        look(standing, scene)
        assert findings(standing)
    with pytest.raises(StrongroomError):
        open_store(str(scene.file))
    with postgres.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS public.kept CASCADE; DROP FUNCTION IF EXISTS public.skip CASCADE")
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")


def test_the_whole_database_of_yesterday(scene: Scene, postgres: Cluster) -> None:
    """Every table as it was: an open vault refuses it; for those who open it later there is the anchor."""
    with opened(scene.file, scene.credential) as standing:
        look(standing, scene)
        schema = str(scene.file).rpartition("schema=")[2]
        with postgres.connect(options=f"-c search_path={schema}") as connection, connection.transaction():
            connection.execute(f"TRUNCATE {', '.join(COLUMNS)}")
            for name, rows in scene.moments["middle"].items():
                for row in rows.values():
                    connection.execute(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", row)
            connection.execute("UPDATE vault_commits SET number = number + 1")
        with pytest.raises(Tampered):
            standing.get("bank/checking")
