"""One transaction at a time on a connection of the pool: begin, hold back, commit, undo.

`postgres.py` shows this to the outside as ``reading()`` and ``writing()``. A reader sees one
moment (REPEATABLE READ). A writer holds advisory locks of the vault from before its moment
begins: alone, or beside others that each have a *writer's number* of their own; two of them that
meet on one row are told apart by the server, and the slower one is `Overtaken`.
"""

from __future__ import annotations

import os
from _thread import RLock

from strongroom.errors import Conflict, FormatUnsupported, StoreUnavailable
from strongroom.stores import postgres_driver, postgres_schema
from strongroom.stores.interface import Overtaken, integer
from strongroom.stores.postgres_beginning import Beginning
from strongroom.stores.postgres_link import COMMIT, END, ROLLBACK, SYNC
from strongroom.stores.postgres_locks import Locks
from strongroom.stores.postgres_looking import Looking
from strongroom.stores.postgres_rows import EachTable
from strongroom.stores.postgres_servers import Servers
from strongroom.stores.postgres_transaction import BROKEN, IDLE, READING, WRITING, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.stores.interface import Row
    from strongroom.stores.postgres_address import Address
    from strongroom.stores.postgres_driver import Connection
    from strongroom.stores.postgres_link import Link, Step
    from strongroom.stores.postgres_pool import Pool
    from strongroom.stores.schema import Format

_getpid = os.getpid


