"""Advisory locks of one vault: who may write at the same time, and under which number.

They are the session's and not the transaction's, because a transaction's moment would begin
before the lock was there. The server lets go of them when the connection ends, however it ends.
"""

from __future__ import annotations

from strongroom.stores.interface import WRITERS_MAX
from strongroom.stores.postgres_schema import no_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.postgres_driver import Connection

_WHOLE = 0
"""The lock that a writer takes alone, or that writers beside one another share; n + 1 is of writer n."""


class Locks:
    """The locks of the vault in one schema.

    Args:
        schema_id: the schema's object id, under which the locks are.
    """

    UNLOCK = "SELECT pg_advisory_unlock_all()"

    __slots__ = ("_schema_id",)

    def __init__(self, schema_id: int) -> None:
        # PostgreSQL counts objects without a sign, and locks with one.
        self._schema_id = schema_id - (1 << 32) if schema_id >= 1 << 31 else schema_id

    @classmethod
    def of(cls, connection: Connection, schema: str, location: str) -> Locks:
        """Those of *schema*.

        Raises: VaultNotFound: there is no such schema.
        """
        row = connection.execute("SELECT oid::bigint FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
        if row is None:
            raise no_vault(location)
        return cls(int(row[0]))

    def lock(self, connection: Connection, *, beside: bool, wanted: int) -> int:
        """Wait for the right to write.

        Args:
            beside: others may write at the same time.
            wanted: the number to take if it is free.

        Returns: the number of this writer.
        """
        place = self._schema_id
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
