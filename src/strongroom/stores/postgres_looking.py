"""Whether anybody else has committed: the count of all commits, without those of this program.

The count lies in a table of its own and belongs to the moment of the transaction that reads it.
Where the URL says ``cached_reads=SECONDS``, a connection that listens is told of commits, and
until then, or until the time is over, nobody asks the server.
"""

from __future__ import annotations

from time import monotonic

from strongroom.stores import postgres_driver
from strongroom.stores.postgres_link import BIGINT, Statement
from strongroom.stores.postgres_schema import COMMITS_TABLE, FORMAT_TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.postgres_address import Address
    from strongroom.stores.postgres_driver import Connection
    from strongroom.stores.postgres_link import Link
    from strongroom.stores.postgres_pool import Pool


class Looking:
    """What one store has seen of a vault's commits.

    Attributes:
        token: of the last look.
        count: the expression for the number of all commits.
        counted: the question for it.
        counting: the statement that counts a commit of a writer.
        telling: the statement that tells listeners of a commit.
    """

    def __init__(self, address: Address) -> None:
        from psycopg import sql

        commits = sql.Identifier(address.schema, COMMITS_TABLE)
        form = sql.Identifier(address.schema, FORMAT_TABLE)
        channel = channel_of(address.schema)
        self._location = address.location
        self.count = f"(SELECT coalesce(sum(number), 0)::bigint FROM {commits.as_string()})"
        self.counted = Statement(f"SELECT {self.count}".encode(), gives=(BIGINT,))
        self._look = f"SELECT (SELECT number::bigint FROM {form.as_string()}), {self.count}"
        self.counting = Statement(
            f"INSERT INTO {commits.as_string()} AS c VALUES ($1, 1)"
            " ON CONFLICT (writer) DO UPDATE SET number = c.number + 1".encode(),
            (BIGINT,),
        )
        self.telling = Statement(f"SELECT pg_notify({sql.Literal(channel).as_string()}, '')".encode())
        self._listened = sql.Identifier(channel).as_string()
        self._cached_seconds = address.cached_seconds
        self._listener: Link | None = None
        self._looked_at = 0.0
        self._own = 0
        self._newest = 0
        self.token = 0

    def look(self, condition: str = "true", takes: tuple[int, ...] = ()) -> Statement:
        """The question for the number of the vault's format, that of all commits, and whether a condition is met.

        Args:
            condition: an expression, which is looked at in the same moment.
            takes: the types of its parameters.
        """
        return Statement(f"{self._look}, ({condition})::int::bigint".encode(), takes, (BIGINT, BIGINT, BIGINT))

    def format_number(self, connection: Connection) -> object:
        """The number of the vault's format, outside a transaction."""
        row = connection.execute(self._look, prepare=False).fetchone()
        assert row is not None  # noqa: S101 - a SELECT of expressions has one row
        return row[0]

    @property
    def own(self) -> int:
        """How often this store has committed; ask before looking, so that no other's commit passes for its own."""
        return self._own

    def seen(self, count: int, own: int, *, made: int) -> tuple[int, bool]:
        """Take in a number of commits; other threads may do so at the same time.

        Returns: the token, and whether the server that answered has seen less than another one before.
        """
        newest = self._newest
        if count > newest:
            self._newest = count
        if self._cached_seconds:
            self._looked_at = monotonic()
        self.token = token = made << 48 | (count - own) & 0xFFFF_FFFF_FFFF
        return token, count < newest

    def committed(self) -> None:
        """A commit of this store has happened."""
        self._own += 1
        self._newest += 1

    def count_on(self, count: int) -> None:
        """Take for behind, from now on, a server that knows of fewer commits than there were after this store's last.

        Others may have committed beside it, and a replica may have theirs without it.
        """
        self._newest = max(self._newest, count)

    def is_cached(self, pool: Pool) -> bool:
        """Whether the last look still holds, as far as the URL lets that be believed without asking.

        Raises: StoreUnavailable, Denied: there is no connection to listen on.
        """
        if not self._cached_seconds:
            return False
        listener = self._listener
        if listener is None or listener.closed:
            self.close(pool)
            self._listen(pool)
            return False
        try:
            is_told = listener.told()
        except postgres_driver.load().Error:
            # The server was restarted, or the network was away: its place in the pool is for the next one.
            self.close(pool)
            return False
        return not is_told and monotonic() - self._looked_at < self._cached_seconds

    def abandon(self) -> None:
        """In a child: the parent listens on."""
        self._listener = None

    def close(self, pool: Pool) -> None:
        """Listen no more."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
            pool.give(listener)

    def _listen(self, pool: Pool) -> None:
        # One of the pool's own, which closes it; what was committed before is seen by the look that follows.
        listener = pool.take()
        try:
            listener.connection.execute(f"LISTEN {self._listened}")
        except postgres_driver.load().Error as error:
            listener.close()
            pool.give(listener)
            raise postgres_driver.translate(error, self._location) from None
        self._listener = listener


def channel_of(schema: str) -> str:
    """The channel on which commits to the vault in this schema are told; a name of at most 63 bytes."""
    name = f"strongroom {schema}".encode()
    return name[:63].decode("utf-8", "ignore")