class Session(Transaction):
    """At most one transaction of one thread.

    Attributes:
        mutex: held by the thread whose transaction is open.
        token: see `interface.Store.change_token`; of the transaction's moment.
        looking: what was seen of others' commits.
        beginning: what transactions begin with.
    """

    def __init__(self, address: Address, *, any_format: bool) -> None:
        self.address = address
        self.location = address.location
        self.any_format = any_format
        self.servers = Servers(address)
        self.looking = Looking(address)
        self.statements = EachTable(address.schema, self.looking.count)
        self.is_closed = False
        self.is_new = False
        self.beginning = Beginning(address, self.looking, self.servers)
        self.format: Format
        self.former: Format | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.pid = os.getpid()
        self.mutex = RLock()
        self._link: Link | None = None
        self._links: Pool = self.servers.reading
        self.depth = 0
        self.serial = 0
        self.state = IDLE
        self._is_locked = False
        self.token = 0
        self._is_behind = False
        self.held: list[Step] = []
        self.held_bytes = 0

    def after_fork(self) -> None:
        """In a child: leave the parent's connections and its transaction alone."""
        self.servers.abandon()
        self.looking.abandon()
        self._begin_anew()

    @property
    def writer(self) -> int:
        """The number of the writer that this transaction is."""
        return self.beginning.writer

    # -- transactions ------------------------------------------------------------------

    def begin_reading(self) -> None:
        """Begin to see one moment, not an older one than was seen before.

        Raises: StoreUnavailable, FormatUnsupported, Denied.
        """
        self._begin_on(self.servers.reading, self._start_reading)
        if self.servers.are_two and self._is_behind:
            # A replica that has not heard yet of what this program has seen.
            self.clear()
            self._begin_on(self.servers.writing, self._start_reading)
        self.state = READING

    def begin_writing(self, *, beside: bool) -> None:
        """Become the only writer, or one of several, waiting up to a minute.

        Raises: StoreUnavailable, FormatUnsupported, Denied.
        """
        self._begin_on(self.servers.writing, lambda: self._start_writing(beside=beside))
        self.state = WRITING

    def _begin_on(self, pool: Pool, start: Callable[[], None]) -> None:
        self.refuse_closed()
        if self._link is not None or self.held:
            # A Ctrl-C came at the end of the last one: what it left behind is not of this one.
            self.clear()
        while True:
            self._links, self._link = pool, pool.take()
            self.serial += 1
            try:
                start()
                return
            except postgres_driver.load().Error as error:
                is_stale = postgres_driver.is_stale(error, self.link)
                if self.link.closed:
                    # The others lead to the same server, which was restarted, or the network was away.
                    pool.drop_idle()
                self.clear()
                if not is_stale:
                    raise postgres_driver.translate(error, self.location) from None
            except BaseException:
                self.clear()
                raise

    def _start_reading(self) -> None:
        self._check_format(*self.beginning.read(self.link))

    def _start_writing(self, *, beside: bool) -> None:
        self._is_locked = True
        self._check_format(*self.beginning.write(self.link, beside=beside))

    def _check_format(self, number: object, token: int, is_behind: bool) -> None:
        self.token, self._is_behind = token, is_behind
        found = postgres_schema.known_format(number, self.location, any_format=self.any_format)
        if found is not self.format:
            raise FormatUnsupported(f"{self.location} was upgraded meanwhile", advice="repeat the command")

    def end_reading(self) -> None:
        """End the transaction; there is nothing to commit."""
        self._finish([(END, ())])

    def end_writing(self, *, is_commit: bool) -> None:
        """Commit, or undo.

        Raises:
            OutcomeUnknown: COMMIT was sent, and its answer is missing.
            Overtaken, StoreUnavailable: nothing was written.
        """
        if is_commit and self.state == WRITING:
            self._commit()
            return
        self.clear()
        if is_commit:
            raise StoreUnavailable(
                f"{self.location}: nothing was written, because an earlier step of the transaction failed"
            )

    def _commit(self) -> None:
        """Write what is held back, commit, tell others and unlock: one journey."""
        link, looking = self.link, self.looking
        steps: list[Step] = [*self.held, (looking.counting, (self.writer,)), (COMMIT, ())]
        before = len(steps)
        count: list[Step] = [(looking.counted, ())] if self.servers.are_two else []
        unlock: list[Step] = [(Locks.UNLOCK, ())] if self._is_locked else []
        answers: list[list[Row]] = []
        try:
            link.travel([*steps, (SYNC, ()), *count, (looking.telling, ()), *unlock], answers)
        except postgres_driver.load().Error as error:
            if len(answers) < before:
                ours = postgres_driver.translate(error, self.location)
                is_undone = postgres_driver.is_undone(error, link)
                self.clear()
                raise (ours if is_undone else postgres_driver.unknown(self.location)) from None
            # What was committed is committed; the server unlocks when the connection goes.
            link.close()
        except BaseException:
            # A Ctrl-C: nobody knows how far the server has come, unless it has said so.
            if len(answers) < before:
                self.clear()
            else:
                self._committed(answers[before:])
            raise
        self._committed(answers[before:])

    def _committed(self, answers: Sequence[list[Row]]) -> None:
        """Go on after a commit; *answers* are those to what came after it."""
        self.former = None
        self.looking.committed()
        try:
            if self.servers.are_two and answers:
                self.looking.count_on(integer(answers[0][0], 0))
            elif self.servers.are_two:
                # Which replica has it cannot be told any more.
                self.servers.ask_primary()
        finally:
            self._leave()

    def forsake(self, level: int, *, is_writing: bool) -> None:
        """Be in *level* blocks again, one of which may have been left in the midst of anything.

        The server is not asked: it undoes what is open, and unlocks, when the connection goes.

        Args:
            is_writing: it was one of a write transaction: what is inside another one is not committed.
        """
        if level:
            if is_writing and self.state == WRITING:
                self.state = BROKEN
        elif self.is_new:
            if is_writing and self.state != IDLE:
                # The whole store is one transaction, of which nobody knows what is there.
                self.close()
        elif self._link is not None or self.state != IDLE:
            if self._link is not None:
                self._link.close()
            self.clear()
        self.depth = level

    def clear(self) -> None:
        """Undo what is open, and let go of its locks; a connection that cannot is closed, which does both."""
        if self.former is not None:
            self.format, self.former = self.former, None
        if not self.is_new:
            unlocking: list[Step] = [(SYNC, ()), (Locks.UNLOCK, ())] if self._is_locked else []
            self._finish([(ROLLBACK, ()), *unlocking])

    def _finish(self, steps: Sequence[Step]) -> None:
        link = self._link
        try:
            if link is not None and not link.closed:
                link.travel(steps)
        except postgres_driver.load().Error:
            # Nothing is left to be said: the server undoes what is open and unlocks when the connection goes.
            self.link.close()
        finally:
            self._leave()

    def _leave(self) -> None:
        """Give the connection back; one that is in the midst of something is closed."""
        self._is_locked = False
        self.state = IDLE
        self.serial += 1
        self.held.clear()
        self.held_bytes = 0
        link, self._link = self._link, None
        if link is not None:
            self._links.give(link)

    # -- a store that is not published yet ----------------------------------------------

    def begin_new(self, make: Callable[[Connection], None]) -> None:
        """Begin the transaction that makes a store; *make* makes its tables.

        Raises: Conflict, Denied, StoreUnavailable.
        """
        self._links, self._link = self.servers.writing, self.servers.writing.take()
        try:
            self.link.connection.execute("BEGIN")
            make(self.link.connection)
        except postgres_driver.load().Error as error:
            self.close()
            ours = postgres_driver.translate(error, self.location)
            if isinstance(ours, Overtaken):
                ours = Conflict(f"{self.location} exists already", advice="another place: ?schema=NAME")
            raise ours from None
        except BaseException:
            self.close()
            raise
        self.is_new = True

    def commit_new(self) -> None:
        """Commit what was made.

        Raises: OutcomeUnknown, StoreUnavailable, Conflict.
        """
        self.state = WRITING
        self.is_new = False
        self._commit()

    def close(self) -> None:
        """Let go of the connections; what is open is undone."""
        if self.pid != os.getpid():
            self.after_fork()
        with self.mutex:
            self.is_new = False
            if not self.is_closed:
                self.clear()
                self.state = BROKEN if self.depth else IDLE
            self.is_closed = True
            self.looking.close(self.servers.writing)
            self.servers.close()
