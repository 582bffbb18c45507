"""Whatever was done to the file: the right rows, or an error of ours; never one of the driver's."""

import os
import shutil
import sqlite3

import pytest

from strongroom.errors import FormatUnsupported, StrongroomError, Tampered
from strongroom.stores.schema import HEADER, NODES, TABLES, VERSIONS
from strongroom.stores.sqlite import SqliteStore

ITEM = b"i" * 16

PLANTED = {
    "trigger": ["CREATE TRIGGER t AFTER INSERT ON versions BEGIN DELETE FROM audit; END"],
    "view": ["CREATE VIEW v AS SELECT * FROM header"],
    "index": ["CREATE INDEX i ON nodes (id)"],
    "table": ["CREATE TABLE more (id INTEGER PRIMARY KEY)"],
    "virtual table": ["CREATE VIRTUAL TABLE f USING fts5(text)"],
    "statistics": ["ANALYZE"],
    "missing table": ["DROP TABLE audit"],
    "more columns": ["ALTER TABLE header ADD COLUMN more BLOB"],
    "renamed column": ["ALTER TABLE header RENAME COLUMN mac TO cam"],
    "view for a table": [
        "ALTER TABLE header RENAME TO hidden",
        "CREATE VIEW header AS SELECT * FROM hidden",
    ],
    "loose table": ["DROP TABLE header", "CREATE TABLE header (id, body, mac)"],
    "other letters": [
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'BLOB NOT NULL', 'BLOB') WHERE name = 'header'",
    ],
}


@pytest.mark.parametrize("statements", PLANTED.values(), ids=PLANTED)
def test_a_schema_that_is_not_ours_is_refused(path, meddle, statements):
    try:
        meddle(*statements)
    except sqlite3.OperationalError as error:
        if "no such module" in str(error):
            pytest.skip("this SQLite has no full-text search")
        raise
    with pytest.raises(Tampered):
        SqliteStore.open(path)


@pytest.mark.parametrize("name", ["trigger", "view", "index", "table"])
def test_a_schema_that_is_changed_under_an_open_store_stops_writers(store, meddle, name):
    """The planted trigger must not run even once."""
    with store.writing() as rows:
        rows.put(HEADER, (1, b"before", b""))
    meddle(*PLANTED[name])
    with pytest.raises(Tampered), store.writing() as rows:
        rows.put(VERSIONS, (ITEM, 99, b""))
    assert meddle("SELECT count(*) FROM versions WHERE number = 99") == [(0,)]


def test_a_changed_schema_that_is_the_same_again_is_no_tampering(store, meddle):
    with store.writing() as rows:
        rows.put(HEADER, (1, b"before", b""))
    meddle("CREATE TABLE more (id INTEGER)", "DROP TABLE more")
    with store.writing() as rows:
        rows.put(HEADER, (1, b"after", b""))
    with store.reading() as rows:
        assert rows.get(HEADER, 1) == (1, b"after", b"")


NOT_VAULTS = {
    "empty": b"",
    "text": b"username,password\n" * 100,
    "cut header": b"SQLite format 3\0",
    "zeros": bytes(8192),
    "noise": os.urandom(8192),
}


@pytest.mark.parametrize("content", NOT_VAULTS.values(), ids=NOT_VAULTS)
def test_a_file_that_is_no_vault_is_refused(place, content):
    path = f"{place}/vault.db"
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    with pytest.raises(Tampered):
        SqliteStore.open(path)


def test_somebody_elses_database_is_refused(path, meddle):
    meddle("PRAGMA application_id = 7")
    with pytest.raises(Tampered, match="not a strongroom vault"):
        SqliteStore.open(path)


def test_a_newer_format_is_refused_before_its_schema_is_looked_at(path, meddle):
    meddle("CREATE TABLE of_the_future (id INTEGER)", "PRAGMA user_version = 2")
    with pytest.raises(FormatUnsupported) as raised:
        SqliteStore.open(path)
    assert "upgrade" in raised.value.advice


@pytest.mark.parametrize("version", [0, -1])
def test_a_format_that_never_existed_is_tampering(path, meddle, version):
    meddle(f"PRAGMA user_version = {version}")
    with pytest.raises(Tampered):
        SqliteStore.open(path)


