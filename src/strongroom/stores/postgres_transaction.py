"""What is asked and done inside the transaction that a session has open: questions, and what is held back."""

from __future__ import annotations

import os

from strongroom.errors import StoreUnavailable
from strongroom.stores import postgres_driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.interface import Row
    from strongroom.stores.postgres_link import Link, Parameters, Statement, Step
    from strongroom.stores.schema import Format

_getpid = os.getpid
IDLE, READING, WRITING, BROKEN = range(4)
"""What the session is in. Broken: a statement failed, so the server commits nothing of the transaction."""


class Transaction:
    """The part of a session that its readers and writers see.

    Attributes:
        depth: how many blocks, one inside the other, are open.
        serial: counts transactions; what was begun in one is over in the next.
        held: statements that wait to be handed over.
        format: of the store; inside a transaction that changes it, the new one, and `former` what it was.
    """

    location: str
    pid: int
    is_closed: bool
    is_new: bool
    depth: int
    serial: int
    state: int
    held: list[Step]
    held_bytes: int
    format: Format
    former: Format | None
    _link: Link | None

    def after_fork(self) -> None:
        """In a child: leave the parent's connections and its transaction alone."""
        raise NotImplementedError

    @property
    def link(self) -> Link:
        """The connection of the open transaction.

        Raises: RuntimeError: there is none.
        """
        if self._link is None:
            raise RuntimeError("the transaction is over")
        return self._link

    def ask(self, query: Statement, parameters: Parameters) -> list[Row]:
        """All rows of the answer to one question.

        Raises: RuntimeError: no transaction is open; StoreUnavailable, Tampered.
        """
        self.check_open()
        if self.held:
            self.hand_over()
        try:
            return self.link.ask(query, parameters)
        except postgres_driver.load().Error as error:
            raise self.failed(error) from None

    def hold(self, statement: Statement, parameters: Parameters, size: int) -> None:
        """Keep a statement until something is read, or the transaction ends."""
        self.held.append((statement, parameters))
        self.held_bytes += size

    def hand_over(self) -> None:
        """Send what is held back, in one journey.

        Raises: Overtaken, StoreUnavailable, Tampered.
        """
        try:
            if self.held:
                self.link.travel(self.held)
        except postgres_driver.load().Error as error:
            raise self.failed(error) from None
        finally:
            self.held.clear()
            self.held_bytes = 0

    def execute(self, sql: str) -> None:
        """Run a statement without parameters or answer, after what is held back.

        Raises: Overtaken, StoreUnavailable, Tampered.
        """
        self.hand_over()
        try:
            self.link.connection.execute(sql)
        except postgres_driver.load().Error as error:
            raise self.failed(error) from None

    def end_part(self, level: int, *, is_commit: bool) -> None:
        """Keep, or undo, what was done in the block that *level* others are around.

        Raises: Overtaken, StoreUnavailable, Tampered.
        """
        if self.state == WRITING:
            if is_commit:
                self.execute(f"RELEASE level{level}")
            else:
                self.undo_part(f"level{level}")
        if self.is_new and not level:
            self.state = IDLE
            self.serial += 1

    def undo_part(self, savepoint: str) -> None:
        """Undo what was done since *savepoint*, and go on."""
        self.held.clear()
        self.held_bytes = 0
        self.execute(f"ROLLBACK TO {savepoint}; RELEASE {savepoint}")
        if self.former is not None and not self.depth:
            self.format, self.former = self.former, None

    def failed(self, error: Exception) -> Exception:
        """Our error for *error*; the server commits nothing of a transaction in which a statement failed."""
        if self.state == WRITING:
            self.state = BROKEN
        return postgres_driver.translate(error, self.location)

    def check_open(self) -> None:
        """Refuse what needs a transaction.

        Raises: RuntimeError, StoreUnavailable.
        """
        if self.pid != _getpid():
            # What its parent began: its connection is not for two.
            self.after_fork()
        self.refuse_closed()
        if not self.depth:
            raise RuntimeError("the transaction is over")

    def check_writable(self) -> None:
        """Refuse a write outside a write transaction, or after one in it failed.

        Raises: RuntimeError.
        """
        self.check_open()
        if self.state != WRITING:
            raise RuntimeError("the transaction is over, or an earlier write in it failed")

    def refuse_closed(self) -> None:
        """Refuse what needs the server once the store was closed.

        Raises: StoreUnavailable.
        """
        if self.is_closed:
            raise StoreUnavailable(f"{self.location} was closed", advice="open it again")

    def refuse_inside(self, what: str) -> None:
        """Refuse *what* while a transaction is open.

        Raises: RuntimeError.
        """
        if self.depth:
            raise RuntimeError(f"{what} inside a transaction")
