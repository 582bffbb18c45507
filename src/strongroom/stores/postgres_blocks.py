"""``with store.reading() as rows`` and ``with store.writing() as rows`` of the PostgreSQL store.

A store that is not published yet is one transaction, whose write transactions are savepoints.
"""

from __future__ import annotations

import os

from strongroom.errors import StoreUnavailable
from strongroom.stores.block import Block
from strongroom.stores.postgres_rows import Reader, Writer
from strongroom.stores.postgres_session import Session
from strongroom.stores.postgres_transaction import READING, WRITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_getpid = os.getpid


class _Block(Block):
    __slots__ = ("_session",)
    _is_writing = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def _begin(self) -> None:
        """Take the mutex and begin, or begin a part of what is open.

        Raises: what `_open` raises; nothing is open then that was not before.
        """
        session = self._session
        if session.pid != _getpid():
            session.after_fork()
        self.take(session.mutex)
        # Who has just got the mutex finds nothing open that anybody would end.
        self.level = 0 if self.is_outermost else session.depth
        try:
            if not self.level and session.depth:
                session.forsake(0, is_writing=True)
            self._open(session)
            session.depth = self.level + 1
        except BaseException:
            self.forsake()
            raise

    def _open(self, session: Session) -> None:
        raise NotImplementedError

    def _is_of_parent(self) -> bool:
        """Whether this is a child, and the transaction its parent's."""
        session = self._session
        return session.pid != _getpid() or self.mutex is not session.mutex or session.depth <= self.level

    def forsake(self) -> None:
        """See `Block.forsake`."""
        session = self._session
        if not self.is_ours or session.pid != _getpid() or self.mutex is not session.mutex:
            return  # let go of before; or in a child: the transaction is the parent's
        session.forsake(self.level, is_writing=self._is_writing)
        self.let_go()


class ReadBlock(_Block):
    """A read transaction; inside another transaction of this thread it joins that."""

    __slots__ = ("_reader",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._reader = Reader(session)

    def __enter__(self) -> Reader:
        self._begin()
        return self._reader

    def _open(self, session: Session) -> None:
        if not self.level and not session.is_new:
            session.begin_reading()
        session.refuse_closed()

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the transaction, unless it is part of another."""
        session = self._session
        if self._is_of_parent():
            self.forsake()  # or it was interrupted while it began
            return
        try:
            session.depth = self.level
            if not self.level and session.state == READING:
                session.end_reading()
        except BaseException:
            self.forsake()
            raise
        self.let_go()


class WriteBlock(_Block):
    """A write transaction; inside another one a savepoint, named by its depth."""

    __slots__ = ("_is_beside", "_writer")
    _is_writing = True

    def __init__(self, session: Session, *, beside: bool) -> None:
        super().__init__(session)
        self._is_beside = beside
        self._writer = Writer(session)

    def __enter__(self) -> Writer:
        self._begin()
        return self._writer

    def _open(self, session: Session) -> None:
        if not self.level and session.is_new:
            session.refuse_closed()
            session.state = WRITING
        elif not self.level:
            session.begin_writing(beside=self._is_beside)
            return
        if session.state != WRITING:
            raise RuntimeError("a write transaction cannot begin inside a read transaction or a failed one")
        session.execute(f"SAVEPOINT level{self.level}")

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or undo; of a part, keep or undo it."""
        session = self._session
        if self._is_of_parent():
            self.forsake()  # or it was interrupted while it began
            if kind is None:
                raise StoreUnavailable(
                    f"{session.location}: the transaction belongs to the process that forked this one"
                )
            return
        try:
            session.depth = self.level
            if self.level or session.is_new:
                session.end_part(self.level, is_commit=kind is None)
            else:
                session.end_writing(is_commit=kind is None)
        except BaseException:
            self.forsake()
            raise
        self.let_go()
