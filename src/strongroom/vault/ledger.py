"""The ledger: whether what lies in the store is what was written.

An incremental multiset hash over every column of every row: the sum, modulo 2^256,
of HMAC-SHA-256(ledger key, injective row encoding), sealed together with the commit
counter. A change subtracts the old row and adds the new one, so its cost does not
depend on how much is stored. Where several writers may be at work at the same time, each has
a share of the sum and of the counter in a row of its own, so that none waits for another.
Source: docs/format.md#ledger; Clarke et al., "Incremental Multiset Hash Functions",
ASIACRYPT 2003 (MSet-Add-Hash).
"""

from __future__ import annotations

from struct import Struct

from strongroom.crypto import labels
from strongroom.crypto.mac import Mac
from strongroom.errors import FormatUnsupported, RolledBack, Tampered
from strongroom.keys.envelope import Envelope
from strongroom.stores.interface import WRITERS_MAX, Reading, Row, Table, Writing, blob, integer
from strongroom.stores.schema import HEADER, LEDGER, OBJECTS
from strongroom.wire import Reader, u8, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.schema import Format

_MODULUS = 1 << 256
# Signed, because a planted row may hold any INTEGER that SQLite can: it must be summed, not crash.
_INTEGER = Struct(">Bq").pack
_BLOB = Struct(">BI").pack
_FORM = 1
REMOVED = bytes(16)
"""The stamp of a stored object that is there no longer."""


def encode_row(table: Table, row: Row) -> bytes:
    """The injective encoding of one row: docs/format.md#ledger."""
    parts = [u8(table.number)]
    for value in row:
        if isinstance(value, int):
            parts.append(_INTEGER(1, value))
        else:
            parts.append(_BLOB(2, len(value)))
            parts.append(value)
    return b"".join(parts)


class State:
    """What the sealed ledger rows say: the sum of all row MACs and the commit counter.

    Attributes:
        shares: writer -> its share of the sum, and how often it has committed.
    """

    __slots__ = ("shares",)

    def __init__(self, shares: dict[int, tuple[int, int]]) -> None:
        self.shares = shares

    @property
    def total(self) -> int:
        """The sum."""
        return sum(total for total, _ in self.shares.values()) % _MODULUS

    @property
    def counter(self) -> int:
        """How many commits there were."""
        return sum(counter for _, counter in self.shares.values())

    def after(self, writer: int, delta: int) -> State:
        """The state after one more commit of *writer*, which changes the sum by *delta*."""
        total, counter = self.shares.get(writer, (0, 0))
        return State({**self.shares, writer: ((total + delta) % _MODULUS, counter + 1)})

    def counted_anew(self, writer: int, total: int) -> State:
        """The same counters with another sum, all of it the share of *writer*."""
        others = {other: (0, counter) for other, (_, counter) in self.shares.items()}
        return State({**others, writer: (total % _MODULUS, others.get(writer, (0, 0))[1])})

    def is_before(self, other: State) -> bool:
        """Whether any writer has committed more often in the *other* state."""
        nothing = (0, 0)
        return any(self.shares.get(writer, nothing)[1] < counter for writer, (_, counter) in other.shares.items())


class Ledger:
    """Computes row MACs; opens and seals the ledger rows.

    Args:
        mac: HMAC under the ledger key.
        envelope: seals the sum.
    """

    __slots__ = ("_bodies", "_envelope", "_mac", "_seen")

    def __init__(self, mac: Mac, envelope: Envelope) -> None:
        self._mac = mac
        self._envelope = envelope
        # Rows that were opened or sealed before need not be opened again.
        self._bodies: dict[int, bytes] = {}
        self._seen = State({})

    def row_mac(self, table: Table, row: Row) -> int:
        """The row's summand."""
        return int.from_bytes(self._mac.digest(encode_row(table, row)), "big")

    def read(self, rows: Reading | LedgeredRows) -> State:
        """The state in the store.

        Raises:
            Tampered: a row is missing or was not sealed by this vault.
            RolledBack: a writer has committed less often than was seen before.
        """
        found = {}
        bodies = {}
        for row in rows.scan(LEDGER):
            writer, bodies[integer(row, 0)] = integer(row, 0), blob(row, 1)
            found[writer] = self._share(writer, bodies[writer])
        if not found:
            raise Tampered("the ledger row is missing", advice="run: strongroom verify")
        state = State(found)
        if state.is_before(self._seen):
            raise RolledBack(
                f"the store went back from commit {self._seen.counter} to {state.counter}",
                advice="an older copy was put in place while this program had the vault open",
            )
        self._bodies, self._seen = bodies, state
        return state

    def _share(self, writer: int, body: bytes) -> tuple[int, int]:
        if self._bodies.get(writer) == body:
            return self._seen.shares[writer]
        return self.open(writer, body)

    def open(self, writer: int, body: bytes) -> tuple[int, int]:
        """A writer's share of the sum, and how often it has committed.

        Raises: Tampered: it was not sealed for this writer of this vault.
        """
        if not 0 <= writer < WRITERS_MAX:
            raise Tampered("a row of the ledger is of a writer that cannot be")
        reader = Reader(self._envelope.decrypt(labels.LEDGER_SEAL, body, u64(writer)), "ledger")
        if reader.u8() != _FORM:
            raise FormatUnsupported("the ledger was written by a newer strongroom")
        share = int.from_bytes(reader.take(32), "big"), reader.u64()
        reader.finish()
        return share

    def write(self, rows: Writing, state: State, writer: int | None = None) -> None:
        """Seal *state* into the store. Call `forget` when the transaction is undone.

        Args:
            writer: the only one whose share has changed; None: all are sealed anew.
        """
        for number in state.shares if writer is None else (writer,):
            total, counter = state.shares[number]
            plaintext = u8(_FORM) + total.to_bytes(32, "big") + u64(counter)
            body = self._envelope.encrypt(labels.LEDGER_SEAL, plaintext, u64(number))
            rows.put(LEDGER, (number, body))
            self._bodies[number] = body
        self._seen = state

    @property
    def seen(self) -> State:
        """The newest state that was read or written; an older one in the store is a roll-back."""
        return self._seen

    def forget(self, state: State) -> None:
        """Believe *state* again, after a transaction that wrote a newer one was undone, and open the rows anew."""
        self._bodies, self._seen = {}, state

    def fits(self, rows: Reading, total: int, format: Format) -> bool:
        """Whether the rows that lie in the store now, which is of this format, add up to *total*."""
        return self.recompute(rows, format) == total % _MODULUS

    def recompute(self, rows: Reading, format: Format) -> int:
        """The sum over everything that lies in the store now, which is of this format."""
        total = 0
        for table in format.tables:
            if table is not LEDGER:
                for row in rows.scan(table):
                    total += self.row_mac(table, row)
        return total % _MODULUS


