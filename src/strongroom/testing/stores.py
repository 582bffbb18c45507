"""The conformance suite of stores: what the vault relies on, as test methods to inherit.

    class TestMyStore(StoreConformance):
        @pytest.fixture(autouse=True)
        def _place(self, tmp_path):
            self.directory = str(tmp_path)

        def new_store(self):
            return MyStore.create(os.path.join(self.directory, os.urandom(4).hex()))

        def another(self, store):
            return MyStore.open(store.location)

Any test runner that calls ``test_*`` methods of a class will do; pytest is not imported.
The suite closes what `new_store` and `another` made in ``teardown_method``.
"""

from __future__ import annotations

import os

from strongroom.errors import Conflict, StrongroomError
from strongroom.stores.schema import HEADER, NODES, SLOTS
from strongroom.testing.store_formats import FormatConformance
from strongroom.testing.store_rows import RowConformance
from strongroom.testing.store_suite import raises, row_of, same
from strongroom.testing.store_transactions import TransactionConformance


class StoreConformance(RowConformance, TransactionConformance, FormatConformance):
    """Everything that the vault relies on; see the top of this file for how to use it."""

    def test_a_store_is_invisible_until_it_is_published(self) -> None:
        """Nobody can open it before; afterwards it holds what was written before; again is harmless."""
        store = self.keep(self.new_store())
        with store.writing() as rows:
            rows.put(HEADER, (1, b"body", b"mac"))
        store.publish()
        store.publish()
        with self.keep(self.another(store)).reading() as rows_read:
            same(rows_read.get(HEADER, 1), (1, b"body", b"mac"))

    def test_scrub_leaves_everyrow_of(self) -> None:
        """Rows are the same before and after."""
        store = self.published()
        with store.writing() as rows:
            rows.put_many(SLOTS, [(bytes([number]), os.urandom(5000)) for number in range(20)])
            rows.delete(SLOTS, b"\x03")
        with store.reading() as rows_read:
            before = list(rows_read.scan(SLOTS))
        store.scrub()
        with store.reading() as rows_read:
            same(list(rows_read.scan(SLOTS)), before)

    def test_a_backup_is_whole_and_never_overwrites(self) -> None:
        """It is made while a reader and a writer are at work, in one new file."""
        store, other = self.pair()
        with store.writing() as rows:
            rows.put_many(NODES, [row_of(NODES, number) for number in range(500)])
        target = os.path.join(self.directory, "backup")
        with other.reading() as rows_read:
            rows_read.get(HEADER, 1)
            store.backup(target)
        raises(Conflict, store.backup, target)
        same(os.stat(target).st_mode & 0o777 if os.name != "nt" else 0o600, 0o600)
        same([name for name in os.listdir(self.directory) if name.startswith((".backup", "backup"))], ["backup"])

    def test_a_closed_store_says_so(self) -> None:
        """Closing twice is harmless; every use afterwards is an error of ours."""
        store = self.published()
        store.close()
        store.close()
        raises(StrongroomError, store.reading().__enter__)
        raises(StrongroomError, store.writing().__enter__)
        raises(StrongroomError, store.change_token)

    def test_the_location_is_fit_for_messages(self) -> None:
        """One printable line."""
        location = self.published().location
        same((bool(location), location.isprintable()), (True, True))
