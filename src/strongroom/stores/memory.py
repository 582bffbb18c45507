"""A store in memory with the semantics of the others: for tests, and for vaults that need not last.

The committed state is never changed in place: a writer works on copies of the tables it
touches and commits by swapping them in, so a reader keeps its moment for free.
"""

from __future__ import annotations

from threading import RLock

from strongroom.errors import StoreUnavailable
from strongroom.stores.block import Block
from strongroom.stores.schema import newest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from strongroom.stores.interface import Row, Table
    from strongroom.stores.schema import Format

    _Key = tuple[int | bytes, ...]
    _State = dict[int, dict[_Key, Row]]

_PATIENCE_SECONDS = 60.0
_INTEGER_MAX = 2**63 - 1  # what the other stores can hold


def _types(table: Table) -> tuple[type, ...]:
    return tuple(int if kind == "INTEGER" else bytes for _, kind in table.columns)


class _Shared:
    """What all handles of one store share.

    Attributes:
        writer: held by the thread that writes.
        handle: through which it does.
        moment: the rows, how many commits there were, and the format; replaced as a whole, in one step.
    """

    def __init__(self) -> None:
        self.writer = RLock()
        self.handle: MemoryStore | None = None
        format = newest()
        self.moment: tuple[_State, int, Format] = {table.number: {} for table in format.tables}, 0, format


