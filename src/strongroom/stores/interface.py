"""What a store is: tables of rows of ciphertext, transactions, and nothing else.

A store knows no key and no secret and imports neither `crypto` nor `items`. Every
row is a tuple in the order of its table's columns; the ledger above counts on
seeing each of them through `scan`.
"""

from __future__ import annotations

from typing import Protocol

from strongroom.errors import StoreUnavailable, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from strongroom.stores.schema import Format

Row = tuple[int | bytes, ...]

WRITERS_MAX = 64
"""How many writers of one store may be at work at the same time; source: docs/format.md#ledger."""


class Overtaken(StoreUnavailable):
    """Another writer has changed the same row in the meantime; nothing was written, and the same call can be repeated.

    Only where writers work beside one another; what a repetition alone does not meet it.
    """


def blob(row: Row, column: int) -> bytes:
    """The BLOB in *column* of *row*.

    Raises: Tampered: the store handed over something else.
    """
    value = row[column]
    if type(value) is not bytes:
        raise Tampered("a row holds a number where bytes belong")
    return value


def integer(row: Row, column: int) -> int:
    """The INTEGER in *column* of *row*.

    Raises: Tampered: the store handed over something else.
    """
    value = row[column]
    if type(value) is not int:
        raise Tampered("a row holds bytes where a number belongs")
    return value


class Table:
    """One table: its number in the ledger's row encoding, its name, columns and key.

    Attributes:
        number: never reused (docs/format.md#tables).
        columns: (name, ``"INTEGER"`` or ``"BLOB"``) in row order.
        key_length: how many leading columns form the primary key.
    """

    __slots__ = ("columns", "key_length", "name", "number")

    def __init__(self, number: int, name: str, columns: tuple[tuple[str, str], ...], key_length: int) -> None:
        self.number = number
        self.name = name
        self.columns = columns
        self.key_length = key_length

    def __repr__(self) -> str:
        return f"Table({self.name})"


class Reading(Protocol):
    """Reads inside one transaction: all of them see the same moment."""

    def get(self, table: Table, *key: int | bytes) -> Row | None:
        """The row with exactly this key, or None."""

    def scan(self, table: Table, *prefix: int | bytes) -> Iterator[Row]:
        """All rows whose key begins with *prefix*, in key order; no prefix: all rows.

        Rows that the same transaction writes meanwhile may appear or not.
        """

    def page(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """At most *limit* rows in key order whose key is greater than *after*; None: from the first on.

        For walks over a whole table in several transactions.
        """

    def last(self, table: Table, *prefix: int | bytes) -> Row | None:
        """The row with the greatest key that begins with *prefix*, or None."""

    def get_many(self, table: Table, keys: list[Row]) -> dict[Row, Row]:
        """The rows with exactly these keys, by key, in one question to the storage; absent ones are left out."""


class Writing(Reading, Protocol):
    """Reads and writes inside one transaction: all of them happen, or none."""

    @property
    def writer(self) -> int:
        """Which of the writers that may be at work at the same time this one is, 0 to 63; nobody else is it."""

    def put(self, table: Table, row: Row) -> None:
        """Insert *row*, or replace the row with its key."""

    def put_many(self, table: Table, rows: Iterable[Row]) -> None:
        """As `put` for each of *rows*, in one call."""

    def delete(self, table: Table, *key: int | bytes) -> None:
        """Delete the row with exactly this key; nothing happens when there is none."""


class Store(Protocol):
    """Rows of ciphertext somewhere.

    All methods raise StoreUnavailable when the storage does not answer and Tampered
    when what it holds cannot have been written by this program (a foreign schema, a
    wrong column type, a damaged file).
    """

    location: str
    """Where it lies, fit for messages: a path or URL without credentials."""

    def reading(self) -> AbstractContextManager[Reading]:
        """A read transaction. Inside another transaction of the same thread it joins that; other
        threads wait for each other."""

    is_remote: bool
    """Whether each question is a journey, so that it pays to ask few."""

    def writing(self, *, beside: bool = False) -> AbstractContextManager[Writing]:
        """A write transaction: alone among writers from its first line; durable when the block
        was left, undone when it was left by an exception. Inside another write transaction of the
        same thread it is a part of that, and is undone alone when it is left by an exception.

        Args:
            beside: others may write at the same time if the store can do that. What this transaction
                reads is of the moment when it began; if another has since changed a row that it
                writes, the first write that shows it, or leaving the block, raises Overtaken.

        Raises:
            Overtaken: as *beside* says.
            OutcomeUnknown: the COMMIT itself failed; it may or may not be there.
            StoreUnavailable: nothing was written.
            RuntimeError: begun inside a read transaction.
        """

    def change_token(self) -> int:
        """A number that differs after another connection has committed; own commits need not change it.

        Inside a transaction it belongs to the moment which that transaction sees.
        """

    def glance(self, table: Table, *key: int | bytes) -> tuple[int, Row | None]:
        """The change token and the row with exactly this key, both of one moment, in one question.

        Threads do not wait for each other where the store can answer several at once.
        """

    def glance_many(self, table: Table, keys: list[Row]) -> tuple[int, dict[Row, Row]]:
        """As `glance`, for the rows with exactly these keys, by key; keys without a row are left out."""

    def ask_primary(self) -> bool:
        """Read from where writes go from now on; False when that is so already.

        For who has found what lies here older than it should be: a replica may lag behind.
        """

    def check(self) -> None:
        """Look at what is around the rows: format, tables, anything planted beside them.

        Raises: Tampered, FormatUnsupported: another program has changed it.
        """

    @property
    def format(self) -> Format:
        """The format of what lies there; a new store is of the newest one."""

    def reshaping(self, format: Format) -> AbstractContextManager[None]:
        """Inside a write transaction of the next format's upgrade: while the block runs, the tables of
        both formats are there; when it is left, those that *format* lacks are gone with their rows, and
        the store is of that format once the transaction is committed. Undone with the transaction.

        Raises: RuntimeError: on entering, outside a write transaction.
        """

    def publish(self) -> None:
        """Make a store that was just created visible at its location, whole or not at all.

        A created store takes transactions before; nobody else can see it then, and `close`
        without `publish` removes it. Does nothing for one that was opened.

        Raises: Conflict: something lies there by now; nothing of this store is left.
        """

    def scrub(self) -> None:
        """Remove what deleted rows left behind in free pages and write-ahead logs.

        Raises: StoreUnavailable: not everything could be removed; no row is lost, scrub again.
        """

    def backup(self, path: str) -> None:
        """Write a consistent copy to *path*, which must not exist; readers and writers go on."""

    def close(self) -> None:
        """Let go of it; a second call does nothing."""
