"""One connection and the transaction that is open on it: begin, commit, undo, waiting, forks.

`sqlite.py` shows this to the outside as ``reading()`` and ``writing()``.
"""

from __future__ import annotations

import os
from _thread import RLock  # without the package around it: 1 ms of a cold start
from time import monotonic

from strongroom.errors import FormatUnsupported, OutcomeUnknown, StoreUnavailable
from strongroom.stores import durable
from strongroom.stores.sqlite_driver import (
    Connection,
    Cursor,
    DriverError,
    is_busy,
    is_undone,
    translate,
)
from strongroom.stores.sqlite_file import PATIENCE_SECONDS, check_identity, check_schema, open_connection, pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from strongroom.stores.schema import Format

IDLE, READING, WRITING, BROKEN = range(4)
"""What the session is in. Broken: a write failed, so nothing of its transaction may be committed."""

_LOST = -1
"""Stands for a process id: the connection is gone, and whoever comes next opens another."""

# A connection that a child inherited from its parent must not be closed by the child, not even by the
# garbage collector: https://sqlite.org/howtocorrupt.html, 2.6.
_abandoned: list[tuple[Connection, object]] = []


class Session:
    """A connection, and at most one transaction of one thread on it.

    Attributes:
        path: what is opened again after a fork.
        mutex: held by the thread whose transaction is open.
        any_format: the store may be of an older format than the newest.
        depth: how many blocks, one inside the other, are open.
        format: of the store; inside a transaction that changes it, the new one.
    """

    __slots__ = (
        "_file",
        "_schema_version",
        "any_format",
        "connection",
        "depth",
        "execute",
        "format",
        "former",
        "generation",
        "is_closed",
        "mutex",
        "path",
        "pid",
        "scans",
        "state",
    )  # fmt: skip

    def __init__(self, path: str, connection: Connection, *, any_format: bool = False) -> None:
        self.path = path
        self.any_format = any_format
        self.generation = 0
        self.mutex = RLock()
        self.use(connection)

    def use(self, connection: Connection) -> None:
        """Go on with another connection, without any transaction."""
        self.connection = connection
        # One cursor for everything but scans; making one costs a tenth of a read.
        self.execute = connection.cursor().execute
        self.pid = os.getpid()
        self.depth = 0
        self.state = IDLE
        self.scans: set[Cursor] = set()
        self.is_closed = False
        self.generation += 1
        self._schema_version: object = None
        self.former: Format | None = None
        try:
            self.format = check_identity(connection, self.path, any_format=self.any_format)
        except BaseException:
            connection.close()
            raise
        self._file = _file_at(self.path)

    @property
    def is_of_parent(self) -> bool:
        """Whether this is a child that has not connected yet."""
        return self.pid not in (os.getpid(), _LOST)

    def reconnect(self) -> None:
        """After a fork: leave the parent's connection alone and open one of our own. After a loss: the same."""
        if self.pid == _LOST:
            with self.mutex:
                if self.pid == _LOST:
                    self.use(open_connection(self.path, any_format=self.any_format))
            return
        _abandoned.append((self.connection, self.scans))
        self.mutex = RLock()  # a thread that only the parent has may hold the old one for ever
        if self.is_closed:
            self.pid = os.getpid()
        else:
            self.use(open_connection(self.path, any_format=self.any_format))

    def close(self) -> None:
        """Let go of the connection; an open transaction is undone."""
        if self.is_of_parent:
            _abandoned.append((self.connection, self.scans))
            self.mutex = RLock()
            self.pid = os.getpid()
            self.depth = 0
        else:
            self.end_scans()
            self.connection.close()
        self.state = BROKEN if self.depth else IDLE
        self.is_closed = True
        self.execute = self._refuse_closed

    def begin_writing(self) -> None:
        """Become the only writer, waiting for others.

        Raises: StoreUnavailable, Tampered.
        """
        self.check_file()
        self.insist("BEGIN IMMEDIATE")
        # Somebody who can write to the file may have planted a trigger after we opened it, or a newer
        # program may have changed the format.
        if check_identity(self.connection, self.path, any_format=self.any_format) is not self.format:
            raise FormatUnsupported(f"{self.path} was upgraded meanwhile", advice="repeat the command")
        version = self.insist("PRAGMA schema_version")
        if version != self._schema_version:
            check_schema(self.connection, self.path, self.format)
            self._schema_version = version
        self.state = WRITING

    def end_writing(self, *, is_commit: bool) -> None:
        """Commit, or undo.

        Raises:
            OutcomeUnknown: COMMIT failed in a way that leaves open what is on the disk.
            StoreUnavailable: nothing was written.
        """
        self.end_scans()
        if is_commit and self.state == WRITING:
            self._commit()
            self.former = None
            self._check_committed()
            # Not before: after a Ctrl-C in between, the next beginning sees that something is left to undo.
            self.state = IDLE
            return
        self.clear()
        if is_commit:
            raise StoreUnavailable(
                f"{self.path}: nothing was written, because an earlier step of the transaction failed"
            )

    def check_file(self) -> None:
        """See that the file which is open is still the one that its path names.

        A program that replaces files, as those that synchronise do, leaves this connection with a file that has
        no name any more; and its log, which has one, would be taken for the new file's.

        Raises: StoreUnavailable: it is not. Source: https://sqlite.org/howtocorrupt.html, 4.1.
        """
        found = _file_at(self.path)
        if found != self._file:
            why = "it was removed" if found is None else "another file has taken its place"
            raise StoreUnavailable(
                f"{self.path}: {why} while this program had it open",
                advice="see which is the right one, then start the program again",
            )

    def _check_committed(self) -> None:
        try:
            self.check_file()
        except StoreUnavailable as error:
            self.state = IDLE
            raise OutcomeUnknown(error.message, advice=error.advice) from None

    def clear(self) -> None:
        """Undo what is open, also what a Ctrl-C inside the end of a block has left open."""
        self.undo()
        self.state = IDLE

    def forsake(self, level: int, *, is_writing: bool) -> None:
        """Be in *level* blocks again, one of which may have been left in the midst of anything.

        Args:
            is_writing: it was one of a write transaction: what is inside another one is not committed.
        """
        if not level:
            self.clear()
        elif is_writing and self.state == WRITING:
            self.state = BROKEN
        self.depth = level

    def end_scans(self) -> None:
        """Close scans that were not read to their end; each would hold on to its moment."""
        for cursor in tuple(self.scans):
            cursor.close()
        self.scans.clear()

    def undo(self) -> None:
        """Undo what is open. A connection that cannot is closed, and replaced at the next use."""
        self.end_scans()
        if self.former is not None:
            self.format, self.former = self.former, None
        if self.is_closed or not self.connection.in_transaction:
            return
        try:
            self.execute("ROLLBACK")
        except DriverError:
            # Closing undoes as well, and the file's own log says what was committed.
            self.connection.close()
            self.pid = _LOST

    def insist(self, sql: str, parameters: tuple[int | bytes, ...] = ()) -> tuple[int | bytes, ...] | None:
        """Run a statement; wait up to a minute while another process is in the way.

        Returns: its first row, or None.
        Raises: StoreUnavailable, Tampered.
        """
        deadline = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.execute(sql, parameters).fetchone()  # type: ignore[no-any-return]
            except DriverError as error:
                if not is_busy(error) or monotonic() > deadline:
                    raise self.failed(error) from None
            pause()

    def failed(self, error: Exception) -> Exception:
        """Our error for *error*; a write transaction in which the storage failed can only be undone.

        SQLite may have undone it by itself, and later writes would commit one by one.
        """
        ours = translate(error, self.path)
        if self.state == WRITING and not isinstance(ours, TypeError | ValueError):
            self.state = BROKEN
        return ours

    def refuse_inside(self, what: str) -> None:
        """Refuse *what* while a transaction is open.

        Raises: RuntimeError.
        """
        if self.depth:
            raise RuntimeError(f"{what} inside a transaction")

    def _commit(self) -> None:
        deadline = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.execute("COMMIT")
                return
            except DriverError as error:
                if is_busy(error) and self.connection.in_transaction and monotonic() < deadline:
                    pause()
                    continue
                certain = is_undone(error)
                ours = translate(error, self.path)
            break
        self.clear()
        if certain:
            raise ours
        raise OutcomeUnknown(
            f"{self.path}: the disk failed while the change was being committed; it may or may not be there",
            advice="read it back, or repeat it with the same request id",
        )

    def _refuse_closed(self, _sql: str, _parameters: object = ()) -> NoReturn:
        raise StoreUnavailable(f"{self.path} was closed", advice="open it again")


def _file_at(path: str) -> tuple[int, int] | None:
    """Device and inode of what lies at *path*; None when nothing does."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise durable.os_error(error, path) from None
    return status.st_dev, status.st_ino
