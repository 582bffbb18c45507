"""Rows in and out of PostgreSQL: one prepared statement per method, and the type of every value checked.

What is put waits in this program until something is read or the transaction ends, and then goes
to the server in one journey.
"""

from __future__ import annotations

from strongroom.stores.interface import Table
from strongroom.stores.postgres_driver import damaged
from strongroom.stores.postgres_link import BIGINT, BIGINTS, BYTEA, BYTEAS, Statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import LiteralString

    from psycopg.sql import Composable

    from strongroom.stores.interface import Row
    from strongroom.stores.postgres_session import Session

_INTEGER_MAX = 2**63 - 1
_KINDS = {"INTEGER": BIGINT, "BLOB": BYTEA}
_ARRAYS = {BIGINT: BIGINTS, BYTEA: BYTEAS}
_VALUE_BYTES_MAX = 64 * 1024 * 1024
"""Longest value in bytes, as in SQLite; a longer one is not even fetched."""
_FIRST_PAGE = 64
_PAGE_ROWS_MAX = 2000
_PAGE_BYTES = 1024 * 1024
_HELD_ROWS_MAX = 1000
_HELD_BYTES_MAX = 4 * 1024 * 1024


class Statements:
    """What is said of one table of one vault; ``scan`` and ``last`` by length of the key's prefix."""

    __slots__ = (
        "delete", "first_pages", "get", "get_many", "glance", "glance_many", "last", "next_pages", "put", "types",
    )  # fmt: skip

    def __init__(self, schema: str, table: Table, count_of_commits: str) -> None:
        from psycopg import sql

        place = sql.Identifier(schema, table.name)
        self.types = tuple(int if kind == "INTEGER" else bytes for _, kind in table.columns)
        self._read(table, place, sql.SQL(count_of_commits))
        self._write(table, place)

    def _read(self, table: Table, place: Composable, commits: Composable) -> None:
        from psycopg import sql

        key = [name for name, _ in table.columns[: table.key_length]]
        gives = tuple(_KINDS[kind] for _, kind in table.columns)
        takes = gives[: len(key)]
        columns = sql.SQL(", ").join(
            sql.SQL("CASE WHEN octet_length({0}) <= {1} THEN {0} END").format(sql.Identifier(name), _VALUE_BYTES_MAX)
            if kind == "BLOB"
            else sql.Identifier(name)
            for name, kind in table.columns
        )
        order, backwards = _joined(", ", "{}", key), _joined(", ", "{} DESC", key)
        rows = sql.SQL("SELECT {} FROM {}").format(columns, place)
        one, several = _where(key), _among(key, takes)
        seen = sql.SQL("SELECT {}, x.* FROM (VALUES (1)) AS one LEFT JOIN ({}{}) AS x ON true")
        arrays = tuple(_ARRAYS[kind] for kind in takes)
        self.get = _statement(sql.SQL("{}{}").format(rows, one), takes, gives)
        self.get_many = _statement(sql.SQL("{}{}").format(rows, several), arrays, gives)
        self.glance = _statement(seen.format(commits, rows, one), takes, (BIGINT, *gives))
        self.glance_many = _statement(seen.format(commits, rows, several), arrays, (BIGINT, *gives))
        self.last, self.first_pages, self.next_pages = [], [], []
        page = sql.SQL("{}{} ORDER BY {} LIMIT ${}")
        for count in range(len(key) + 1):
            where, given = _where(key[:count]), takes[:count]
            last = sql.SQL("{}{} ORDER BY {} LIMIT 1").format(rows, where, backwards)
            later = sql.SQL("{} {} ({}) > ({})").format(
                where, sql.SQL("AND" if count else " WHERE"), order, _marks(count, len(key))
            )
            self.last.append(_statement(last, given, gives))
            self.first_pages.append(
                _statement(page.format(rows, where, order, sql.Literal(count + 1)), (*given, BIGINT), gives)
            )
            limit = sql.Literal(count + len(key) + 1)
            self.next_pages.append(_statement(page.format(rows, later, order, limit), (*given, *takes, BIGINT), gives))

    def _write(self, table: Table, place: Composable) -> None:
        from psycopg import sql

        names = [name for name, _ in table.columns]
        kinds = tuple(_KINDS[kind] for _, kind in table.columns)
        key, others = names[: table.key_length], names[table.key_length :]
        # Not ON CONFLICT, to which a row that another writer has deleted meanwhile is merely not there.
        put = sql.SQL(
            "WITH v ({}) AS (VALUES ({})), there AS (UPDATE {} AS t SET {} FROM v WHERE {} RETURNING 1)"
            " INSERT INTO {} SELECT * FROM v WHERE NOT EXISTS (SELECT 1 FROM there)"
        ).format(
            *(_joined(", ", "{}", names), _marks(0, len(names)), place, _joined(", ", "{0} = v.{0}", others)),
            *(_joined(" AND ", "t.{0} = v.{0}", key), place),
        )
        self.put = _statement(put, kinds)
        self.delete = _statement(sql.SQL("DELETE FROM {}{}").format(place, _where(key)), kinds[: len(key)])