class MemoryStore:
    """Rows in memory. Implements `interface.Store`.

    Args:
        other: share this store's rows, as a second connection to a file would.
    """

    is_remote = False

    def __init__(self, other: MemoryStore | None = None) -> None:
        self.location = "memory"
        self._shared: _Shared = _Shared() if other is None else other._shared
        self._mutex = RLock()
        self._is_closed = False
        self._own_commits = 0
        self._depth = 0
        self._is_writing = False
        self._is_broken = False
        self._serial = 0
        self._commits_seen = 0
        self._state: _State = {}
        self._copied: set[int] = set()
        self._savepoints: list[_State] = []
        self._next_format: Format | None = None

    def reading(self) -> _Block:
        """A read transaction; inside another transaction of this thread it joins that."""
        return _Block(self, is_writing=False)

    def writing(self, *, beside: bool = False) -> _Block:
        """A write transaction; inside another one, a part of it that can be undone alone."""
        return _Block(self, is_writing=True)

    def change_token(self) -> int:
        """How often others have committed, up to the moment that this store sees."""
        with self._mutex:
            self._refuse_closed()
            commits = self._commits_seen if self._depth else self._shared.moment[1]
            return commits - self._own_commits

    def glance(self, table: Table, *key: int | bytes) -> tuple[int, Row | None]:
        """See `interface.Store.glance`."""
        with self.reading() as rows:
            return self.change_token(), rows.get(table, *key)

    def glance_many(self, table: Table, keys: list[Row]) -> tuple[int, dict[Row, Row]]:
        """See `interface.Store.glance_many`."""
        with self.reading() as rows:
            return self.change_token(), rows.get_many(table, keys)

    def ask_primary(self) -> bool:
        """There is nobody else to ask."""
        return False

    @property
    def format(self) -> Format:
        """See `interface.Store`."""
        return self._next_format or self._shared.moment[2]

    def reshaping(self, format: Format) -> _Reshaping:
        """See `interface.Store`."""
        return _Reshaping(self, format)

    def check(self) -> None:
        """Nothing lies around the rows of memory."""

    def publish(self) -> None:
        """Nothing is left to do: it is there."""

    def scrub(self) -> None:
        """Nothing is left to remove: deleted rows leave no pages behind."""
        self._refuse_inside("scrub")

    def backup(self, path: str) -> None:
        """Write a copy to a new SQLite file at *path*.

        Raises: Conflict, UnsafePermissions, StoreUnavailable: as `SqliteStore.create`.
        """
        from strongroom.stores.sqlite_copies import write_as_sqlite  # needed only when a copy is made

        write_as_sqlite(self, path)

    def close(self) -> None:
        """Let go of the rows; a second call does nothing."""
        self._is_closed = True

    def _begin(self, *, is_writing: bool) -> None:
        self._refuse_closed()
        if self._depth and is_writing and (self._is_broken or not self._is_writing):
            raise RuntimeError("a write transaction cannot begin inside a read transaction or a failed one")
        if not self._depth:
            if is_writing:
                self._become_the_writer()
            self._is_writing = is_writing
            self._serial += 1
            self._state, self._commits_seen, _ = self._shared.moment
            self._copied.clear()
        if is_writing:
            self._savepoints = [*self._savepoints[: self._depth], dict(self._state)]
            self._copied.clear()
        else:
            self._savepoints = [*self._savepoints[: self._depth], self._state]

    def _become_the_writer(self) -> None:
        shared = self._shared
        # A thread that writes through another handle would wait for itself.
        is_own = shared.writer._is_owned() and shared.handle is not None  # type: ignore[attr-defined]
        if is_own or not shared.writer.acquire(timeout=_PATIENCE_SECONDS):
            raise StoreUnavailable("memory is busy: another writer keeps it locked", is_transient=True)
        shared.handle = self

    def _end(self, level: int, *, is_writing: bool, is_commit: bool) -> None:
        if is_writing and not is_commit:
            self._state = self._savepoints[level]
            self._copied.clear()
        if not level and is_writing and is_commit:
            self._refuse_closed()
            if self._is_broken:
                raise StoreUnavailable("memory: nothing was written, because an earlier step of the transaction failed")
            _, commits, format = self._shared.moment
            self._shared.moment = self._state, commits + 1, self._next_format or format
            # Behind it: one commit too many seems to be another's, which costs a look; one too few would hide one.
            self._own_commits += 1
        self._depth = level
        if not level:
            self._finish()

    def _forsake(self, level: int, *, is_writing: bool) -> None:
        """Be in *level* blocks again, one of which may have been left in the midst of anything."""
        self._depth = level
        if not level:
            self._finish()
        elif is_writing:
            self._is_broken = True

    def _finish(self) -> None:
        """Nothing is open any more."""
        shared = self._shared
        self._serial += 1
        self._is_writing = self._is_broken = False
        self._next_format = None
        if shared.writer._is_owned() and shared.handle in (self, None):  # type: ignore[attr-defined]
            shared.handle = None
            shared.writer.release()

    def _table_to_change(self, table: Table) -> dict[_Key, Row]:
        if table.number not in self._copied:
            self._state = {**self._state, table.number: dict(self._state[table.number])}
            self._copied.add(table.number)
        return self._state[table.number]

    def _refuse_inside(self, what: str) -> None:
        with self._mutex:
            if self._depth:
                raise RuntimeError(f"{what} inside a transaction")

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StoreUnavailable("memory was closed", advice="open it again")


