"""Everybody who is connected: who has to give way, who takes too long, and whose bytes are too many.

What a connection may hold in memory is bounded for itself, for everybody who is not the owner
together, and for all.
"""

from __future__ import annotations

from strongroom.remote.messages import BODY_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.doors.agent.connection import Connection
    from strongroom.vault.policy import Principal

OTHERS_BODY_BYTES_MAX = 1024 * 1024
"""The longest body of a client that is not the owner: a deposit, not a file store."""
OTHERS_BUFFERED_MAX = 8 * 1024 * 1024
BUFFERED_MAX = 32 * 1024 * 1024
"""What all clients together may have in flight, beyond the one that is being answered."""


class Crowd:
    """The connections, by descriptor.

    Args:
        owner_uid: who may do everything.
        most: so many connections fit.
    """

    def __init__(self, owner_uid: int, *, most: int) -> None:
        self._owner_uid = owner_uid
        self._most = most
        self._connections: dict[int, Connection] = {}
        self.get = self._connections.get

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections.values()))

    def __contains__(self, connection: Connection) -> bool:
        return self._connections.get(connection.descriptor) is connection

    @property
    def is_full(self) -> bool:
        """Whether somebody has to give way before the next one comes in."""
        return len(self._connections) >= self._most

    def body_bytes_max(self, principal: Principal) -> int:
        """How long a body *principal* may send."""
        return BODY_BYTES_MAX if principal.uid == self._owner_uid else OTHERS_BODY_BYTES_MAX

    def add(self, connection: Connection) -> None:
        """Take in a new one."""
        self._connections[connection.descriptor] = connection

    def remove(self, connection: Connection) -> bool:
        """Whether it was still here."""
        return self._connections.pop(connection.descriptor, None) is not None

    def first_to_go(self) -> Connection | None:
        """Of the user with the most connections, the one that was longest without a request."""
        counts: dict[int, int] = {}
        for connection in self._connections.values():
            counts[connection.principal.uid] = counts.get(connection.principal.uid, 0) + 1
        if not counts:
            return None
        greedy = max(counts, key=lambda uid: counts[uid])
        theirs = [one for one in self if one.principal.uid == greedy and not one.is_waiting]
        return min(theirs, key=lambda one: (not one.is_idle, one.used)) if theirs else None

    def overdue(self, now: float) -> list[Connection]:
        """Those whose time is over."""
        return [one for one in self._connections.values() if one.deadline < now and not one.is_waiting]

    def is_too_much(self, connection: Connection) -> bool:
        """Whether this client's bytes are the ones for which there is no room."""
        others = 0
        everybody = 0
        for one in self._connections.values():
            everybody += one.buffered
            if one.principal.uid != self._owner_uid:
                others += one.buffered
        # One answer may be longer than all that is allowed: an item holds 16 MiB. Then it is the only one.
        own = connection.buffered if connection.is_sending else 0
        is_owner = connection.principal.uid == self._owner_uid
        return everybody - own > BUFFERED_MAX if is_owner else others - own > OTHERS_BUFFERED_MAX
