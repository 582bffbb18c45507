"""``with store.reading() as rows`` and ``with store.writing() as rows`` of the SQLite store.

A ``Vault.get`` that meets a name first passes through a read block, so it is written by hand: a
generator-based one would cost more than the read itself.
"""

from __future__ import annotations

import os

from strongroom.errors import StoreUnavailable
from strongroom.stores.block import Block
from strongroom.stores.sqlite_driver import DriverError
from strongroom.stores.sqlite_rows import Reader, Writer
from strongroom.stores.sqlite_session import IDLE, READING, WRITING, Session

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
            session.reconnect()
        self.take(session.mutex)
        # Who has just got the mutex finds nothing open that anybody would end.
        self.level = 0 if self.is_outermost else session.depth
        try:
            if not self.level and (session.state or session.depth):
                session.forsake(0, is_writing=self._is_writing)
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
        if not self.is_ours or self.mutex is not session.mutex or session.is_of_parent:
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
        try:
            self._begin()
        except DriverError as error:
            raise self._session.failed(error) from None
        return self._reader

    def _open(self, session: Session) -> None:
        if not self.level:
            session.execute("BEGIN")
            session.state = READING

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the transaction, unless it is part of another."""
        session = self._session
        if self._is_of_parent():
            self.forsake()  # or it was interrupted while it began
            return
        try:
            if not self.level:
                if session.scans:
                    session.end_scans()
                if session.state == READING:
                    session.execute("COMMIT")
                session.state = IDLE
            session.depth = self.level
        except DriverError as failure:
            self.forsake()
            raise session.failed(failure) from None
        except BaseException:
            self.forsake()
            raise
        self.let_go()


class WriteBlock(_Block):
    """A write transaction; inside another one a savepoint, named by its depth."""

    __slots__ = ("_writer",)
    _is_writing = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._writer = Writer(session)

    def __enter__(self) -> Writer:
        self._begin()
        return self._writer

    def _open(self, session: Session) -> None:
        if not self.level:
            session.begin_writing()
        elif session.state == WRITING:
            session.insist(f"SAVEPOINT level{self.level}")
        else:
            raise RuntimeError("a write transaction cannot begin inside a read transaction or a failed one")

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or undo; of a part, keep or undo it."""
        session = self._session
        if self._is_of_parent():
            self.forsake()  # or it was interrupted while it began
            if kind is None:
                raise StoreUnavailable(f"{session.path}: the transaction belongs to the process that forked this one")
            return
        try:
            if not self.level:
                session.end_writing(is_commit=kind is None)
            elif session.state == WRITING:
                if kind is not None:
                    session.insist(f"ROLLBACK TO level{self.level}")
                session.insist(f"RELEASE level{self.level}")
            session.depth = self.level
        except BaseException:
            self.forsake()
            raise
        self.let_go()
