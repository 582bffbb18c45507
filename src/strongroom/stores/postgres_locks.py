"""Advisory locks of one vault: who may write at the same time, and under which number.

They are the session's and not the transaction's, because a transaction's moment would begin
before the lock was there. The server lets go of them when the connection ends, however it ends.
The transaction then takes them too, without waiting: what stands between program and server and
lends another session to each transaction would otherwise let writers do what they must do alone.
"""

from __future__ import annotations

from zlib import crc32

from strongroom.stores.interface import WRITERS_MAX, integer
from strongroom.stores.postgres_link import BIGINT, Statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.postgres_link import Link, Step

_WHOLE = 0
"""The lock that a writer takes alone, or that writers beside one another share; n + 1 is of writer n."""


class Locks:
    """The locks of the vault in one schema.

    Args:
        schema: its name, and not its object id: a schema that was restored from a backup has another one.
    """

    UNLOCK = Statement(b"SELECT pg_advisory_unlock_all()")

    __slots__ = ("_alone", "_another", "_free", "_number", "_place", "_shared")

    def __init__(self, schema: str) -> None:
        number = crc32(schema.encode())
        # PostgreSQL's numbers of locks have a sign.
        self._place = place = number - (1 << 32) if number >= 1 << 31 else number
        self._alone = Statement(b"SELECT pg_advisory_lock(%d, %d)" % (place, _WHOLE))
        self._shared = Statement(b"SELECT pg_advisory_lock_shared(%d, %d)" % (place, _WHOLE))
        self._free = Statement(
            b"SELECT pg_try_advisory_lock(%d, $1::int + 1)::int::bigint" % place, (BIGINT,), (BIGINT,)
        )
        self._another = Statement(
            b"SELECT n::bigint FROM generate_series(0, %d) AS n WHERE pg_try_advisory_lock(%d, n + 1) LIMIT 1"
            % (WRITERS_MAX - 1, place),
            gives=(BIGINT,),
        )
        self._number = Statement(b"SELECT pg_advisory_lock(%d, $1::int + 1)" % place, (BIGINT,))

    def taking(self, *, beside: bool, wanted: int) -> list[Step]:
        """The steps that wait for the right to write.

        Args:
            beside: others may write at the same time.
            wanted: the number to take.

        Returns: steps, the last of which is answered with 0 when somebody else has that number; see `another`.
        """
        if not beside:
            # Nobody else has a number while this lock is held.
            return [(self._alone, ())]
        return [(self._shared, ()), (self._free, (wanted,))]

    def another(self, link: Link, wanted: int) -> int:
        """Take a number that is free, or wait for *wanted*; the lock that writers share is held already."""
        found = link.ask(self._another)
        if found:
            return integer(found[0], 0)
        link.travel([(self._number, (wanted,))])
        return wanted

    def still(self, *, beside: bool) -> str:
        """The expression that takes the same locks until the transaction ends; true when nobody else has them.

        Its parameter, where others write at the same time, is the number.
        """
        if not beside:
            return f"pg_try_advisory_xact_lock({self._place}, {_WHOLE})"
        whole = f"pg_try_advisory_xact_lock_shared({self._place}, {_WHOLE})"
        return f"{whole} AND pg_try_advisory_xact_lock({self._place}, $1::int + 1)"
