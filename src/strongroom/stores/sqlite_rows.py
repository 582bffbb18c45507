"""Rows in and out of SQLite: one statement per method, and the type of every value checked."""

from __future__ import annotations

from strongroom.stores.interface import Table
from strongroom.stores.sqlite_driver import Cursor, DriverError, damaged, is_busy
from strongroom.stores.sqlite_session import WRITING, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from strongroom.stores.interface import Row


class _Statements:
    """The SQL of one table, written once; ``scan`` and ``last`` by length of the key's prefix."""

    __slots__ = ("delete", "first_page", "get", "last", "next_page", "put", "scan", "types")

    def __init__(self, table: Table) -> None:
        names = [name for name, _ in table.columns]
        key = names[: table.key_length]
        wheres = [" AND ".join(f"{name} = ?" for name in key[:count]) for count in range(len(key) + 1)]
        selects = [
            f"SELECT {', '.join(names)} FROM {table.name}" + (f" WHERE {where}" if where else "") for where in wheres
        ]
        self.types = tuple(int if kind == "INTEGER" else bytes for _, kind in table.columns)
        self.get = selects[-1]
        self.scan = [f"{select} ORDER BY {', '.join(key)}" for select in selects]
        self.last = [f"{select} ORDER BY {', '.join(name + ' DESC' for name in key)} LIMIT 1" for select in selects]
        order = f" ORDER BY {', '.join(key)} LIMIT ?"
        self.first_page = selects[0] + order
        # A comparison of row values runs along the primary key, https://sqlite.org/rowvalue.html, 2.1.
        self.next_page = f"{selects[0]} WHERE ({', '.join(key)}) > ({', '.join('?' * len(key))}){order}"
        self.put = f"INSERT OR REPLACE INTO {table.name} VALUES ({', '.join('?' * len(names))})"
        self.delete = f"DELETE FROM {table.name} WHERE {wheres[-1]}"


class _EachTable(dict[Table, _Statements]):
    """Made when a table is met first."""

    def __missing__(self, table: Table) -> _Statements:
        made = self[table] = _Statements(table)
        return made


STATEMENTS = _EachTable()


class Reader:
    """Implements `interface.Reading`."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, table: Table, *key: int | bytes) -> Row | None:
        """The row with exactly this key, or None."""
        session = self._session
        if not session.depth:
            raise RuntimeError("the transaction is over")
        statements = STATEMENTS[table]
        try:
            row = session.execute(statements.get, key).fetchone()
        except DriverError as error:
            row = self._again(error, statements.get, key)
        if row is not None and tuple(map(type, row)) != statements.types:
            raise _wrong_type(session, table)
        return row  # type: ignore[no-any-return]

    def last(self, table: Table, *prefix: int | bytes) -> Row | None:
        """The row with the greatest key that begins with *prefix*, or None."""
        session = self._session
        if not session.depth:
            raise RuntimeError("the transaction is over")
        statements = STATEMENTS[table]
        sql = statements.last[len(prefix)]
        try:
            row = session.execute(sql, prefix).fetchone()
        except DriverError as error:
            row = self._again(error, sql, prefix)
        if row is not None and tuple(map(type, row)) != statements.types:
            raise _wrong_type(session, table)
        return row  # type: ignore[no-any-return]

    def scan(self, table: Table, *prefix: int | bytes) -> Iterator[Row]:
        """All rows whose key begins with *prefix*, in key order; no prefix: all rows.

        Raises (while iterating): RuntimeError: the transaction is over.
        """
        session = self._session
        if not session.depth:
            raise RuntimeError("the transaction is over")
        sql = STATEMENTS[table].scan[len(prefix)]
        cursor = session.connection.cursor()
        try:
            cursor.execute(sql, prefix)
        except DriverError as error:
            if not is_busy(error):
                raise session.failed(error) from None
            # Once any read of this transaction was let in, the others are too.
            session.insist(sql, prefix)
            cursor.execute(sql, prefix)
        session.scans.add(cursor)
        return _stream(session, table, cursor)

    def page(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """At most *limit* rows in key order whose key is greater than *after*; None: from the first on."""
        session = self._session
        if not session.depth:
            raise RuntimeError("the transaction is over")
        statements = STATEMENTS[table]
        sql, key = (statements.first_page, ()) if after is None else (statements.next_page, after)
        try:
            rows: list[Row] = session.connection.execute(sql, (*key, limit)).fetchall()
        except DriverError as error:
            if not is_busy(error):
                raise session.failed(error) from None
            session.insist(sql, (*key, limit))
            rows = session.connection.execute(sql, (*key, limit)).fetchall()
        if any(tuple(map(type, row)) != statements.types for row in rows):
            raise _wrong_type(session, table)
        return rows

    def get_many(self, table: Table, keys: list[Row]) -> dict[Row, Row]:
        """The rows with exactly these keys, by key; absent ones are left out."""
        found = {key: self.get(table, *key) for key in keys}
        return {key: row for key, row in found.items() if row is not None}

    def _again(self, error: Exception, sql: str, parameters: tuple[int | bytes, ...]) -> Row | None:
        """The slow path of a failed read: wait for another process, or raise."""
        if not is_busy(error):
            raise self._session.failed(error) from None
        return self._session.insist(sql, parameters)


class Writer(Reader):
    """Implements `interface.Writing`."""

    __slots__ = ()
    writer = 0

    def put(self, table: Table, row: Row) -> None:
        """Insert *row*, or replace the row with its key."""
        session = self._writable()
        try:
            session.execute(STATEMENTS[table].put, row)
        except DriverError as error:
            raise session.failed(error) from None

    def put_many(self, table: Table, rows: Iterable[Row]) -> None:
        """As `put` for each of *rows*, in one call."""
        session = self._writable()
        cursor = session.connection.cursor()
        try:
            cursor.executemany(STATEMENTS[table].put, rows)
        except DriverError as error:
            raise session.failed(error) from None

    def delete(self, table: Table, *key: int | bytes) -> None:
        """Delete the row with exactly this key; nothing happens when there is none."""
        session = self._writable()
        try:
            session.execute(STATEMENTS[table].delete, key)
        except DriverError as error:
            raise session.failed(error) from None

    def _writable(self) -> Session:
        session = self._session
        if session.state != WRITING:
            # Outside a transaction SQLite would commit each statement alone.
            raise RuntimeError("the transaction is over, or an earlier write in it failed")
        return session


def _stream(session: Session, table: Table, cursor: Cursor) -> Iterator[Row]:
    types = STATEMENTS[table].types
    try:
        for row in cursor:
            if tuple(map(type, row)) != types:
                raise _wrong_type(session, table)
            yield row
    except DriverError as error:
        if cursor not in session.scans:
            raise RuntimeError("the transaction is over") from None
        raise session.failed(error) from None
    finally:
        session.scans.discard(cursor)
        cursor.close()


def _wrong_type(session: Session, table: Table) -> Exception:
    return damaged(session.path, f"a row of table {table.name} holds a value of the wrong type")
