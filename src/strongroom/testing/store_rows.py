"""Conformance of stores, first part: rows, their values and their order."""

from __future__ import annotations

import os

from strongroom.stores.schema import AUDIT, HEADER, LEDGER, NODES, OBJECTS, TABLES, VERSIONS
from strongroom.testing.store_suite import StoreSuite, raises, row_of, same

LEAST, GREATEST = b"\x00" * 16, b"\xff" * 16


class RowConformance(StoreSuite):
    """What is put is got, and scans go in key order."""

    def test_an_absent_row_is_none(self) -> None:
        """`get` and `last` say None, `scan` is empty, `delete` does nothing."""
        with self.published().writing() as rows:
            for table in TABLES:
                same(rows.get(table, *row_of(table, 1)[: table.key_length]), None)
                same(rows.last(table), None)
                same(list(rows.scan(table)), [])
                rows.delete(table, *row_of(table, 1)[: table.key_length])

    def test_every_table_keeps_its_rows(self) -> None:
        """What was put is got, exactly, in the same transaction and in a later one."""
        store = self.published()
        with store.writing() as rows:
            for table in TABLES:
                rows.put(table, row_of(table, 7))
                same(rows.get(table, *row_of(table, 7)[: table.key_length]), row_of(table, 7))
        with store.reading() as rows_read:
            for table in TABLES:
                same(rows_read.get(table, *row_of(table, 7)[: table.key_length]), row_of(table, 7))
                same(list(rows_read.scan(table)), [row_of(table, 7)])

    def test_values_round_trip_exactly(self) -> None:
        """Empty, zero, every byte, the greatest number, two mebibytes."""
        bodies = (b"", b"\x00", bytes(range(256)), os.urandom(2 * 1024 * 1024))
        store = self.published()
        with store.writing() as rows:
            for number, body in enumerate(bodies):
                rows.put(VERSIONS, (b"", number, body))
            rows.put(LEDGER, (2**63 - 1, b"x"))
        with store.reading() as rows_read:
            for number, body in enumerate(bodies):
                same(rows_read.get(VERSIONS, b"", number), (b"", number, body))
            same(rows_read.get(LEDGER, 2**63 - 1), (2**63 - 1, b"x"))

    def test_put_replaces_the_row_with_its_key(self) -> None:
        """One row per key, and the rows beside it stay."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(VERSIONS, [(b"item", number, b"old") for number in (1, 2, 3)])
            rows.put(VERSIONS, (b"item", 2, b"new"))
            same([row[2] for row in rows.scan(VERSIONS, b"item")], [b"old", b"new", b"old"])

    def test_delete_removes_onerow_of(self) -> None:
        """Only the row with exactly this key."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(VERSIONS, [(b"item", number, b"body") for number in (1, 2, 3)])
            rows.delete(VERSIONS, b"item", 2)
        with store.reading() as rows_read:
            same([row[1] for row in rows_read.scan(VERSIONS, b"item")], [1, 3])

    def test_put_many_takes_any_iterable(self) -> None:
        """A generator of a thousand rows, and an empty one."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(AUDIT, (row_of(AUDIT, number) for number in range(1000)))
            rows.put_many(AUDIT, ())
        with store.reading() as rows_read:
            same(sum(1 for _ in rows_read.scan(AUDIT)), 1000)

    def test_what_no_row_can_hold_is_refused(self) -> None:
        """Too few or too many columns, a number for bytes, None, text, a number beyond 63 bits."""
        cases: tuple[tuple[tuple[object, ...], type[Exception]], ...] = (
            ((1, b"body"), TypeError),
            ((1, b"body", b"mac", b"more"), TypeError),
            ((1, 2, b"mac"), TypeError),
            ((1, None, b"mac"), TypeError),
            ((1, "text", b"mac"), TypeError),
            ((2**63, b"body", b"mac"), ValueError),
        )
        for row, expected in cases:
            store = self.published()
            with store.writing() as rows:
                raises(expected, rows.put, HEADER, row)
            with store.reading() as rows_read:
                same(list(rows_read.scan(HEADER)), [])

    def test_scan_goes_in_key_order(self) -> None:
        """Bytes compare as unsigned bytes, numbers as numbers, the first column first."""
        items = (LEAST, b"\x7f" * 16, b"\x80" * 16, GREATEST)
        keys = [(item, number) for item in items for number in (1, 2, 10, 256)]
        store = self.published()
        with store.writing() as rows:
            rows.put_many(VERSIONS, [(item, number, b"") for item, number in reversed(keys)])
            same([row[:2] for row in rows.scan(VERSIONS)], keys)

    def test_scan_takes_a_prefix_of_the_key(self) -> None:
        """Only rows whose leading columns are equal, not merely longer."""
        store = self.published()
        with store.writing() as rows:
            for parent in (b"a", b"ab", b"b"):
                rows.put_many(NODES, [(parent, token, b"", b"") for token in (b"1", b"2")])
            same([row[:2] for row in rows.scan(NODES, b"a")], [(b"a", b"1"), (b"a", b"2")])
            same([row[:2] for row in rows.scan(NODES, b"ab", b"2")], [(b"ab", b"2")])
            same(list(rows.scan(NODES, b"")), [])

    def test_pages_follow_one_another(self) -> None:
        """Pages together are the whole table in key order, none longer than asked for."""
        written = [(item, number, b"") for item in (LEAST, b"\x80" * 16, GREATEST) for number in (1, 2, 10, 256)]
        with self.published().writing() as rows:
            same(rows.page(VERSIONS, None, 5), [])
            rows.put_many(VERSIONS, written)
            same(rows.page(VERSIONS, None, 100), written)
            for start in range(len(written)):
                same(rows.page(VERSIONS, written[start][:2], 5), written[start + 1 : start + 6])

    def test_last_is_the_greatest_key(self) -> None:
        """With and without a prefix."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(AUDIT, [(writer, number, b"") for writer in (b"a", b"b") for number in (1, 2, 300)])
            same(rows.last(AUDIT), (b"b", 300, b""))
            same(rows.last(AUDIT, b"a"), (b"a", 300, b""))
            same(rows.last(AUDIT, b"c"), None)

    def test_scans_may_be_nested_and_abandoned(self) -> None:
        """A scan inside a scan, one of which is not read to its end; both see every row."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(OBJECTS, [(kind, bytes([number]), b"") for kind in (1, 2) for number in range(50)])
        with store.reading() as rows_read:
            for outer in rows_read.scan(OBJECTS, 1):
                next(iter(rows_read.scan(OBJECTS, 2)))
                same(rows_read.get(OBJECTS, *outer[:2]), outer)
