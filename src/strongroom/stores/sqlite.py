"""A store in one SQLite file: made, opened, published, scrubbed, copied, closed.

Its transactions are in sqlite_blocks.py over sqlite_session.py, rows in sqlite_rows.py, the
file itself in sqlite_file.py, copies of it in sqlite_copies.py, the driver in sqlite_driver.py.
One connection per store object and one mutex around it: threads take turns, processes
are kept apart by SQLite.
"""

from __future__ import annotations

import os
from time import monotonic

from strongroom.errors import StoreUnavailable, Tampered
from strongroom.stores import durable, files
from strongroom.stores.sqlite_blocks import ReadBlock, WriteBlock
from strongroom.stores.sqlite_driver import DriverError, is_busy
from strongroom.stores.sqlite_file import (
    check_identity,
    check_schema,
    new_connection,
    open_connection,
    pause,
    refuse_network,
    refuse_old_library,
    remove_files,
)
from strongroom.stores.sqlite_places import refuse_leftovers
from strongroom.stores.sqlite_reshaping import Reshaping
from strongroom.stores.sqlite_session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.interface import Row, Table
    from strongroom.stores.schema import Format
    from strongroom.stores.sqlite_driver import Connection

_SCRUB_SECONDS = 2.0
_getpid = os.getpid


