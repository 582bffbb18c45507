"""``with store.reading() as rows`` and ``with store.writing() as rows`` of the SQLite store.

Every ``Vault.get`` passes through a read block, so it is written by hand: a generator-based
one would cost more than the read itself. A block holds no state, so one serves all.
"""

from __future__ import annotations

import os

from strongroom.errors import StoreUnavailable
from strongroom.stores.sqlite_driver import DriverError
from strongroom.stores.sqlite_rows import Reader, Writer
from strongroom.stores.sqlite_session import IDLE, READING, WRITING, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_getpid = os.getpid


class ReadBlock:
    """A read transaction; inside another transaction of this thread it joins that."""

    __slots__ = ("_reader", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = Reader(session)

    def __enter__(self) -> Reader:
        session = self._session
        if session.pid != _getpid():
            session.reconnect()
        session.mutex.acquire()
        try:
            if not session.depth:
                if session.state:
                    session.clear()
                session.execute("BEGIN")
                session.state = READING
            session.depth += 1
        except BaseException as error:
            _forsake(session)
            session.mutex.release()
            if isinstance(error, DriverError):
                raise session.failed(error) from None
            raise
        return self._reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        if session.pid != _getpid() or not session.depth:
            return  # in a child: the transaction is the parent's
        try:
            session.depth -= 1
            if not session.depth:
                if session.scans:
                    session.end_scans()
                if session.state == READING:
                    session.execute("COMMIT")
                session.state = IDLE
        except DriverError as failure:
            session.clear()
            raise session.failed(failure) from None
        finally:
            session.mutex.release()


class WriteBlock:
    """A write transaction; inside another one a savepoint, named by its depth."""

    __slots__ = ("_session", "_writer")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._writer = Writer(session)

    def __enter__(self) -> Writer:
        session = self._session
        if session.pid != _getpid():
            session.reconnect()
        session.mutex.acquire()
        try:
            if not session.depth:
                if session.state:
                    session.clear()
                session.begin_writing()
            elif session.state == WRITING:
                session.insist(f"SAVEPOINT level{session.depth}")
            else:
                raise RuntimeError("a write transaction cannot begin inside a read transaction or a failed one")
            session.depth += 1
        except BaseException:
            _forsake(session)
            session.mutex.release()
            raise
        return self._writer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        if session.pid != _getpid() or not session.depth:
            if kind is None:
                raise StoreUnavailable(f"{session.path}: the transaction belongs to the process that forked this one")
            return
        try:
            session.depth -= 1
            if not session.depth:
                session.end_writing(is_commit=kind is None)
            elif session.state == WRITING:
                if kind is not None:
                    session.insist(f"ROLLBACK TO level{session.depth}")
                session.insist(f"RELEASE level{session.depth}")
        finally:
            session.mutex.release()


def _forsake(session: Session) -> None:
    """After a failed beginning: leave no transaction open that no block will end."""
    if not session.depth:
        session.clear()
