"""Advisory locks of one vault: who may write at the same time, and under which number.

They are the session's and not the transaction's, because a transaction's moment would begin
before the lock was there. The server lets go of them when the connection ends, however it ends.
The transaction then takes them too, without waiting: what stands between program and server and
lends another session to each transaction would otherwise let writers do what they must do alone.
"""

from __future__ import annotations

from zlib import crc32

from strongroom.stores.interface import WRITERS_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.postgres_driver import Connection

_WHOLE = 0
"""The lock that a writer takes alone, or that writers beside one another share; n + 1 is of writer n."""


class Locks:
    """The locks of the vault in one schema.

    Args:
        schema: its name, and not its object id: a schema that was restored from a backup has another one.
    """

    UNLOCK = "SELECT pg_advisory_unlock_all()"

    __slots__ = ("_place",)

    def __init__(self, schema: str) -> None:
        number = crc32(schema.encode())
        # PostgreSQL's numbers of locks have a sign.
        self._place = number - (1 << 32) if number >= 1 << 31 else number

    def lock(self, connection: Connection, *, beside: bool, wanted: int) -> int:
        """Wait for the right to write.

        Args:
            beside: others may write at the same time.
            wanted: the number to take if it is free.

        Returns: the number of this writer.
        """
        place = self._place
        if not beside:
            # Nobody else has a number while this lock is held.
            connection.execute(f"SELECT pg_advisory_lock({place}, {_WHOLE})")
            return wanted
        numbers = ", ".join(map(str, dict.fromkeys((wanted, *range(WRITERS_MAX)))))
        cursor = connection.execute(
            f"SELECT pg_advisory_lock_shared({place}, {_WHOLE}); "
            f"SELECT n FROM unnest(ARRAY[{numbers}]) AS n WHERE pg_try_advisory_lock({place}, n + 1) LIMIT 1"
        )
        cursor.nextset()
        row = cursor.fetchone()
        if row is None:
            connection.execute(f"SELECT pg_advisory_lock({place}, {wanted + 1})")
            return wanted
        return int(row[0])

    def still(self, *, beside: bool, number: int) -> str:
        """The expression that takes the same locks until the transaction ends; true when nobody else has them."""
        if not beside:
            return f"pg_try_advisory_xact_lock({self._place}, {_WHOLE})"
        whole = f"pg_try_advisory_xact_lock_shared({self._place}, {_WHOLE})"
        return f"{whole} AND pg_try_advisory_xact_lock({self._place}, {number + 1})"
