"""Conformance of stores, second part: transactions, nested ones, and several connections."""

from __future__ import annotations

from threading import Thread

from strongroom.stores.schema import HEADER, LEDGER, SLOTS
from strongroom.testing.store_suite import Planted, StoreSuite, differ, raises, same


class TransactionConformance(StoreSuite):
    """All or nothing, one moment per transaction, one writer at a time."""

    def test_an_exception_undoes_everything(self) -> None:
        """Puts, replacements and deletions; the exception itself arrives."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(SLOTS, [(b"kept", b"old"), (b"deleted", b"old")])
        try:
            with store.writing() as rows:
                rows.put(SLOTS, (b"new", b"new"))
                rows.put(SLOTS, (b"kept", b"new"))
                rows.delete(SLOTS, b"deleted")
                raise Planted
        except Planted:
            with store.reading() as rows_read:
                same(list(rows_read.scan(SLOTS)), [(b"deleted", b"old"), (b"kept", b"old")])
        else:
            raise AssertionError("the exception was swallowed")

    def test_an_inner_write_is_undone_alone(self) -> None:
        """A part that failed and was caught is gone, what stood before and after is committed."""
        store = self.published()
        with store.writing() as rows:
            rows.put(SLOTS, (b"before", b""))
            rows.put(SLOTS, (b"replaced", b"old"))
            try:
                with store.writing() as inner:
                    inner.put(SLOTS, (b"inside", b""))
                    inner.put(SLOTS, (b"replaced", b"new"))
                    with store.writing() as innermost:
                        innermost.put(SLOTS, (b"innermost", b""))
                    raise Planted
            except Planted:
                rows.put(SLOTS, (b"after", b""))
            with store.writing() as inner:
                inner.put(SLOTS, (b"second", b""))
        with store.reading() as rows_read:
            same([row[0] for row in rows_read.scan(SLOTS)], [b"after", b"before", b"replaced", b"second"])
            same(rows_read.get(SLOTS, b"replaced"), (b"replaced", b"old"))

    def test_an_inner_write_is_not_committed_by_itself(self) -> None:
        """When the outer block fails, the inner one that had succeeded is undone as well."""
        store = self.published()
        try:
            with store.writing():
                with store.writing() as inner:
                    inner.put(SLOTS, (b"inside", b""))
                raise Planted
        except Planted:
            with store.reading() as rows:
                same(list(rows.scan(SLOTS)), [])

    def test_reading_inside_a_transaction_joins_it(self) -> None:
        """It sees what the open transaction has written."""
        store = self.published()
        with store.writing() as rows:
            rows.put(SLOTS, (b"id", b"record"))
            with store.reading() as joined:
                same(joined.get(SLOTS, b"id"), (b"id", b"record"))
            rows.put(SLOTS, (b"id", b"record 2"))
        with store.reading() as outer, store.reading() as joined:
            same(outer.get(SLOTS, b"id"), joined.get(SLOTS, b"id"))

    def test_writing_inside_reading_is_refused(self) -> None:
        """Its moment has passed for writers; the read goes on unharmed."""
        store = self.published()
        with store.reading() as rows:
            raises(RuntimeError, store.writing().__enter__)
            same(rows.get(HEADER, 1), None)
        with store.writing() as written:
            written.put(HEADER, (1, b"", b""))

    def test_nothing_works_after_its_transaction(self) -> None:
        """Reads, writes and half-read scans are RuntimeErrors once the block was left."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(SLOTS, [(bytes([number]), b"") for number in range(9)])
            scan = rows.scan(SLOTS)
            next(scan)
        raises(RuntimeError, rows.get, SLOTS, b"\x01")
        raises(RuntimeError, rows.last, SLOTS)
        raises(RuntimeError, rows.scan, SLOTS)
        raises(RuntimeError, rows.put, SLOTS, (b"late", b""))
        raises(RuntimeError, rows.delete, SLOTS, b"\x01")
        raises(RuntimeError, lambda: list(scan))
        with store.reading() as rows_read:
            same(sum(1 for _ in rows_read.scan(SLOTS)), 9)

    def test_a_reader_keeps_its_moment(self) -> None:
        """A commit by another connection is seen by the next transaction, not by the one that is open."""
        store, other = self.pair()
        with store.reading() as rows:
            same(rows.get(HEADER, 1), None)
            with other.writing() as written:
                written.put(HEADER, (1, b"body", b"mac"))
            same(rows.get(HEADER, 1), None)
            same(list(rows.scan(HEADER)), [])
        with store.reading() as rows:
            same(rows.get(HEADER, 1), (1, b"body", b"mac"))

    def test_nobody_sees_what_is_not_committed(self) -> None:
        """Another connection reads the old state while a writer is at work, without waiting."""
        store, other = self.pair()
        with store.writing() as written:
            written.put(HEADER, (1, b"body", b"mac"))
            with other.reading() as rows:
                same(rows.get(HEADER, 1), None)
        with other.reading() as rows:
            same(rows.get(HEADER, 1), (1, b"body", b"mac"))

    def test_the_change_token_tells_of_other_writers(self) -> None:
        """Others' commits change it; own ones, reads and undone writes of others do not."""
        store, other = self.pair()
        before = store.change_token()
        with store.writing() as rows:
            rows.put(HEADER, (1, b"own", b""))
        same(store.change_token(), before)
        with other.reading() as rows_read:
            rows_read.get(HEADER, 1)
        try:
            with other.writing() as rows:
                rows.put(HEADER, (1, b"undone", b""))
                raise Planted
        except Planted:
            same(store.change_token(), before)
        tokens = {before}
        for number in range(5):
            with other.writing() as rows:
                rows.put(HEADER, (1, b"other", bytes([number])))
            tokens.add(store.change_token())
        same(len(tokens), 6)

    def test_the_change_token_belongs_to_the_moment_of_its_transaction(self) -> None:
        """Taken first in a transaction, it changes exactly when the rows that follow do."""
        store, other = self.pair()
        with store.reading() as rows:
            before = store.change_token()
            with other.writing() as written:
                written.put(HEADER, (1, b"new", b""))
            same(store.change_token(), before)
            same(rows.get(HEADER, 1), None)
        with store.reading() as rows:
            differ(store.change_token(), before)
            same(rows.get(HEADER, 1), (1, b"new", b""))
            after = store.change_token()
        with store.writing() as written:
            same(store.change_token(), after)
            written.put(HEADER, (1, b"own", b""))
        same(store.change_token(), after)

    def test_threads_take_turns(self) -> None:
        """Four threads that add to one counter through one store lose no step."""
        store = self.published()
        with store.writing() as rows:
            rows.put(LEDGER, (0, b""))

        def add() -> None:
            for _ in range(25):
                with store.writing() as rows:
                    row = rows.get(LEDGER, 0)
                    if row is not None and isinstance(row[1], bytes):
                        rows.put(LEDGER, (0, row[1] + b"."))

        threads = [Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.reading() as rows_read:
            same(rows_read.get(LEDGER, 0), (0, b"." * 100))
