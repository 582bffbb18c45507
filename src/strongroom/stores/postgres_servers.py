"""Where a store's questions go: one server, or a replica for what reads and the primary for what writes."""

from __future__ import annotations

from strongroom.stores import postgres_driver
from strongroom.stores.postgres_pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.stores.interface import Row, Table
    from strongroom.stores.postgres_address import Address
    from strongroom.stores.postgres_link import Statement


class Servers:
    """The connections of one store.

    Attributes:
        reading: to whoever may answer what reads.
        writing: to the server that takes writes; the same object where that is one.
    """

    __slots__ = ("_location", "_schema", "reading", "writing")

    def __init__(self, address: Address) -> None:
        self._location = address.location
        self._schema = address.schema
        self.reading = Pool(address.reading, address.location)
        is_one = address.writing is address.reading
        self.writing = self.reading if is_one else Pool(address.writing, address.location)

    @property
    def are_two(self) -> bool:
        """Whether reads may go to another server than writes."""
        return self.reading is not self.writing

    @property
    def made(self) -> int:
        """How many connections were made; a new one may lead to another server."""
        return self.reading.made + self.writing.made

    def ask_primary(self) -> bool:
        """Read from where writes go from now on; False if that is so already."""
        replicas = self.reading
        self.reading = self.writing
        if replicas is self.writing:
            return False
        replicas.close()
        return True

    def ask(self, statement: Statement, parameters: Sequence[object], *, of_primary: bool = False) -> list[Row]:
        """The answer, of one row or more, to a question outside all transactions; several threads may ask at once.

        Raises: StoreUnavailable, Denied, Tampered.
        """
        pool = self.writing if of_primary else self.reading
        while True:
            link = pool.take()
            try:
                return link.ask(statement, parameters)
            except postgres_driver.load().Error as error:
                if link.closed:
                    # The others lead to the same server, which was restarted, or the network was away.
                    pool.drop_idle()
                if not postgres_driver.is_stale(error, link):
                    raise postgres_driver.translate(error, self._location) from None
            finally:
                pool.give(link)

    def clean(self, table: Table) -> None:
        """Have the server clean up the deleted rows of one table.

        Raises: StoreUnavailable, Denied.
        """
        from psycopg import sql

        link = self.writing.take()
        try:
            link.connection.execute(sql.SQL("VACUUM {}").format(sql.Identifier(self._schema, table.name)))
        except postgres_driver.load().Error as error:
            raise postgres_driver.translate(error, self._location) from None
        finally:
            self.writing.give(link)

    def abandon(self) -> None:
        """In a child: leave the parent's connections alone."""
        self.reading.abandon()
        self.writing.abandon()

    def close(self) -> None:
        """Let go of all connections."""
        self.reading.close()
        self.writing.close()