def stamp_of(table: Table, row: Row) -> tuple[str, bytes]:
    """What the audit log keeps of a row outside the tree: a path that no item can have, and 16 bytes of its own.

    Those are random or keyed and differ with each write, so that an older row does not bear the newest stamp.
    """
    if table is HEADER:
        return "/header", blob(row, 2)[:16]
    # Behind the number of the data key lies the salt of the sealed body.
    return f"/objects/{integer(row, 0)}/{blob(row, 1).hex()}", blob(row, 2)[4:20]


class LedgeredRows:
    """A write transaction in which every row that changes also changes the sum.

    Rows are held back until something scans their table or the transaction ends, so
    that a batch becomes one `put_many` per table.
    """

    __slots__ = ("_empty", "_ledger", "_pending", "delta", "stamps", "store_rows", "writer", "writes")

    def __init__(self, rows: Writing, ledger: Ledger) -> None:
        self.store_rows = rows
        self.writer = rows.writer
        self._ledger = ledger
        self._pending: dict[Table, dict[Row, Row | None]] = {}
        # Where the store has nothing: (table, first part of the key).
        self._empty: set[tuple[Table, int | bytes]] = set()
        self.delta = 0
        self.writes = 0
        # What the audit entry says of rows outside the tree: `stamp_of`.
        self.stamps: dict[str, bytes] = {}

    def get(self, table: Table, *key: int | bytes) -> Row | None:
        """As `Reading.get`, including what this transaction has written."""
        pending = self._pending.get(table)
        if pending is not None and key in pending:
            return pending[key]
        if (table, key[0]) in self._empty:
            return None
        return self.store_rows.get(table, *key)

    def expect_nothing(self, table: Table, first: int | bytes) -> None:
        """Say that no row of *table* begins with *first*, which this transaction has made at random.

        A thousand items in a new folder are then a thousand questions less to the store.
        """
        self._empty.add((table, first))

    def scan(self, table: Table, *prefix: int | bytes) -> list[Row]:
        """As `Reading.scan`; a list, because the caller may write while it walks."""
        self._flush(table)
        return list(self.store_rows.scan(table, *prefix))

    def last(self, table: Table, *prefix: int | bytes) -> Row | None:
        """As `Reading.last`."""
        self._flush(table)
        return self.store_rows.last(table, *prefix)

    def put(self, table: Table, row: Row, *, replaces: Row | None) -> None:
        """Write *row* in place of *replaces*, which this transaction has read under the same key."""
        if replaces is not None:
            self.delta -= self._ledger.row_mac(table, replaces)
        self.delta += self._ledger.row_mac(table, row)
        self._pending.setdefault(table, {})[row[: table.key_length]] = row
        self.writes += 1
        if table is HEADER or table is OBJECTS:
            path, stamp = stamp_of(table, row)
            self.stamps[path] = stamp

    def delete(self, table: Table, row: Row) -> None:
        """Delete *row*, which this transaction has read."""
        self.delta -= self._ledger.row_mac(table, row)
        self._pending.setdefault(table, {})[row[: table.key_length]] = None
        self.writes += 1
        if table is OBJECTS:
            # So that a grant which was taken away has a name when it is put back.
            self.stamps[stamp_of(table, row)[0]] = REMOVED

    def rebase(self, ledger: Ledger) -> None:
        """Count from zero under another ledger key; everything held back was handed over before."""
        self._ledger = ledger
        self.delta = 0

    def finish(self) -> None:
        """Hand everything that is still held back to the store."""
        for table in list(self._pending):
            self._flush(table)

    def _flush(self, table: Table) -> None:
        pending = self._pending.pop(table, None)
        if not pending:
            return
        self._empty.clear()
        if len(pending) == 1:
            for row in pending.values():
                if row is not None:
                    self.store_rows.put(table, row)
        else:
            self.store_rows.put_many(table, [row for row in pending.values() if row is not None])
        for key, row in pending.items():
            if row is None:
                self.store_rows.delete(table, *key)
