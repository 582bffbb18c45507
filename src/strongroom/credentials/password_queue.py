"""How many passwords are hashed at once, so that a flood of logins waits instead of taking all memory.

Places are counted in hashes of the usual cost: a stored string that wants four times the
memory takes four places, and one that wants more than there is runs alone. Who waits too
long is sent away with an error, before any work.
"""

from __future__ import annotations

import os
from collections import deque
from threading import Condition
from time import monotonic
from weakref import WeakMethod

from strongroom.errors import StoreUnavailable


class PasswordQueue:
    """Lets at most so many in.

    Args:
        places: 1 or more.
        patience_seconds: how long one waits.
    """

    __slots__ = ("__weakref__", "_condition", "_free", "_waiting", "patience_seconds", "places")

    def __init__(self, places: int, patience_seconds: float) -> None:
        if places < 1:
            raise ValueError("at least one password is hashed at a time")
        self.places = places
        self.patience_seconds = patience_seconds
        self._begin()
        if hasattr(os, "register_at_fork"):
            # Who is in here at a fork is not in the child, and would never leave there.
            begin = WeakMethod(self._begin)
            os.register_at_fork(after_in_child=lambda: (call := begin()) and call())

    def _begin(self) -> None:
        self._free = self.places
        self._condition = Condition()
        # First come, first served: a string that takes many places is not overtaken for ever.
        self._waiting: deque[object] = deque()

    def enter(self, wanted: int, until: float | None = None) -> int:
        """Wait for *wanted* places.

        Args:
            until: of the monotonic clock, when waiting began elsewhere.

        Returns: the places taken, to `leave` with.
        Raises: StoreUnavailable: none became free in time; transient.
        """
        taken = max(1, min(wanted, self.places))
        until = monotonic() + self.patience_seconds if until is None else until
        ticket = object()
        with self._condition:
            self._waiting.append(ticket)
            try:
                _check_patience(until)
                while self._waiting[0] is not ticket or self._free < taken:
                    self._condition.wait(until - monotonic())
                    _check_patience(until)
            finally:
                self._waiting.remove(ticket)
                self._condition.notify_all()
            self._free -= taken
        return taken

    def leave(self, taken: int) -> None:
        """Give the places back."""
        with self._condition:
            self._free += taken
            self._condition.notify_all()


def _check_patience(until: float) -> None:
    if monotonic() >= until:
        raise StoreUnavailable(
            "too many passwords are being checked at once", advice="try again in a moment", is_transient=True
        )
