"""A vault is taken into another store: every row as it is, and what counts the rows sealed anew.

Nothing is opened on the way. The rows go over in commits of a bounded size, so that a copy which
was interrupted is taken up again: what is there already is compared, not believed. Header, key
slots and ledger come last, in the one commit that makes a vault of it. Source: docs/format.md#copies.
"""

from __future__ import annotations

from strongroom.errors import Conflict, OutcomeUnknown, StrongroomError, Tampered
from strongroom.keys.opening import reopen_keys
from strongroom.stores.interface import blob
from strongroom.stores.schema import AUDIT, HEADER, LEDGER, SLOTS
from strongroom.vault.core import Core, slot_rows
from strongroom.vault.lineage import begin_lineage
from strongroom.vault.verifying import verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from strongroom.stores.interface import Reading, Row, Store, Table, Writing
    from strongroom.vault.verifying import Report

    Progress = Callable[[int, int], None]

OPERATION = "copy"
_MODULUS = 1 << 256  # of the ledger's sum
_MARK_ID = 0
_MAGIC = b"SRCOPY\0\0\x01"
_BATCH_ROWS = 256
_BATCH_BYTES = 4 * 1024 * 1024
_PAGE_ROWS = 64


def is_unfinished(rows: Reading) -> bool:
    """Whether a copy into this store was begun and is not a vault yet."""
    return rows.get(HEADER, _MARK_ID) is not None and rows.get(HEADER, 1) is None


class Copy:
    """What has come of it.

    Attributes:
        core: the copy, opened with the same keys; the caller locks it, which closes the store.
        report: what was counted in it.
    """

    __slots__ = ("core", "report")

    def __init__(self, core: Core, report: Report) -> None:
        self.core = core
        self.report = report


def copy_vault(
    core: Core, destination: Store, *, progress: Progress | None = None, operation: str = OPERATION
) -> Copy:
    """Take the vault into *destination*, as the beginning of a new lineage, and verify it there.

    A copy that was interrupted is taken up again, also when the vault was written to meanwhile.

    Args:
        core: of the vault, which is not changed.
        destination: empty, or with a copy of this vault that was interrupted; of the newest format, and
            the caller's. A created one is published.
        progress: called with (rows copied, rows in all) after each commit.
        operation: what the audit log calls it.

    Raises:
        Conflict: something else lies in *destination*, or a copy that was finished and used since.
        Tampered: the vault, or what came of it, is not what was written; *destination* is no vault then.
        StoreUnavailable: a store failed; the same call goes on.
        OutcomeUnknown: the last commit's answer is missing; the same call says what came of it.
    """
    # It names what is wrong, where the sum below only says that something is; and refuses an open transaction.
    verify(core)
    # The second one joins the first, which has looked whether somebody else has written.
    with core.reading(), core.store.reading() as rows:
        transfer = _Transfer(core, rows, destination, progress)
        finished = transfer.find_finished()
        if finished is None:
            transfer.bring()
            finished = transfer.finish(operation)
    try:
        return Copy(finished, verify(finished))
    except BaseException:
        finished.lock()
        raise


