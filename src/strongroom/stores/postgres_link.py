"""One connection, spoken to in libpq's own words: prepared statements, binary values, several in one journey.

A cursor of the driver costs this program as much as the server takes for a one-row answer; what is
below costs half of it: docs/decisions/0023. The driver still connects, and runs what is rare.
"""

from __future__ import annotations

from _weakref import ref
from os import getpid, urandom
from struct import Struct

from strongroom.stores import postgres_driver
from strongroom.stores.postgres_select import POLLIN, POLLOUT, Select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from psycopg.pq.abc import PGconn, PGresult

    from strongroom.stores.interface import Row
    from strongroom.stores.postgres_driver import Connection

    Parameters = Sequence[object]
    Step = tuple["Statement", Parameters]

# Object ids of types, which are the same in every database; source: pg_type.dat.
BYTEA = 17
BIGINT = 20
BYTEAS = 1001
BIGINTS = 1016
_ELEMENT = {BYTEAS: BYTEA, BIGINTS: BIGINT}
_BINARY = 1
_BIGINT = Struct(">q")
_ARRAY = Struct(">iiIii")
_LENGTH = Struct(">i")
# Source: libpq-fe.h, ExecStatusType and ConnStatusType.
_COMMAND_OK = 1
_TUPLES_OK = 2
_PIPELINE_SYNC = 10
_CONNECTION_BAD = 1
_CANCEL_SECONDS = 2.0
# What TLS has decrypted already does not wake up who waits for the socket.
_LOOK_AGAIN_MS = 500
# A prepared statement that is not there, or whose columns would not be the same.
_GONE = ("26000", postgres_driver.CHANGED)


class Statement:
    """One command of SQL, which each connection prepares when it meets it first.

    Args:
        sql: with ``$1``, ``$2``... for parameters.
        takes: the types of the parameters: `BYTEA`, `BIGINT`, `BYTEAS` or `BIGINTS`.
        gives: the types of the columns of the answer: `BYTEA` or `BIGINT`; none: nobody looks at the answer.
    """

    __slots__ = ("formats", "gives", "is_plain", "sql", "takes")

    def __init__(self, sql: bytes, takes: tuple[int, ...] = (), gives: tuple[int, ...] = ()) -> None:
        self.sql = sql
        self.takes = takes
        self.gives = gives
        self.formats = (_BINARY,) * len(takes)
        self.is_plain = not any(kind in _ELEMENT for kind in takes)

    def packed(self, parameters: Parameters) -> list[bytes]:
        """*parameters* as the server reads them."""
        if self.is_plain:
            return [value if type(value) is bytes else _BIGINT.pack(value) for value in parameters]
        return [_array(kind, values) for kind, values in zip(self.takes, parameters, strict=True)]  # type: ignore[arg-type]


SYNC: Final = Statement(b"")
"""A step that ends what came before: what follows is done even when that failed, and is of a moment of its own."""
COMMIT: Final = Statement(b"COMMIT")
"""Refused in a transaction in which something failed; `END` is not."""
END: Final = Statement(b"COMMIT")
ROLLBACK: Final = Statement(b"ROLLBACK")