def _statement(text: Composable, takes: tuple[int, ...], gives: tuple[int, ...] = ()) -> Statement:
    return Statement(text.as_bytes(), takes, gives)


def _joined(between: LiteralString, form: LiteralString, names: list[str]) -> Composable:
    """Every name quoted, in *form*."""
    from psycopg import sql

    return sql.SQL(between).join(sql.SQL(form).format(sql.Identifier(name)) for name in names)


def _marks(after: int, count: int) -> Composable:
    """The places of *count* parameters behind the first *after*."""
    from psycopg import sql

    return sql.SQL(", ").join(sql.SQL("${}").format(sql.Literal(after + number)) for number in range(1, count + 1))


def _where(names: list[str]) -> Composable:
    """A condition on the first parameters."""
    from psycopg import sql

    terms = [
        sql.SQL("{} = ${}").format(sql.Identifier(name), sql.Literal(number)) for number, name in enumerate(names, 1)
    ]
    return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(terms)) if terms else sql.SQL("")


def _among(names: list[str], kinds: tuple[int, ...]) -> Composable:
    """A condition on arrays, one for each column of the key."""
    from psycopg import sql

    arrays = [
        sql.SQL("${}::bytea[]" if kind == BYTEA else "${}::bigint[]").format(sql.Literal(number))
        for number, kind in enumerate(kinds, 1)
    ]
    return sql.SQL(" WHERE ({}) IN (SELECT * FROM unnest({}))").format(
        _joined(", ", "{}", names), sql.SQL(", ").join(arrays)
    )


class EachTable(dict[Table, Statements]):
    """Made when a table is met first."""

    def __init__(self, schema: str, count_of_commits: str) -> None:
        super().__init__()
        self._schema = schema
        self._count = count_of_commits

    def __missing__(self, table: Table) -> Statements:
        made = self[table] = Statements(self._schema, table, self._count)
        return made


