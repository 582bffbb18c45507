"""Conformance of stores, third part: the tables of another format, made and dropped in one transaction."""

from __future__ import annotations

from strongroom.stores.interface import Table
from strongroom.stores.schema import HEADER, SLOTS, Format, newest
from strongroom.testing.store_suite import Planted, StoreSuite, raises, row_of, same

_NEW = Table(65_535, "conformance_new", (("id", "BLOB"), ("number", "INTEGER")), 1)


def _next_format() -> Format:
    """One table more, one less, and the next number."""
    tables = tuple(table for table in newest().tables if table is not SLOTS)
    return Format(newest().number + 1, (*tables, _NEW))


class FormatConformance(StoreSuite):
    """What an upgrade from one format to the next relies on."""

    def test_a_new_store_is_of_the_newest_format(self) -> None:
        """Before it is published, and for whoever opens it."""
        store, other = self.pair()
        same((store.format, other.format), (newest(), newest()))

    def test_both_formats_are_there_while_it_is_reshaped(self) -> None:
        """Rows can be moved from the tables that go to those that come; what stays, stays."""
        store = self.published()
        with store.writing() as rows:
            rows.put(HEADER, (1, b"body", b"mac"))
            rows.put(SLOTS, (b"id", b"record"))
        with store.writing() as rows:
            with store.reshaping(_next_format()):
                row = rows.get(SLOTS, b"id")
                rows.put(_NEW, (b"id", len(row or ())))
            same(store.format.number, newest().number + 1)
            same(list(rows.scan(_NEW)), [(b"id", 2)])
            same(rows.get(HEADER, 1), (1, b"body", b"mac"))
        same(store.format.number, newest().number + 1)

    def test_an_undone_reshaping_leaves_everything(self) -> None:
        """Tables, rows and format are those of before, and the store goes on."""
        store = self.published()
        with store.writing() as rows:
            rows.put(SLOTS, row_of(SLOTS, 1))
        for is_inside in (True, False):
            try:
                with store.writing() as rows:
                    with store.reshaping(_next_format()):
                        rows.put(_NEW, (b"id", 1))
                        if is_inside:
                            raise Planted
                    raise Planted
            except Planted:
                same(store.format, newest())
            with store.reading() as rows_read:
                same(list(rows_read.scan(SLOTS)), [row_of(SLOTS, 1)])
        with store.writing() as rows:
            rows.put(SLOTS, row_of(SLOTS, 2))

    def test_tables_change_inside_a_write_transaction_alone(self) -> None:
        """Outside of one it would be no step but many."""
        store = self.published()
        raises(RuntimeError, store.reshaping(_next_format()).__enter__)
        with store.reading():
            raises(RuntimeError, store.reshaping(_next_format()).__enter__)