WRONG_VALUES = {"null": None, "text": "text", "text that is not UTF-8": b"\xff", "number": 7, "real": 1.5}


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_a_value_of_a_wrong_type_is_refused(path, meddle, name):
    """STRICT refuses it on the way in; an attacker takes the word out of the schema, writes, and puts it back."""
    expression = "CAST(x'ff' AS TEXT)" if name == "text that is not UTF-8" else "?"
    arguments = () if expression != "?" else (WRONG_VALUES[name],)
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(replace(sql, ' STRICT,', ''), 'NOT NULL', '')"
            " WHERE name = 'versions'"
        )
    connection.close()
    meddle((f"UPDATE versions SET body = {expression} WHERE number = 5", arguments))
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(replace(replace(replace(sql, ' WITHOUT', ' STRICT, WITHOUT'),"
            "'BLOB ,', 'BLOB NOT NULL,'), 'INTEGER ,', 'INTEGER NOT NULL,'), ', STRICT', ' STRICT')"
            " WHERE name = 'versions'"
        )
        sql = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'versions'").fetchone()[0]
    connection.close()
    assert sql.endswith(" STRICT, WITHOUT ROWID")
    store = SqliteStore.open(path)
    with store.reading() as rows:
        assert rows.get(VERSIONS, ITEM, 4) == (ITEM, 4, b"v" * 300)
        with pytest.raises(Tampered, match="wrong type"):
            rows.get(VERSIONS, ITEM, 5)
        with pytest.raises(Tampered, match="wrong type"):
            list(rows.scan(VERSIONS))
    store.close()


def read_everything(path):
    store = SqliteStore.open(path)
    try:
        with store.reading() as rows:
            found = {table.name: list(rows.scan(table)) for table in TABLES}
            for number in range(0, 41, 8):
                rows.get(VERSIONS, ITEM, number)
                rows.last(NODES, b"p" * 16)
        with store.writing() as written:
            written.put(HEADER, (2, b"", b""))
            written.delete(VERSIONS, ITEM, 7)
        store.scrub()
        return found
    finally:
        store.close()


@pytest.mark.parametrize("step", range(4))
def test_a_flipped_byte_anywhere_never_shows_an_error_of_the_driver(path, place, step):
    """Rows come or an error of ours; whether the rows are right is for the ledger above to say."""
    with open(path, "rb") as file:
        original = file.read()
    damaged = f"{place}/damaged.db"
    refused = 0
    # Every byte of the first page's header, then a prime stride that meets every kind of page.
    places = [*range(step, 108, 4), *range(108 + 61 * step, len(original), 244)]
    for offset in places:
        content = bytearray(original)
        content[offset] ^= 0xFF
        with open(os.open(damaged, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        try:
            read_everything(damaged)
        except StrongroomError:
            refused += 1
        for ending in ("-wal", "-shm", "-journal"):
            if os.path.exists(damaged + ending):
                os.unlink(damaged + ending)
    assert refused > 10


@pytest.mark.parametrize("keep", [1, 99, 100, 512, 4095, 4096, 8192, -4096])
def test_a_cut_file_is_refused(path, place, keep):
    damaged = f"{place}/damaged.db"
    shutil.copy(path, damaged)
    os.truncate(damaged, keep if keep > 0 else os.path.getsize(path) + keep)
    with pytest.raises(Tampered):
        read_everything(damaged)


def test_a_planted_log_of_noise_changes_nothing(path):
    """SQLite believes a log only with matching checksums; noise is as good as none."""
    with open(os.open(path + "-wal", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(os.urandom(100_000))
    assert len(read_everything(path)["versions"]) == 40


def test_a_value_longer_than_any_of_ours_is_refused(path, meddle):
    meddle(f"INSERT INTO versions VALUES (x'00', 1, zeroblob({65 * 1024 * 1024}))")
    store = SqliteStore.open(path)
    with store.reading() as rows, pytest.raises(Tampered):
        rows.get(VERSIONS, b"\x00", 1)
    store.close()
