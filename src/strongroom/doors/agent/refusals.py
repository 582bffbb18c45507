"""How many refused requests of others are written down one by one, so that nobody fills the disk by asking.

What is not written down is counted, and the counts are. Reads that succeed are never among them.
"""

from __future__ import annotations

AT_ONCE = 100
"""Refused requests of one user that are each written down; then one more each `EVERY_SECONDS`."""
EVERY_SECONDS = 10.0
AT_ONCE_OF_ALL = 1_000
EVERY_SECONDS_OF_ALL = 4.0
"""The same for all other users together: at most 22,600 lines a day, which is 9 MB."""
TELLING_SECONDS = 60.0
TOLD_MAX = 16
"""So many users are named with their counts each minute; the rest are counted together."""
_USERS_MAX = 1_024


class Allowance:
    """So many at once, and one more each so many seconds.

    Args:
        now: in any seconds that only go forward, as below.
    """

    __slots__ = ("_at", "_every", "_left", "_most")

    def __init__(self, most: int, every: float, now: float) -> None:
        self._most = most
        self._every = every
        self._left = float(most)
        self._at = now

    def is_left(self, now: float) -> bool:
        """Whether there is one."""
        self._left = min(self._most, self._left + (now - self._at) / self._every)
        self._at = now
        return self._left >= 1

    def is_full(self, now: float) -> bool:
        """Whether it is as if nobody had ever taken one."""
        return self.is_left(now) and self._left >= self._most

    def take(self) -> None:
        """Use one that is left."""
        self._left -= 1


class Refusals:
    """Counts refused requests by user."""

    def __init__(self, now: float) -> None:
        self._all = Allowance(AT_ONCE_OF_ALL, EVERY_SECONDS_OF_ALL, now)
        self._users: dict[int, Allowance] = {}
        self._counts: dict[int, int] = {}
        self._told = now
        self._swept = now - EVERY_SECONDS

    def admits(self, uid: int, now: float) -> bool:
        """Whether this refusal is to be written down; else it is counted."""
        allowance = self._users.get(uid) or self._add(uid, now)
        if allowance is not None and allowance.is_left(now) and self._all.is_left(now):
            allowance.take()
            self._all.take()
            return True
        self._count(uid, 1)
        return False

    def _count(self, uid: int, number: int) -> None:
        uid = uid if uid in self._counts or len(self._counts) < _USERS_MAX else -1
        self._counts[uid] = self._counts.get(uid, 0) + number

    def _add(self, uid: int, now: float) -> Allowance | None:
        """A new user's allowance; None when there are too many users at the moment."""
        if len(self._users) >= _USERS_MAX and now - self._swept >= EVERY_SECONDS:
            self._swept = now
            for known in [one for one, allowance in self._users.items() if allowance.is_full(now)]:
                del self._users[known]
        if len(self._users) >= _USERS_MAX:
            return None
        allowance = self._users[uid] = Allowance(AT_ONCE, EVERY_SECONDS, now)
        return allowance

    def is_due(self, now: float) -> bool:
        """Whether there are counts to be told of."""
        return bool(self._counts) and now - self._told >= TELLING_SECONDS

    def take_counts(self, now: float) -> list[tuple[int, int]]:
        """What was counted and not told, as uid and number, the largest first; -1 stands for all further users."""
        self._told = now
        counts, self._counts = self._counts, {}
        rest = counts.pop(-1, 0)
        ranked = sorted(counts.items(), key=lambda one: one[1], reverse=True)
        rest += sum(count for _uid, count in ranked[TOLD_MAX:])
        return [*ranked[:TOLD_MAX], *([(-1, rest)] if rest else [])]

    def put_back(self, counts: list[tuple[int, int]]) -> None:
        """What was taken could not be told: it is told with what comes until the next time."""
        for uid, number in counts:
            self._count(uid, number)
