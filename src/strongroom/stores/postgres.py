"""A store on a PostgreSQL server: one vault in one schema of a database.

Its transactions are in postgres_blocks.py over postgres_session.py, rows in postgres_rows.py,
connections in postgres_pool.py, the locks that keep writers apart in postgres_locks.py, its tables
in postgres_schema.py, the URL in postgres_address.py, the driver in postgres_driver.py.
"""

from __future__ import annotations

import os

from strongroom.errors import Conflict, StoreUnavailable
from strongroom.stores import postgres_address, postgres_driver, postgres_schema
from strongroom.stores.interface import integer
from strongroom.stores.postgres_blocks import ReadBlock, WriteBlock
from strongroom.stores.postgres_reshaping import Reshaping
from strongroom.stores.postgres_rows import Reader, checked_rows, rows_by_key
from strongroom.stores.postgres_session import Session
from strongroom.stores.schema import newest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.stores.interface import Row, Table
    from strongroom.stores.postgres_address import Address
    from strongroom.stores.postgres_driver import Connection
    from strongroom.stores.postgres_link import Statement
    from strongroom.stores.schema import Format

_getpid = os.getpid


class PostgresStore:
    """Rows of ciphertext in one schema. Implements `interface.Store`.

    Made by `open` and `create`, never directly. After a fork the child connects anew by itself;
    a transaction that was open then belongs to the parent alone.
    """

    is_remote = True

    def __init__(self, session: Session) -> None:
        self.location = session.location
        self._session = session
        self._reader = Reader(session)

    @classmethod
    def open(cls, location: str, *, any_format: bool = False) -> PostgresStore:
        """The store at ``postgresql:`` *location*.

        Raises:
            ValueError, UnsafePermissions: as `postgres_address.parse`.
            VaultNotFound: no such database, or no vault in the schema.
            FormatUnsupported: of another format, or the extra ``postgres`` is not installed.
            Tampered: its tables are not those that this program makes.
            Denied: the server refuses the login, or the role may not read it.
            StoreUnavailable: the server does not answer.
        """
        address = postgres_address.parse(location)
        session = Session(address, any_format=any_format)
        try:
            session.format = _inspect(session, address)
        except BaseException:
            session.servers.close()
            raise
        return cls(session)

    @classmethod
    def create(cls, location: str) -> PostgresStore:
        """A new, empty store that will be at ``postgresql:`` *location* once `publish` was called.

        Until then it is one transaction of this program's: nobody else sees it, and it goes with
        the connection. The schema is made, unless an empty one is there.

        Raises:
            Conflict: something lies in the schema.
            Denied: the role may not make it.
            ValueError, UnsafePermissions, VaultNotFound, StoreUnavailable: as `open`.
        """
        address = postgres_address.parse(location)
        session = Session(address, any_format=False)
        session.format = newest()
        session.begin_new(lambda connection: _make(connection, address))
        return cls(session)

    @property
    def format(self) -> Format:
        """See `interface.Store`."""
        return self._session.format

    def publish(self) -> None:
        """Commit a created store, whole; durable when this returns. Does nothing for one that was opened.

        Raises:
            OutcomeUnknown: the answer to the commit is missing.
            StoreUnavailable: nothing is there.
        """
        session = self._session
        if session.pid != _getpid() and session.is_new:
            raise StoreUnavailable(f"{self.location}: it belongs to the process that forked this one")
        with session.mutex:
            if not session.is_new:
                return
            session.refuse_inside("publish")
            try:
                session.commit_new()
            except BaseException:
                self.close()
                raise

    def reading(self) -> ReadBlock:
        """A read transaction; inside another transaction of this thread it joins that."""
        return ReadBlock(self._session)

    def writing(self, *, beside: bool = False) -> WriteBlock:
        """A write transaction; inside another one, a part of it that can be undone alone.

        Entering it waits up to a minute for writers that are alone, or with all of them out of *beside*.

        Raises:
            RuntimeError: on entering, inside a read transaction: its moment may have passed.
            StoreUnavailable: on entering, still busy after a minute; on leaving, not written.
            Overtaken: as `interface.Store.writing`.
            OutcomeUnknown: on leaving, the answer to COMMIT is missing.
        """
        return WriteBlock(self._session, beside=beside)

    def change_token(self) -> int:
        """See `interface.Store.change_token`; outside a transaction it may be as old as ``cached_reads`` says."""
        session = self._session
        if session.pid != _getpid():
            session.after_fork()
        with session.mutex:
            session.refuse_closed()
            if session.depth or session.is_new:
                return session.token
            looking = session.looking
            if looking.is_cached(session.servers.writing):
                return looking.token
        return self._glance(looking.counted, ())[0]

    def glance(self, table: Table, *key: int | bytes) -> tuple[int, Row | None]:
        """See `interface.Store.glance`."""
        session = self._session
        if session.pid != _getpid():
            session.after_fork()
        if session.is_closed or session.is_new or session.depth:
            session.refuse_closed()
            if session.is_new or self._is_inside():
                with self.reading() as rows:
                    return session.token, rows.get(table, *key)
        token, found = self._glance(session.statements[table].glance, key)
        return token, checked_rows(session, table, found)[0] if found else None

    def glance_many(self, table: Table, keys: list[Row]) -> tuple[int, dict[Row, Row]]:
        """See `interface.Store.glance_many`."""
        session = self._session
        if session.pid != _getpid():
            session.after_fork()
        session.refuse_closed()
        if not keys or session.is_new or self._is_inside():
            with self.reading() as rows:
                return session.token, rows.get_many(table, keys)
        token, found = self._glance(session.statements[table].glance_many, list(zip(*keys, strict=True)))
        return token, rows_by_key(session, table, keys, found)

    def _is_inside(self) -> bool:
        """Whether a transaction of this thread is open."""
        session = self._session
        return bool(session.mutex._is_owned() and session.depth)  # type: ignore[attr-defined]

    def _glance(self, question: Statement, parameters: Sequence[object]) -> tuple[int, list[Row]]:
        """The token and the rows, without the number of commits that stands before each."""
        session = self._session
        looking, servers = session.looking, session.servers
        own = looking.own
        rows = servers.ask(question, parameters)
        token, is_behind = looking.seen(integer(rows[0], 0), own, made=servers.made)
        if is_behind and servers.are_two:
            # A replica that has not heard yet of what this program has seen.
            rows = servers.ask(question, parameters, of_primary=True)
            token, _ = looking.seen(integer(rows[0], 0), own, made=servers.made)
        if len(rows[0]) == 1 or rows[0][1] is None:
            return token, []
        return token, [row[1:] for row in rows]

    def ask_primary(self) -> bool:
        """See `interface.Store.ask_primary`."""
        with self._session.mutex:
            return self._session.servers.ask_primary()

    def check(self) -> None:
        """Compare the tables with those that this program makes.

        Raises: Tampered, StoreUnavailable.
        """
        with self.reading():
            session = self._session
            try:
                connection, schema = session.link.connection, session.address.schema
                postgres_schema.check_tables(connection, schema, self.location, session.format)
            except postgres_driver.load().Error as error:
                raise session.failed(error) from None

    def reshaping(self, format: Format) -> Reshaping:
        """See `interface.Store`."""
        return Reshaping(self._session, format)

    def scrub(self) -> None:
        """Have the server clean up deleted rows, where this role owns the tables; else it does so in its own time.

        The write-ahead log and replicas keep them until they are overwritten: docs/postgresql.md.

        Raises: StoreUnavailable: the server did not do it; scrub again.
        """
        session = self._session
        if session.pid != _getpid():
            session.after_fork()
        with session.mutex:
            session.refuse_inside("scrub")
            session.refuse_closed()
            for table in session.format.tables:
                session.servers.clean(table)

    def backup(self, path: str) -> None:
        """Write a copy of one moment to a new SQLite file at *path*; readers and writers go on.

        Raises: Conflict, UnsafePermissions, StoreUnavailable: as `SqliteStore.create`.
        """
        from strongroom.stores.sqlite_copies import write_as_sqlite  # needed only when a copy is made

        write_as_sqlite(self, path)

    def close(self) -> None:
        """Let go of the connections; a transaction that is open is undone; a second call does nothing."""
        self._session.close()


def _inspect(session: Session, address: Address) -> Format:
    """The format of the store, whose tables were compared."""
    link = session.servers.reading.take()
    connection = link.connection
    try:
        number = session.looking.format_number(connection)
        found = postgres_schema.known_format(number, address.location, any_format=session.any_format)
        postgres_schema.check_tables(connection, address.schema, address.location, found)
        return found
    except postgres_driver.load().Error as error:
        if postgres_driver.sqlstate(error) == "42P01":
            postgres_schema.check_tables(connection, address.schema, address.location, newest())
        raise postgres_driver.translate(error, address.location) from None
    finally:
        session.servers.reading.give(link)


def _make(connection: Connection, address: Address) -> None:
    from psycopg import sql

    place = connection.execute("SELECT oid FROM pg_namespace WHERE nspname = %s", [address.schema]).fetchone()
    if place is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(address.schema)))
    elif connection.execute("SELECT 1 FROM pg_class WHERE relnamespace = %s LIMIT 1", [place[0]]).fetchone():
        raise Conflict(f"{address.location} exists already", advice="another place: ?schema=NAME")
    postgres_schema.make_tables(connection, address.schema, newest())