class _Rows:
    """Implements `interface.Writing` for one transaction."""

    __slots__ = ("_is_writing", "_serial", "_store")
    writer = 0

    def __init__(self, store: MemoryStore, *, is_writing: bool) -> None:
        self._store = store
        self._is_writing = is_writing
        self._serial = store._serial

    def get(self, table: Table, *key: int | bytes) -> Row | None:
        """The row with exactly this key, or None."""
        return self._rows(table).get(key)

    def scan(self, table: Table, *prefix: int | bytes) -> Iterator[Row]:
        """All rows whose key begins with *prefix*, in key order; no prefix: all rows."""
        rows = self._rows(table)
        return self._stream(table, [rows[key] for key in _matching(rows, prefix)])

    def page(self, table: Table, after: Row | None, limit: int) -> list[Row]:
        """At most *limit* rows in key order whose key is greater than *after*; None: from the first on."""
        rows = self._rows(table)
        return [rows[key] for key in _matching(rows, ()) if after is None or key > after][:limit]

    def last(self, table: Table, *prefix: int | bytes) -> Row | None:
        """The row with the greatest key that begins with *prefix*, or None."""
        rows = self._rows(table)
        keys = _matching(rows, prefix)
        return rows[keys[-1]] if keys else None

    def get_many(self, table: Table, keys: list[Row]) -> dict[Row, Row]:
        """The rows with exactly these keys, by key; absent ones are left out."""
        rows = self._rows(table)
        return {key: rows[key] for key in keys if key in rows}

    def put(self, table: Table, row: Row) -> None:
        """Insert *row*, or replace the row with its key."""
        self._writable()
        if tuple(map(type, row)) != _types(table):
            raise TypeError("wrong number or type of columns")
        if any(value > _INTEGER_MAX for value in row if isinstance(value, int)):
            raise ValueError("a number in a row is 0 to 2**63 - 1")
        self._store._table_to_change(table)[row[: table.key_length]] = row

    def put_many(self, table: Table, rows: Iterable[Row]) -> None:
        """As `put` for each of *rows*, in one call."""
        for row in rows:
            self.put(table, row)

    def delete(self, table: Table, *key: int | bytes) -> None:
        """Delete the row with exactly this key; nothing happens when there is none."""
        self._writable()
        self._store._table_to_change(table).pop(key, None)

    def _rows(self, table: Table) -> dict[_Key, Row]:
        self._check()
        return self._store._state[table.number]

    def _writable(self) -> None:
        self._check()
        if not self._is_writing:
            raise RuntimeError("this transaction only reads")

    def _check(self) -> None:
        self._store._refuse_closed()
        if self._serial != self._store._serial:
            raise RuntimeError("the transaction is over")

    def _stream(self, table: Table, rows: list[Row]) -> Iterator[Row]:
        for row in rows:
            self._rows(table)
            yield row


class _Block(Block):
    """``with store.reading() as rows`` and ``with store.writing() as rows``."""

    __slots__ = ("_is_writing", "_store")

    def __init__(self, store: MemoryStore, *, is_writing: bool) -> None:
        super().__init__()
        self._store = store
        self._is_writing = is_writing

    def __enter__(self) -> _Rows:
        store = self._store
        self.take(store._mutex)
        self.level = 0 if self.is_outermost else store._depth
        try:
            store._begin(is_writing=self._is_writing)
            store._depth = self.level + 1
            return _Rows(store, is_writing=self._is_writing)
        except BaseException:
            self.forsake()
            raise

    def leave(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Commit, or undo; of a part, keep or undo it."""
        if not self.is_ours or self._store._depth <= self.level:
            self.forsake()  # it was interrupted while it began
            if kind is None and self._is_writing:
                raise RuntimeError("nothing was written: the block was left in another thread than it was entered in")
            return
        try:
            self._store._end(self.level, is_writing=self._is_writing, is_commit=kind is None)
        except BaseException:
            self.forsake()
            raise
        self.let_go()

    def forsake(self) -> None:
        """See `Block.forsake`."""
        if self.is_ours:
            self._store._forsake(self.level, is_writing=self._is_writing)
            self.let_go()


class _Reshaping:
    """``with store.reshaping(format)``."""

    __slots__ = ("_format", "_store")

    def __init__(self, store: MemoryStore, format: Format) -> None:
        self._store = store
        self._format = format

    def __enter__(self) -> None:
        if not self._store._is_writing:
            raise RuntimeError("tables are changed inside a write transaction")
        new: _State = {table.number: {} for table in self._format.tables if table not in self._store.format.tables}
        self._store._state = {**self._store._state, **new}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            kept = [table.number for table in self._format.tables]
            self._store._state = {number: self._store._state[number] for number in kept}
            self._store._next_format = self._format


def _matching(
    rows: dict[tuple[int | bytes, ...], Row], prefix: tuple[int | bytes, ...]
) -> list[tuple[int | bytes, ...]]:
    length = len(prefix)
    # Columns of one position have one type in every row, so the keys compare.
    return sorted(key for key in rows if key[:length] == prefix)
