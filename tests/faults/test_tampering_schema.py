"""Somebody plants triggers, views, indexes and tables, or takes tables away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.errors import FormatUnsupported, StrongroomError, Tampered
from tests.faults.attacks import attacker, findings, look, opened
from tests.faults.staging import scene_for

KEEP = "CREATE TABLE kept AS SELECT * FROM versions"
PLANTED = {
    "trigger that drops writes": "CREATE TRIGGER t BEFORE INSERT ON versions BEGIN SELECT RAISE(IGNORE); END",
    "trigger that keeps deleted rows": (
        "CREATE TABLE kept (item, number, body); CREATE TRIGGER t AFTER DELETE ON versions "
        "BEGIN INSERT INTO kept VALUES (old.item, old.number, old.body); END"
    ),
    "trigger on the ledger": "CREATE TRIGGER t AFTER INSERT ON ledger BEGIN DELETE FROM audit; END",
    "view": "CREATE VIEW w AS SELECT * FROM versions",
    "index": "CREATE INDEX i ON versions (body)",
    "partial index": "CREATE INDEX i ON versions (number) WHERE number = 1",
    "another table": KEEP,
    "statistics": "ANALYZE",
    "table dropped": "DROP TABLE versions",
    "ledger dropped": "DROP TABLE ledger",
    "view in place of a table": (
        f"{KEEP}; DROP TABLE versions; CREATE VIEW versions AS SELECT * FROM kept WHERE number < 3"
    ),
    "table without STRICT": (
        f"{KEEP}; DROP TABLE versions; CREATE TABLE versions (item, number, body); "
        "INSERT INTO versions SELECT * FROM kept"
    ),
    "column added": "ALTER TABLE versions ADD COLUMN more BLOB",
    "column renamed": "ALTER TABLE versions RENAME COLUMN body TO soul",
    "columns exchanged": (
        "ALTER TABLE nodes RENAME COLUMN token TO t; ALTER TABLE nodes RENAME COLUMN id TO token; "
        "ALTER TABLE nodes RENAME COLUMN t TO id"
    ),
    "tables exchanged": (
        "ALTER TABLE audit RENAME TO other; ALTER TABLE versions RENAME TO audit; ALTER TABLE other RENAME TO versions"
    ),
    "table renamed": "ALTER TABLE slots RENAME TO slits",
    "application id": "PRAGMA application_id = 7",
    "format of nobody": "PRAGMA user_version = 0",
    "negative format": "PRAGMA user_version = -1",
}


@pytest.mark.parametrize("name", PLANTED)
def test_schema(name: str, tmp_path: Path) -> None:
    """Nobody opens it any more; whoever had it open reads the truth or refuses, writes nothing, and verify says so."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as standing:
        look(standing, scene)
        with attacker(scene.file) as db:
            db.executescript(PLANTED[name])
        look(standing, scene)
        found = findings(standing)
        assert found, "nothing was found"
        assert any("tables" in line or "vault" in line or "format" in line for line in found), found
        with pytest.raises(StrongroomError):
            standing.set("bank/checking", {"password": "x"})
        with pytest.raises(StrongroomError):
            standing.destroy("bank/checking")
    with pytest.raises(Tampered), opened(scene.file, scene.credential):
        pass


def test_a_newer_format(tmp_path: Path) -> None:
    """A format of the future is not called tampering."""
    scene = scene_for(tmp_path)
    with attacker(scene.file) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(FormatUnsupported), opened(scene.file, scene.credential):
        pass


def _rewrite_schema(path: Path, old: str, new: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        assert db.execute("UPDATE sqlite_schema SET sql = replace(sql, ?, ?)", (old, new)).rowcount
        db.execute("PRAGMA writable_schema = RESET")


@pytest.mark.parametrize(
    ("old", "new"),
    [("STRICT, ", ""), ("BLOB", "TEXT"), ("INTEGER", "ANY"), ("body BLOB", "body BLOB DEFAULT x''"), ("NOT NULL", "")],
)
def test_the_text_of_the_schema(old: str, new: str, tmp_path: Path) -> None:
    """Even a table that looks nearly the same is not ours."""
    scene = scene_for(tmp_path)
    _rewrite_schema(scene.file, old, new)
    with pytest.raises(Tampered), opened(scene.file, scene.credential):
        pass


@pytest.mark.parametrize("value", ["text", 7, 1.5, None, b""])
@pytest.mark.parametrize(
    ("table", "column"), [("nodes", "id"), ("versions", "body"), ("header", "mac"), ("slots", "record")]
)
def test_values_of_other_types(table: str, column: str, value: object, tmp_path: Path) -> None:
    """With STRICT taken off and put back, columns can hold text, numbers and NULL: refused, never a crash."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as standing:
        look(standing, scene)
        with closing(sqlite3.connect(scene.file)) as db:
            (text,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        loose = text.replace("STRICT, ", "").replace(" NOT NULL", "")
        _rewrite_schema(scene.file, text, loose)
        with attacker(scene.file) as db:
            db.execute(f"UPDATE {table} SET {column} = ?", (value,))
        _rewrite_schema(scene.file, loose, text)
        look(standing, scene)
        assert findings(standing)
    with pytest.raises(Tampered):
        with opened(scene.file, scene.credential) as fresh:
            look(fresh, scene)
            fresh.verify()
