"""Waiting for one socket where the system has no poll(2), as Windows: the same words over select(2)."""

from __future__ import annotations

import select

# As poll(2) numbers them on Linux, macOS and the BSDs.
POLLIN = 1
POLLOUT = 4


class Select:
    """As `select.poll`, for one socket."""

    __slots__ = ("_events", "_socket")

    def register(self, socket: int, events: int) -> None:
        """Wait for *events* of *socket*."""
        self._socket, self._events = socket, events

    modify = register

    def poll(self, timeout_ms: float | None = None) -> list[tuple[int, int]]:
        """What has come, within so many milliseconds; None: whenever it comes. An error counts as input."""
        waits = [self._socket]
        writers = waits if self._events & POLLOUT else []
        seconds = None if timeout_ms is None else timeout_ms / 1000
        readable, writable, failed = select.select(waits, writers, waits, seconds)
        found = (POLLIN if readable or failed else 0) | (POLLOUT if writable else 0)
        return [(self._socket, found)] if found else []
