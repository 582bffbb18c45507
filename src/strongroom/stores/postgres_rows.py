"""Rows in and out of PostgreSQL: one prepared statement per method, and the type of every value checked.

What is put waits in this program until something is read or the transaction ends, and then goes
to the server in one journey.
"""

from __future__ import annotations

from strongroom.stores.interface import Table
from strongroom.stores.postgres_driver import damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import LiteralString

    from psycopg.sql import Composable

    from strongroom.stores.interface import Row
    from strongroom.stores.postgres_session import Session

_INTEGER_MAX = 2**63 - 1
_VALUE_BYTES_MAX = 64 * 1024 * 1024
"""Longest value in bytes, as in SQLite; a longer one is not even fetched."""
_FIRST_PAGE = 64
_PAGE_ROWS_MAX = 2000
_PAGE_BYTES = 1024 * 1024
_HELD_ROWS_MAX = 1000
_HELD_BYTES_MAX = 4 * 1024 * 1024


class Statements:
    """The SQL of one table of one vault, written once; ``scan`` and ``last`` by length of the key's prefix."""

    __slots__ = ("delete", "first_pages", "get", "get_many", "glance", "last", "next_pages", "put", "types")

    def __init__(self, schema: str, table: Table, count_of_commits: str) -> None:
        from psycopg import sql

        # A name may hold a percent sign, which the driver would take for a parameter.
        place = sql.SQL(sql.Identifier(schema, table.name).as_string().replace("%", "%%"))
        commits = sql.SQL(count_of_commits.replace("%", "%%"))
        self.types = tuple(int if kind == "INTEGER" else bytes for _, kind in table.columns)
        self._read(table, place, commits)
        self._write(table, place)

    def _read(self, table: Table, place: Composable, commits: Composable) -> None:
        from psycopg import sql

        key = [name for name, _ in table.columns[: table.key_length]]
        kinds = [kind for _, kind in table.columns[: table.key_length]]
        columns = sql.SQL(", ").join(
            sql.SQL("CASE WHEN octet_length({0}) <= {1} THEN {0} END").format(sql.Identifier(name), _VALUE_BYTES_MAX)
            if kind == "BLOB"
            else sql.Identifier(name)
            for name, kind in table.columns
        )
        order, backwards = _joined(", ", "{}", key), _joined(", ", "{} DESC", key)
        counts = range(len(key) + 1)
        wheres = [_where(key[:count]) for count in counts]
        marks = sql.SQL(", ").join([sql.SQL("%b")] * len(key))
        later = [
            sql.SQL("{} {} ({}) > ({})").format(wheres[count], sql.SQL("AND" if count else " WHERE"), order, marks)
            for count in counts
        ]
        rows = sql.SQL("SELECT {} FROM {}").format(columns, place)
        pages = sql.SQL("{}{} ORDER BY {} LIMIT %b")
        self.get = sql.SQL("{}{}").format(rows, wheres[-1]).as_bytes()
        self.glance = (
            sql.SQL("SELECT {}, x.* FROM (VALUES (1)) AS one LEFT JOIN ({}{}) AS x ON true")
            .format(commits, rows, wheres[-1])
            .as_bytes()
        )
        self.last = [sql.SQL("{}{} ORDER BY {} LIMIT 1").format(rows, where, backwards).as_bytes() for where in wheres]
        self.first_pages = [pages.format(rows, where, order).as_bytes() for where in wheres]
        self.next_pages = [pages.format(rows, where, order).as_bytes() for where in later]
        arrays = sql.SQL(", ").join(sql.SQL("%b::bytea[]" if kind == "BLOB" else "%b::bigint[]") for kind in kinds)
        self.get_many = (
            sql.SQL("{} WHERE ({}) IN (SELECT * FROM unnest({}))").format(rows, order, arrays).as_bytes()
        )

    def _write(self, table: Table, place: Composable) -> None:
        from psycopg import sql

        names = [name for name, _ in table.columns]
        key, others = names[: table.key_length], names[table.key_length :]
        values = sql.SQL(", ").join([sql.SQL("%b")] * len(names))
        # Not ON CONFLICT, to which a row that another writer has deleted meanwhile is merely not there.
        self.put = (
            sql.SQL(
                "WITH v ({}) AS (VALUES ({})), there AS (UPDATE {} AS t SET {} FROM v WHERE {} RETURNING 1)"
                " INSERT INTO {} SELECT * FROM v WHERE NOT EXISTS (SELECT 1 FROM there)"
            )
            .format(
                *(_joined(", ", "{}", names), values, place, _joined(", ", "{0} = v.{0}", others)),
                *(_joined(" AND ", "t.{0} = v.{0}", key), place),
            )
            .as_bytes()
        )
        self.delete = sql.SQL("DELETE FROM {}{}").format(place, _where(key)).as_bytes()


def _joined(between: LiteralString, form: LiteralString, names: list[str]) -> Composable:
    """Every name quoted, in *form*."""
    from psycopg import sql

    return sql.SQL(between).join(sql.SQL(form).format(sql.Identifier(name)) for name in names)


def _where(names: list[str]) -> Composable:
    from psycopg import sql

    return sql.SQL(" WHERE {}").format(_joined(" AND ", "{} = %b", names)) if names else sql.SQL("")


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
        columns = [adapted(column) for column in zip(*keys, strict=True)]
        query = self._session.statements[table].get_many
        found = checked_rows(self._session, table, self._session.ask(query, columns))
        return {row[: table.key_length]: row for row in found}

    def _one(self, table: Table, query: bytes, parameters: Row) -> Row | None:
        found = self._many(table, query, parameters)
        return found[0] if found else None

    def _many(self, table: Table, query: bytes, parameters: Row) -> list[Row]:
        session = self._session
        return checked_rows(session, table, session.ask(query, adapted(parameters)))

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
        session.hold(statements.put, adapted(row), sum(len(value) for value in row if isinstance(value, bytes)))
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
        session.hold(session.statements[table].delete, adapted(key), 0)


def adapted(values: Row) -> list[object]:
    """Parameters of one type for each column: the driver would choose a narrower one for a small number."""
    from psycopg.types.numeric import Int8

    return [Int8(value) if type(value) is int else value for value in values]


def checked_rows(session: Session, table: Table, rows: list[Row]) -> list[Row]:
    """*rows*, if each holds what its columns can hold.

    Raises: Tampered: one holds something else, or more than this program writes.
    """
    types = session.statements[table].types
    for row in rows:
        if tuple(map(type, row)) != types:
            raise damaged(session.location, f"a row of table {table.name} holds a value of the wrong type or size")
    return rows


def _next_limit(rows: list[Row]) -> int:
    size = sum(len(value) for row in rows for value in row if isinstance(value, bytes)) // len(rows) + 1
    return max(1, min(_PAGE_ROWS_MAX, _PAGE_BYTES // size))