class _Transfer:
    """One moment of the vault on its way."""

    def __init__(self, core: Core, rows: Reading, destination: Store, progress: Progress | None) -> None:
        self._core = core
        self._rows = rows
        self._destination = destination
        self._progress = progress
        self._mark: Row = (_MARK_ID, _MAGIC + core.keys.header.vault_id, b"")
        self._state = core.ledger.read(rows)
        self._sum = 0
        self._done = 0
        self._tables = [table for table in core.store.format.tables if table not in (HEADER, SLOTS, LEDGER)]

    def find_finished(self) -> Core | None:
        """The copy, if it is one already that nobody has written to.

        Raises: Conflict: *destination* holds something else.
        """
        with self._destination.reading() as rows:
            header = rows.get(HEADER, 1)
            if header is not None:
                return self._finished(rows, header)
            if rows.get(HEADER, _MARK_ID) == self._mark:
                return None
            for table in self._destination.format.tables:
                if next(iter(rows.scan(table)), None) is not None:
                    raise Conflict(
                        f"{self._destination.location} is not empty, and holds no copy of this vault",
                        advice="name another place",
                    )
        return None

    def _finished(self, rows: Reading, header: Row) -> Core:
        there = Conflict(f"a vault lies at {self._destination.location} already", advice="name another place")
        try:
            copy = self._open(header, slot_rows(rows))
        except StrongroomError:
            raise there from None  # another vault, or one that has another root key by now
        try:
            if not self._is_copy(copy, rows, header):
                raise there
        except BaseException:
            copy.keys.wipe()
            raise
        return copy

    def _is_copy(self, copy: Core, rows: Reading, header: Row) -> bool:
        """Whether nothing but one audit entry and another header tells *copy* from the vault."""
        own = self._rows.get(HEADER, 1)
        if own is None or copy.keys.header.lineage == self._core.keys.header.lineage:
            return False
        more = [row for row in rows.scan(AUDIT) if self._rows.get(AUDIT, *row[: AUDIT.key_length]) is None]
        ledger, there = self._core.ledger, copy.ledger.read(rows)
        if len(more) != 1 or there.counter != self._state.counter + 1:
            return False
        changed = ledger.row_mac(HEADER, header) + ledger.row_mac(AUDIT, more[0]) - ledger.row_mac(HEADER, own)
        return (there.total - changed - self._state.total) % _MODULUS == 0

    def bring(self) -> None:
        """Take every row over that is not there yet, in commits of a bounded size.

        Raises: Tampered: the rows are not what the vault's ledger counts.
        """
        total = sum(1 for table in self._tables for _ in self._rows.scan(table))
        with self._destination.writing() as written:
            written.put(HEADER, self._mark)
        self._destination.publish()
        for table in self._tables:
            after: Row | None = None
            for batch in _batches(self._rows.scan(table)):
                end = batch[-1][: table.key_length] if batch else None
                with self._destination.writing() as written:
                    _replace(written, table, batch, after=after, end=end)
                after = end
                self._count(table, batch)
                if self._progress is not None and batch:
                    self._progress(self._done, total)
        self._count(HEADER, self._rows.scan(HEADER))
        self._count(SLOTS, self._rows.scan(SLOTS))
        if self._sum % _MODULUS != self._state.total:
            raise Tampered(f"{self._core.store.location} is not what was written", advice="see: strongroom verify")

    def finish(self, operation: str) -> Core:
        """Make a vault of it, in one commit.

        Raises: Tampered: what lies in the destination is not what was brought there.
        """
        core = self._core
        header = self._rows.get(HEADER, 1)
        if header is None:
            raise Tampered("the header row is missing", advice="run: strongroom verify")
        slots = slot_rows(self._rows)
        copy = self._open(header, slots)
        try:
            with self._destination.writing() as written:
                for table in (HEADER, SLOTS, LEDGER):
                    for row in list(written.scan(table)):
                        written.delete(table, *row[: table.key_length])
                written.put(HEADER, header)
                written.put_many(SLOTS, slots)
                if not core.ledger.fits(written, self._state.total, self._destination.format):
                    raise Tampered(
                        f"{self._destination.location} is not what was copied there: somebody else wrote to it",
                        advice="see that nobody else uses it, and copy again",
                    )
                copy.ledger.write(written, self._state)
                begin_lineage(copy, operation)
        except OutcomeUnknown as unknown:
            copy.keys.wipe()
            unknown.advice = "copy again: what is finished is verified, and what is not is finished"
            raise
        except BaseException:
            copy.keys.wipe()
            raise
        return copy

    def _open(self, header: Row, slots: list[tuple[bytes, bytes]]) -> Core:
        keys = reopen_keys(self._core.keys, blob(header, 1), blob(header, 2), slots)
        return Core(self._destination, keys, author=self._core.author, clock_us=self._core.clock_us)

    def _count(self, table: Table, rows: Iterator[Row] | list[Row]) -> None:
        for row in rows:
            self._sum += self._core.ledger.row_mac(table, row)
            self._done += 1


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows in batches; the last one is empty, and stands for all keys behind them."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if len(batch) == _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
    yield []


def _replace(written: Writing, table: Table, batch: list[Row], *, after: Row | None, end: Row | None) -> None:
    """Make *batch* all that lies behind the key *after*, as far as *end*; None: from the first on, to the last."""
    length = table.key_length
    new = {row[:length]: row for row in batch}
    for row in _between(written, table, after, end):
        if new.get(row[:length]) == row:
            del new[row[:length]]
        elif row[:length] not in new:
            written.delete(table, *row[:length])
    written.put_many(table, list(new.values()))


def _between(rows: Reading, table: Table, after: Row | None, end: Row | None) -> Iterator[Row]:
    length = table.key_length
    while True:
        page = rows.page(table, after, _PAGE_ROWS)
        for row in page:
            if end is not None and row[:length] > end:
                return
            yield row
        if len(page) < _PAGE_ROWS:
            return
        after = page[-1][:length]
