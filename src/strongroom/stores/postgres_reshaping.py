"""``with store.reshaping(format)`` of the PostgreSQL store: other tables, inside a write transaction."""

from __future__ import annotations

from strongroom.stores import postgres_driver, postgres_schema
from strongroom.stores.postgres_session import Session
from strongroom.stores.postgres_transaction import WRITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from strongroom.stores.postgres_driver import Connection
    from strongroom.stores.schema import Format


class Reshaping:
    """Makes the tables that are new, and at the end drops those that are gone; see `interface.Store.reshaping`."""

    __slots__ = ("_format", "_session")

    def __init__(self, session: Session, format: Format) -> None:
        self._session = session
        self._format = format

    def __enter__(self) -> None:
        session = self._session
        if not session.depth or session.state != WRITING:
            raise RuntimeError("tables are changed inside a write transaction")
        self._run(self._make_new)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return  # it is undone with the transaction
        session = self._session
        self._run(self._drop_old)
        session.former = session.former or session.format
        session.format = self._format

    def _run(self, change: Callable[[Connection], None]) -> None:
        session = self._session
        session.hand_over()
        try:
            change(session.link.connection)
        except postgres_driver.load().Error as error:
            raise session.failed(error) from None

    def _make_new(self, connection: Connection) -> None:
        for table in self._format.tables:
            if table not in self._session.format.tables:
                postgres_schema.make_table(connection, self._session.address.schema, table)

    def _drop_old(self, connection: Connection) -> None:
        name = self._session.address.schema
        for table in self._session.format.tables:
            if table not in self._format.tables:
                postgres_schema.drop_table(connection, name, table)
        postgres_schema.set_format(connection, name, self._format)
        postgres_schema.check_tables(connection, name, self._session.location, self._format)
