"""Connections to one server, made when they are needed and kept for the next who needs one.

Without threads of its own, so that a program may fork and a command line start quickly: why not
psycopg_pool is in docs/decisions/0023.
"""

from __future__ import annotations

from threading import Condition

from strongroom.errors import StoreUnavailable
from strongroom.stores import postgres_driver
from strongroom.stores.postgres_link import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weakref import ref

    from strongroom.stores.postgres_driver import Connection

CONNECTIONS_MAX = 32
"""Of one store, at the same time."""
_PATIENCE_SECONDS = 60.0
_IDLE = 0
"""PQTRANS_IDLE; source: libpq-fe.h."""
# Nothing planted on the search path takes the place of an operator. The others end what a client that has
# vanished or stands still holds up: its locks, and the rows that nobody can clean away meanwhile.
_SETTINGS = """
SET search_path = pg_catalog, pg_temp;
SET lock_timeout = '60s';
SET idle_in_transaction_session_timeout = '120s';
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '10s';
SET client_min_messages = error
"""

# A child must not end what its parent is using, not even by the garbage collector: libpq would say goodbye.
_abandoned: list[Link] = []


class Pool:
    """Connections with the same parameters, for the process that made them; a child begins with `abandon`.

    Attributes:
        made: how many were made so far; a new one may lead to another server.
    """

    __slots__ = ("_condition", "_idle", "_is_closed", "_location", "_making", "_options", "_taken", "made")

    def __init__(self, options: dict[str, str], location: str) -> None:
        self._options = options
        self._location = location
        self.made = 0
        self._is_closed = False
        self._begin()

    def _begin(self) -> None:
        # Only who waits for a connection, or makes one, needs it: the rest are single steps of a list and a set.
        self._condition = Condition()
        self._idle: list[Link] = []
        # Weakly: one that an interrupt made its taker forget is not counted for ever.
        self._taken: set[ref[Link]] = set()
        self._making = 0

    def take(self) -> Link:
        """A connection for one caller alone, who gives it back.

        Raises: StoreUnavailable, Denied, VaultNotFound: no connection can be made.
        """
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                return self._make()
            if not link.closed:
                self._taken.add(link.me)
                return link

    def _make(self) -> Link:
        with self._condition:
            if not self._condition.wait_for(self._has_room, _PATIENCE_SECONDS):
                raise StoreUnavailable(f"{self._location}: all connections are in use", is_transient=True)
            try:
                link = self._idle.pop()
                self._taken.add(link.me)
                return link
            except IndexError:
                self._making += 1
        # Not while others wait for the condition: where nobody answers, each of them would have to wait for all.
        made = 0
        try:
            link = Link(self._connect(), self._location)
            self._taken.add(link.me)
            made = 1
            return link
        finally:
            with self._condition:
                self._making -= 1
                self.made += made
                self._condition.notify()

    def _has_room(self) -> bool:
        if self._idle or len(self._taken) + self._making < CONNECTIONS_MAX:
            return True
        self._taken.difference_update([me for me in self._taken.copy() if me() is None])
        return len(self._taken) + self._making < CONNECTIONS_MAX

    def give(self, link: Link) -> None:
        """Give a connection back; one in a transaction, or after a Ctrl-C in a request, is of no use to others."""
        if link.me not in self._taken:
            return  # a parent's
        self._taken.discard(link.me)
        if self._is_closed or link.status != _IDLE:
            link.close()
        else:
            link.let_answer_go()
            link.is_kept = True
            self._idle.append(link)
        if len(self._taken) + self._making >= CONNECTIONS_MAX - 1:
            with self._condition:
                self._condition.notify()

    def drop_idle(self) -> None:
        """Let go of the others after one was found dead: they lead to the same server."""
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                return  # also when somebody else has just taken the last one
            link.close()

    def abandon(self) -> None:
        """In a child: leave the parent's connections alone, and begin anew."""
        taken = [link for me in self._taken if (link := me()) is not None]
        _abandoned.extend((*self._idle, *taken))
        self._begin()

    def close(self) -> None:
        """Close what nobody uses; the rest follows when it is given back."""
        self._is_closed = True
        self.drop_idle()

    def _connect(self) -> Connection:
        psycopg = postgres_driver.load()
        try:
            connection: Connection = psycopg.connect(autocommit=True, **self._options)
        except psycopg.Error as error:
            raise postgres_driver.refused(error, self._location) from None
        try:
            connection.execute(_SETTINGS)
        except psycopg.Error as error:
            connection.close()
            raise postgres_driver.translate(error, self._location) from None
        except BaseException:
            connection.close()
            raise
        return connection
