"""``with store.reshaping(format)`` of the SQLite store: other tables, inside a write transaction."""

from __future__ import annotations

from strongroom.stores.sqlite_file import check_schema, table_sql
from strongroom.stores.sqlite_session import WRITING, Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

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
        for table in self._format.tables:
            if table not in session.format.tables:
                session.insist(table_sql(table))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return  # it is undone with the transaction
        session = self._session
        session.end_scans()
        for table in session.format.tables:
            if table not in self._format.tables:
                session.insist(f"DROP TABLE {table.name}")
        session.insist(f"PRAGMA user_version = {self._format.number}")
        check_schema(session.connection, session.path, self._format)
        session.former = session.former or session.format
        session.format = self._format