class Reader:
    """Implements `interface.Reading`."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, table: Table, *key: int | bytes) -> Row | None:
        """The row with exactly this key, or None."""
        return self._one(table, self._session.statements[table].get, key)

    def last(self, table: Table, *prefix: int | bytes) -> Row | None:
        """The row with the greatest key that begins with *prefix*, or None."""
        return self._one(table, self._session.statements[table].last[len(prefix)], prefix)

    def scan(self, table: Table, *prefix: int | bytes) -> Iterator[Row]:
        """All rows whose key begins with *prefix*, in key order; no prefix: all rows.

        Raises (while iterating): RuntimeError: the transaction is over.
        """
        self._session.check_open()
        return self._stream(table, prefix, self._session.serial)

    def page(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """At most *limit* rows in key order whose key is greater than *after*; None: from the first on."""
        statements = self._session.statements[table]
        if after is None:
            return self._many(table, statements.first_pages[0], (limit,))
        return self._many(table, statements.next_pages[0], (*after[: table.key_length], limit))

    def get_many(self, table: Table, keys: list[Row]) -> dict[Row, Row]:
        """See `interface.Reading`."""
        if not keys:
            return {}
        session = self._session
        found = session.ask(session.statements[table].get_many, list(zip(*keys, strict=True)))
        return rows_by_key(session, table, keys, found)

    def _one(self, table: Table, query: Statement, parameters: Row) -> Row | None:
        found = self._many(table, query, parameters)
        return found[0] if found else None

    def _many(self, table: Table, query: Statement, parameters: Sequence[object]) -> list[Row]:
        session = self._session
        return checked_rows(session, table, session.ask(query, parameters))

    def _stream(self, table: Table, prefix: Row, serial: int) -> Iterator[Row]:
        session = self._session
        statements = session.statements[table]
        limit = _FIRST_PAGE
        rows = self._many(table, statements.first_pages[len(prefix)], (*prefix, limit))
        while True:
            for row in rows:
                if session.serial != serial:
                    raise RuntimeError("the transaction is over")
                yield row
            if session.serial != serial:
                raise RuntimeError("the transaction is over")
            if len(rows) < limit:
                return
            limit = _next_limit(rows)
            after = rows[-1][: table.key_length]
            rows = self._many(table, statements.next_pages[len(prefix)], (*prefix, *after, limit))


class Writer(Reader):
    """Implements `interface.Writing`."""

    __slots__ = ()

    @property
    def writer(self) -> int:
        """See `interface.Writing`."""
        return self._session.writer

    def put(self, table: Table, row: Row) -> None:
        """Insert *row*, or replace the row with its key."""
        session = self._session
        session.check_writable()
        statements = session.statements[table]
        if tuple(map(type, row)) != statements.types:
            raise TypeError("wrong number or type of columns")
        if any(not -_INTEGER_MAX <= value <= _INTEGER_MAX for value in row if isinstance(value, int)):
            raise ValueError("a number in a row is 0 to 2**63 - 1")
        session.hold(statements.put, row, sum(len(value) for value in row if isinstance(value, bytes)))
        if len(session.held) > _HELD_ROWS_MAX or session.held_bytes > _HELD_BYTES_MAX:
            session.hand_over()

    def put_many(self, table: Table, rows: Iterable[Row]) -> None:
        """As `put` for each of *rows*, in one call."""
        for row in rows:
            self.put(table, row)

    def delete(self, table: Table, *key: int | bytes) -> None:
        """Delete the row with exactly this key; nothing happens when there is none."""
        session = self._session
        session.check_writable()
        session.hold(session.statements[table].delete, key, 0)


def checked_rows(session: Session, table: Table, rows: list[Row]) -> list[Row]:
    """*rows*, if each holds what its columns can hold.

    Raises: Tampered: one holds something else, or more than this program writes.
    """
    types = session.statements[table].types
    for row in rows:
        if tuple(map(type, row)) != types:
            raise damaged(session.location, f"a row of table {table.name} holds a value of the wrong type or size")
    return rows


def rows_by_key(session: Session, table: Table, keys: list[Row], rows: list[Row]) -> dict[Row, Row]:
    """*rows* by their keys, which are among *keys*.

    Raises: Tampered: as `checked_rows`; or one has another key, or comes twice, as no table would give it.
    """
    found = {row[: table.key_length]: row for row in checked_rows(session, table, rows)}
    if len(found) != len(rows) or not found.keys() <= set(keys):
        raise damaged(session.location, f"table {table.name} gives rows that were not asked for")
    return found


def _next_limit(rows: list[Row]) -> int:
    size = sum(len(value) for row in rows for value in row if isinstance(value, bytes)) // len(rows) + 1
    return max(1, min(_PAGE_ROWS_MAX, _PAGE_BYTES // size))