class SqliteStore:
    """Rows of ciphertext in one SQLite file. Implements `interface.Store`.

    Made by `open` and `create`, never directly. After a fork the child connects anew by
    itself; a transaction that was open then belongs to the parent alone.
    """

    is_remote = False

    def __init__(self, path: str, connection: Connection, *, unpublished: str = "", any_format: bool = False) -> None:
        self.location = path
        self._unpublished = unpublished
        self._session = Session(unpublished or path, connection, any_format=any_format)

    @classmethod
    def open(cls, path: str, *, any_format: bool = False) -> SqliteStore:
        """The store in the file at *path*.

        Args:
            any_format: it may be of an older format, to be upgraded.

        Raises: VaultNotFound, UnsafePermissions, FormatUnsupported, Tampered,
            StoreUnavailable: as `sqlite_file.open_connection`.
        """
        path = os.path.abspath(path)
        return cls(path, open_connection(path, any_format=any_format), any_format=any_format)

    @property
    def format(self) -> Format:
        """See `interface.Store`."""
        return self._session.format

    @classmethod
    def create(cls, path: str) -> SqliteStore:
        """A new, empty store that will lie at *path* once `publish` was called.

        Until then it lies beside it under a temporary name: whoever looks at *path* sees
        no vault or a finished one. `close` without `publish` removes it.

        Raises:
            Conflict: *path* exists, or SQLite's files of one that is gone lie beside it.
            NotFound, UnsafePermissions: its directory is missing, or open to others.
            StoreUnavailable: disk full, not writable, or a network file system.
        """
        path = os.path.abspath(path)
        refuse_old_library()
        files.check_private_dir(durable.parent(path))
        refuse_network(durable.parent(path))
        if os.path.lexists(path):
            raise durable.already_exists(path)
        refuse_leftovers(path)
        durable.sweep(path)
        temporary = durable.unfinished_name(path)
        try:
            return cls(path, new_connection(temporary), unpublished=temporary)
        except BaseException:
            remove_files(temporary)
            raise

    def publish(self) -> None:
        """Put a created store in its place, whole, without overwriting; durable when this returns.

        Nothing happens when it was published before, or opened.

        Raises:
            Conflict: something lies there, or beside it, by now; this store is closed and removed.
            StoreUnavailable: the disk did not take it; this store is closed and removed.
        """
        session = self._session
        with session.mutex:
            if not self._unpublished:
                return
            session.refuse_inside("publish")
            try:
                self._checkpoint()
                session.connection.close()
                durable.sync_file(self._unpublished)
                refuse_leftovers(self.location)
                durable.publish_new(self._unpublished, self.location)
                self._unpublished = ""
                session.path = self.location
                session.use(open_connection(self.location))
            except BaseException:
                self.close()
                raise

    def reading(self) -> ReadBlock:
        """A read transaction; inside another transaction of this thread it joins that."""
        return ReadBlock(self._session)

    def writing(self, *, beside: bool = False) -> WriteBlock:
        """A write transaction; inside another one, a part of it that can be undone alone.

        Entering it waits up to a minute for other writers; they are alone, whatever *beside* says.

        Raises:
            RuntimeError: on entering, inside a read transaction: its moment may have passed.
            StoreUnavailable: on entering, still busy after a minute; on leaving, not written.
            OutcomeUnknown: on leaving, COMMIT failed and may have been carried out.
        """
        return WriteBlock(self._session)

    def change_token(self) -> int:
        """A number that differs after another connection has committed; own commits do not change it.

        Inside a transaction it belongs to the moment which that transaction sees.
        Source: https://sqlite.org/pragma.html#pragma_data_version
        """
        session = self._session
        if session.pid != _getpid():
            session.reconnect()
        with session.mutex:
            if session.state and not session.depth:
                # A transaction that an interrupted block has left would answer for its own moment for ever.
                session.clear()
            try:
                row = session.execute("PRAGMA data_version").fetchone()
            except DriverError as error:
                if not is_busy(error):
                    raise session.failed(error) from None
                row = session.insist("PRAGMA data_version")
            # A new connection counts from the start again: the generation keeps its numbers apart.
            token: int = session.generation << 32 | row[0]
            return token

    def glance(self, table: Table, *key: int | bytes) -> tuple[int, Row | None]:
        """See `interface.Store.glance`."""
        with self.reading() as rows:
            return self.change_token(), rows.get(table, *key)

    def glance_many(self, table: Table, keys: list[Row]) -> tuple[int, dict[Row, Row]]:
        """See `interface.Store.glance_many`."""
        with self.reading() as rows:
            return self.change_token(), rows.get_many(table, keys)

    def ask_primary(self) -> bool:
        """There is only one file."""
        return False

    def check(self) -> None:
        """Compare the identity and the schema of the file with what this program makes.

        Raises: Tampered, FormatUnsupported, StoreUnavailable.
        """
        session = self._session
        if session.pid != _getpid():
            session.reconnect()
        with session.mutex:
            try:
                session.check_file()
            except StoreUnavailable as error:
                raise Tampered(error.message, advice=error.advice) from None
            check_identity(session.connection, self.location, any_format=session.any_format)
            check_schema(session.connection, self.location, session.format)

    def reshaping(self, format: Format) -> Reshaping:
        """See `interface.Store`."""
        return Reshaping(self._session, format)

    def scrub(self) -> None:
        """Empty the write-ahead log into the file; freed pages are zeroed already (``secure_delete``).

        Raises:
            StoreUnavailable: another process kept reading the old pages for two seconds
                (transient: what was committed stays committed, scrub again), or the disk
                did not take it.
            RuntimeError: inside a transaction.
        """
        session = self._session
        if session.pid != _getpid():
            session.reconnect()
        with session.mutex:
            session.refuse_inside("scrub")
            self._checkpoint()

    def backup(self, path: str) -> None:
        """Write a consistent copy in one private file that did not exist; readers and writers go on.

        Raises: as `sqlite_copies.write_backup`.
        """
        from strongroom.stores.sqlite_copies import write_backup  # needed only when one is made

        write_backup(self._session.path, path)

    def close(self) -> None:
        """Let go of the file; a transaction that is open is undone; a second call does nothing."""
        session = self._session
        is_owner = session.pid == _getpid()
        if is_owner:
            session.mutex.acquire()
        try:
            if not session.is_closed:
                session.close()
            if self._unpublished and is_owner:
                remove_files(self._unpublished)
                self._unpublished = ""
        finally:
            if is_owner:
                session.mutex.release()

    def _checkpoint(self) -> None:
        session = self._session
        deadline = monotonic() + _SCRUB_SECONDS
        while True:
            result = session.insist("PRAGMA wal_checkpoint(TRUNCATE)")
            if result is not None and not result[0]:
                return
            if monotonic() > deadline:
                raise StoreUnavailable(
                    f"{self.location}: another process still reads old pages, so the log could not be emptied",
                    advice="what was committed stays committed; deleted rows leave the log with the next clean-up",
                    is_transient=True,
                )
            pause()