class Link:
    """A connection, used by one thread at a time.

    Attributes:
        connection: the driver's, for what is rare.
        is_kept: it was used before, and may have died since.
        me: a weak reference to it.
    """

    __slots__ = (
        "__weakref__", "_binary", "_compared", "_load", "_made", "_mark", "_names", "_pgconn", "_pid", "_poll", "_wait",
        "connection", "is_kept", "location", "me",
    )  # fmt: skip

    def __init__(self, connection: Connection, location: str) -> None:
        import select  # of now, and not of before a library of green threads took its place

        from psycopg.adapt import Transformer
        from psycopg.pq import Format

        # The driver would throw away all prepared statements after a ROLLBACK if it had any.
        connection.prepare_threshold = None
        self._pid = getpid()
        self.me = ref(self)
        self.connection = connection
        self.location = location
        self.is_kept = False
        self._pgconn: PGconn = connection.pgconn
        self._load = Transformer(connection)
        self._binary = Format.BINARY
        # What is prepared; and of that, whose columns were compared, which takes a first answer.
        self._names: dict[Statement, bytes] = {}
        self._compared: dict[Statement, bytes] = {}
        self._made = 0
        # In a session that a pooler lends, another program's statement of the same name would be executed.
        self._mark = b"strongroom %b" % urandom(8).hex().encode()
        self._poll = select.poll() if hasattr(select, "poll") else Select()
        self._poll.register(self._pgconn.socket, POLLIN)
        self._wait = self._poll.poll

    @property
    def closed(self) -> bool:
        """Whether there is no connection any more."""
        return self._pgconn.status == _CONNECTION_BAD

    @property
    def status(self) -> int:
        """libpq's PGTransactionStatusType."""
        return self._pgconn.transaction_status

    def close(self) -> None:
        """End it; a second call does nothing."""
        self.connection.close()

    def __del__(self) -> None:
        # Forgotten by an interrupt between two steps; in a child it is the parent's.
        if self._pid == getpid():
            self.connection.close()

    def ask(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        """All rows of the answer to one question.

        Raises:
            psycopg.Error: the server says no, or is not there any more.
            Tampered: the columns are not those that were asked for.
        """
        name = self._compared.get(statement)
        if name is None:
            return self.travel(((statement, parameters),))[0]
        values = statement.packed(parameters)
        pgconn = self._pgconn
        try:
            pgconn.send_query_prepared(name, values, statement.formats, _BINARY)
            if pgconn.flush():
                self._flush()
            # As `_result`, which it is not called for: this is the path of every get.
            self._wait(_LOOK_AGAIN_MS)
            pgconn.consume_input()
            result = self._result() if pgconn.is_busy() else pgconn.get_result()
            if result is not None and result.status == _TUPLES_OK and self._result() is None:
                return self._rows(result)
            refused = self._refused(statement, result)
            self._finish(refused)
        except BaseException as error:
            self._give_up(error)
            raise
        raise refused

    def travel(self, steps: Iterable[Step], answers: list[list[Row]] | None = None) -> list[list[Row]]:
        """Take several steps in one journey; after one that fails, those up to the next `SYNC` are not taken.

        Args:
            answers: takes the answers, step by step, up to the first one that failed; whoever has it knows
                how far the server has come when this raises.

        Returns: *answers*: the rows for each step but `SYNC`.
        Raises: as `ask`, for the first step that failed, once all are answered.
        """
        answers = [] if answers is None else answers
        first: Exception | None = None
        try:
            self._pgconn.enter_pipeline_mode()
            expected = self._send(steps)
            try:
                for statement, name in expected:
                    refused = self._take(statement, name, answers, first)
                    first = first or refused
            except postgres_driver.load().Error as error:
                # The server's last word says more than that it has gone.
                raise first or error from None
            self._pgconn.exit_pipeline_mode()
        except BaseException as error:
            self._give_up(error)
            raise
        if first is not None:
            raise first
        return answers

    def told(self) -> bool:
        """Whether this connection, which listens, was told of something; asks the server nothing.

        Raises: psycopg.Error: it has ended.
        """
        if not self._poll.poll(0):
            return False
        self._pgconn.consume_input()
        is_told = False
        while self._pgconn.notifies() is not None:
            is_told = True
        return is_told

    def _send(self, steps: Iterable[Step]) -> list[tuple[Statement, bytes]]:
        """Send *steps*; what is prepared on the way is answered on its own. Returns: what to expect."""
        pgconn = self._pgconn
        expected: list[tuple[Statement, bytes]] = []
        new: dict[Statement, bytes] = {}
        for statement, parameters in steps:
            if statement is SYNC:
                pgconn.pipeline_sync()
                expected.append((SYNC, b""))
                continue
            name = self._names.get(statement) or new.get(statement)
            if name is None:
                name = new[statement] = b"%b %d" % (self._mark, self._made)
                self._made += 1
                pgconn.send_prepare(name, statement.sql, statement.takes)
                expected.append((statement, name))
            pgconn.send_query_prepared(name, statement.packed(parameters), statement.formats, _BINARY)
            expected.append((statement, b""))
        pgconn.pipeline_sync()
        expected.append((SYNC, b""))
        self._flush()
        return expected

    def _take(
        self, statement: Statement, name: bytes, answers: list[list[Row]], first: Exception | None
    ) -> Exception | None:
        """Take in one answer of a journey. Returns: the error, if it is one."""
        result = self._result()
        if statement is SYNC:
            return None if result is not None and result.status == _PIPELINE_SYNC else self._refused(statement, result)
        if result is None or result.status not in (_COMMAND_OK, _TUPLES_OK):
            refused = self._refused(statement, result)
            self._finish(first or refused)
            return refused
        if self._result() is not None:
            raise postgres_driver.lost(self.location)
        if name:
            self._names[statement] = name
        elif first is None:
            if statement is COMMIT and result.command_status != b"COMMIT":
                # The server says yes to the end of a transaction in which something had failed, and undoes it.
                return postgres_driver.undone()
            self._check_columns(statement, result)
            self._compared.setdefault(statement, self._names[statement])
            answers.append(self._rows(result) if statement.gives else [])
        return None

    def _result(self) -> PGresult | None:
        """The next part of what the server says; None at the end of an answer. A Ctrl-C gets through meanwhile."""
        pgconn = self._pgconn
        while pgconn.is_busy():
            self._wait(_LOOK_AGAIN_MS)
            pgconn.consume_input()
        return pgconn.get_result()

    def _finish(self, refused: Exception) -> None:
        """Take in the rest of an answer that began with a refusal."""
        try:
            while self._result() is not None:
                continue
        except postgres_driver.load().Error:
            # A server that ends the session says why before it goes.
            raise refused from None

    def _flush(self) -> None:
        """Send what the connection could not take at once, and take in what the server says meanwhile."""
        pgconn = self._pgconn
        if not pgconn.flush():
            return
        self._poll.modify(pgconn.socket, POLLIN | POLLOUT)
        while pgconn.flush():
            if any(event & ~POLLOUT for _, event in self._poll.poll()):
                pgconn.consume_input()
        self._poll.modify(pgconn.socket, POLLIN)

    def let_answer_go(self) -> None:
        """Keep nothing of the last answer, which may have been a long one; libpq keeps the room that it took."""
        self._load.set_pgresult(None)

    def _refused(self, statement: Statement, result: PGresult | None) -> Exception:
        """The driver's error for an answer that is not one."""
        psycopg = postgres_driver.load()
        if result is None:
            return psycopg.OperationalError("the answer is missing")  # type: ignore[no-any-return]
        error: Exception = psycopg.errors.error_from_result(result)
        if postgres_driver.sqlstate(error) in _GONE:
            self._names.pop(statement, None)
            self._compared.pop(statement, None)
        return error

    def _rows(self, result: PGresult) -> list[Row]:
        """The rows of an answer; a NULL is None."""
        load = self._load
        load.set_pgresult(result, format=self._binary)
        return load.load_rows(0, result.ntuples, tuple)

    def _check_columns(self, statement: Statement, result: PGresult) -> None:
        # Once: the server refuses a prepared statement whose columns have changed since.
        if statement.gives and tuple(map(result.ftype, range(result.nfields))) != statement.gives:
            raise postgres_driver.damaged(self.location)

    def _give_up(self, error: BaseException) -> None:
        """Close it in the midst of a journey; after a Ctrl-C the server is told to stop working for it."""
        try:
            if not isinstance(error, Exception):
                self.connection.cancel_safe(timeout=_CANCEL_SECONDS)
        except postgres_driver.load().Error:
            # There is nobody to be told: the server finds the connection closed.
            return
        finally:
            self.close()


def _array(kind: int, values: Sequence[bytes | int]) -> bytes:
    """A list as a one-dimensional array. Source: array_recv in PostgreSQL's arrayfuncs.c."""
    parts = [_ARRAY.pack(1, 0, _ELEMENT[kind], len(values), 1)]
    for value in values:
        data = value if isinstance(value, bytes) else _BIGINT.pack(value)
        parts += (_LENGTH.pack(len(data)), data)
    return b"".join(parts)
