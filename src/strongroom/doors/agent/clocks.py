"""Two clocks that nobody can turn back: one for how long, one for what date.

Setting the machine's clock must neither lengthen the agent's life nor revive a grant or value
that has expired.
"""

from __future__ import annotations

import time

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds() -> float:
    """Seconds since the machine started, also those that it slept."""
    return time.clock_gettime(_BOOT)


class Dates:
    """µs since 1970 UTC, never less than before, and never standing still while the machine's clock is behind."""

    __slots__ = ("_at", "_newest")

    def __init__(self) -> None:
        self._newest = 0
        self._at = seconds()

    def now_us(self) -> int:
        """The date, in µs since 1970 UTC."""
        at = seconds()
        passed = self._newest + int((at - self._at) * 1_000_000)
        self._newest = max(time.time_ns() // 1000, passed)
        self._at = at
        return self._newest

    def not_before(self, date_us: int) -> None:
        """Take in a date that has certainly been reached, such as that of the newest commit."""
        if self.now_us() < date_us:
            self._newest = date_us


class Lifetime:
    """How long the keys may stay in memory.

    Args:
        whole: seconds from now; None for no end.
        idle: seconds without use; None for no such end.
    """

    __slots__ = ("_end", "_idle", "_used")

    def __init__(self, whole: float | None = None, idle: float | None = None) -> None:
        self._used = seconds()
        self._end = None if whole is None else self._used + whole
        self._idle = idle

    def use(self) -> None:
        """Say that the keys were used; an end that has passed stays passed."""
        if self._idle is None:
            return
        now = seconds()
        if not self.is_over(now):
            self._used = now

    def left(self, now: float | None = None) -> float | None:
        """Seconds until the keys go; None when there is no end."""
        now = seconds() if now is None else now
        ends = []
        if self._end is not None:
            ends.append(self._end - now)
        if self._idle is not None:
            ends.append(self._used + self._idle - now)
        return min(ends, default=None)

    def is_over(self, now: float | None = None) -> bool:
        """Whether the keys must be gone by now."""
        if self._end is None and self._idle is None:
            return False
        left = self.left(now)
        return left is not None and left <= 0
