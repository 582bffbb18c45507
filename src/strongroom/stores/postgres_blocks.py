"""``with store.reading() as rows`` and ``with store.writing() as rows`` of the PostgreSQL store.

A store that is not published yet is one transaction, whose write transactions are savepoints.
"""

from __future__ import annotations

import os

from strongroom.errors import StoreUnavailable
from strongroom.stores.postgres_rows import Reader, Writer
from strongroom.stores.postgres_session import IDLE, READING, WRITING, Session

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
            session.after_fork()
        session.mutex.acquire()
        try:
            if not session.depth and not session.is_new:
                session.begin_reading()
            session.refuse_closed()
            session.depth += 1
        except BaseException:
            session.mutex.release()
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
            if not session.depth and session.state == READING:
                session.end_reading()
        finally:
            session.mutex.release()


class WriteBlock:
    """A write transaction; inside another one a savepoint, named by its depth."""

    __slots__ = ("_is_beside", "_session", "_writer")

    def __init__(self, session: Session, *, beside: bool) -> None:
        self._session = session
        self._is_beside = beside
        self._writer = Writer(session)

    def __enter__(self) -> Writer:
        session = self._session
        if session.pid != _getpid():
            session.after_fork()
        session.mutex.acquire()
        try:
            self._begin(session)
            session.depth += 1
        except BaseException:
            session.mutex.release()
            raise
        return self._writer

    def _begin(self, session: Session) -> None:
        if not session.depth and session.is_new:
            session.refuse_closed()
            session.state = WRITING
        elif not session.depth:
            session.begin_writing(beside=self._is_beside)
            return
        if session.state != WRITING:
            raise RuntimeError("a write transaction cannot begin inside a read transaction or a failed one")
        session.execute(f"SAVEPOINT level{session.depth}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        if session.pid != _getpid() or not session.depth:
            if kind is None:
                raise StoreUnavailable(
                    f"{session.location}: the transaction belongs to the process that forked this one"
                )
            return
        try:
            session.depth -= 1
            if session.depth or session.is_new:
                self._end_part(session, is_commit=kind is None)
            else:
                session.end_writing(is_commit=kind is None)
        finally:
            session.mutex.release()

    def _end_part(self, session: Session, *, is_commit: bool) -> None:
        if session.state == WRITING:
            if is_commit:
                session.execute(f"RELEASE level{session.depth}")
            else:
                session.undo_part(f"level{session.depth}")
        if session.is_new and not session.depth:
            session.state = IDLE
            session.serial += 1
