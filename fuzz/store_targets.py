"""What a PostgreSQL server gives: rows of any type, and none that were asked for."""

from __future__ import annotations

import json
from functools import cache
from types import SimpleNamespace
from typing import Any

from fuzz.target import Target
from strongroom.stores import schema
from strongroom.stores.postgres_rows import EachTable, checked_rows, rows_by_key

TABLES = (schema.HEADER, schema.SLOTS, schema.OBJECTS, schema.NODES, schema.VERSIONS)


@cache
def session() -> Any:
    """What the check of rows asks a session for: its place for messages, and what is said of each table."""
    return SimpleNamespace(location="postgresql://h/d", statements=EachTable("strongroom", "SELECT 1"))


def value(said: object) -> Any:
    """Text stands for bytes here, as JSON has none."""
    return said.encode("utf-8", "surrogatepass") if isinstance(said, str) else said


def rows_in(data: bytes) -> list[Any]:
    """Rows as a server that is not ours could give them."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return []
    lists = found if isinstance(found, list) else []
    return [tuple(value(one) for one in row) if isinstance(row, list) else (value(row),) for row in lists]


def read_rows(data: bytes) -> None:
    """What is taken has the types of its table and the keys that were asked for, each once."""
    table = TABLES[data[0] % len(TABLES)] if data else TABLES[0]
    rows = rows_in(data[1:])
    types = tuple(int if kind == "INTEGER" else bytes for _, kind in table.columns)
    for row in checked_rows(session(), table, list(rows)):
        assert tuple(map(type, row)) == types
    asked = [row[: table.key_length] for row in rows[:2]]
    found = rows_by_key(session(), table, asked, rows)
    assert set(found) <= set(asked) and len(found) == len(rows)


ROWS = (
    b'\0[[1, "body", "mac"]]', b'\1[["id", "record"], ["id2", "r"]]', b'\2[[7, "id", "body"]]',
    b'\3[["p", "t", "i", "b"]]', b'\4[["item", 1, "body"], ["item", 2, "body"], ["item", 3, "b"]]',
    b'\1[["id", "a"], ["id", "b"]]', b'\1[["id", null]]', b'\4[["item", true, "x"]]', b"\2[[7]]", b"\0[5]",
)  # fmt: skip
TARGETS = [Target("postgres-rows", read_rows, lambda: list(ROWS))]
