"""How a transaction begins: locks for who writes, then the moment, then a look at the commits; one journey."""

from __future__ import annotations

from strongroom.stores import postgres_driver
from strongroom.stores.interface import integer
from strongroom.stores.postgres_link import BIGINT, ROLLBACK, SYNC, Statement
from strongroom.stores.postgres_locks import Locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.stores.interface import Row
    from strongroom.stores.postgres_address import Address
    from strongroom.stores.postgres_link import Link, Step
    from strongroom.stores.postgres_looking import Looking
    from strongroom.stores.postgres_servers import Servers

    Begun = tuple[object, int, bool]

_READING = Statement(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
_WRITING = Statement(b"BEGIN ISOLATION LEVEL REPEATABLE READ")


class Beginning:
    """What one store's transactions begin with.

    Attributes:
        writer: the number of the writer that it was last; see `interface.Writing.writer`.
    """

    __slots__ = ("_location", "_locks", "_look", "_look_alone", "_look_beside", "_looking", "_servers", "writer")

    def __init__(self, address: Address, looking: Looking, servers: Servers) -> None:
        self._location = address.location
        self._looking = looking
        self._servers = servers
        self._locks = locks = Locks(address.schema)
        self._look = looking.look()
        self._look_alone = looking.look(locks.still(beside=False))
        self._look_beside = looking.look(locks.still(beside=True), (BIGINT,))
        self.writer = 0

    def read(self, link: Link) -> Begun:
        """Begin to see one moment.

        Returns: the number of the vault's format, and what `Looking.seen` says of that moment.
        Raises: psycopg.Error.
        """
        own = self._looking.own
        return self._seen(link.travel([(_READING, ()), (self._look, ())])[-1], own)

    def write(self, link: Link, *, beside: bool) -> Begun:
        """Become the only writer, or one of several, and begin after that.

        Returns: the number of the vault's format, and what `Looking.seen` says of that moment.
        Raises:
            psycopg.Error
            StoreUnavailable: the locks are another session's.
        """
        own, locks = self._looking.own, self._locks
        look: Step = (self._look_beside, (self.writer,)) if beside else (self._look_alone, ())
        taking = locks.taking(beside=beside, wanted=self.writer)
        # What waits for a lock has no moment yet: that begins behind it, with the look.
        answers = link.travel([*taking, (SYNC, ()), (_WRITING, ()), look])
        if beside and not integer(answers[len(taking) - 1][0], 0):
            link.travel([(ROLLBACK, ())])
            self.writer = locks.another(link, self.writer)
            own = self._looking.own
            answers = link.travel([(_WRITING, ()), (self._look_beside, (self.writer,))])
        return self._seen(answers[-1], own)

    def _seen(self, answer: Sequence[Row], own: int) -> Begun:
        number, count, is_held = answer[0]
        token, is_behind = self._looking.seen(integer((count,), 0), own, made=self._servers.made)
        if not is_held:
            raise postgres_driver.lent(self._location)
        return number, token, is_behind
