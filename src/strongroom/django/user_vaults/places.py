"""How many passwords are hashed at once in this process, and how many requests may wait for that.

A request that waits holds a thread of the web server. Were all of them to wait, no page would be
served: who comes while enough others wait is sent away at once, and nobody may take more than half of the room.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from threading import Lock
from time import monotonic

from strongroom.credentials.password_queue import PasswordQueue
from strongroom.errors import StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor


_AT_ONCE_SECONDS = 0.01


class NoPlace(Exception):
    """Too many are here already, or none became free in time; nothing was done."""


class Places:
    """Lets so many in, and so many more wait.

    Args:
        places: 1 or more.
        waiting: 0 or more.
        patience_seconds: how long one waits.
    """

    __slots__ = ("_by_client", "_inside", "_mutex", "_pool", "_queue", "most_inside", "most_of_one")

    def __init__(self, places: int, waiting: int, patience_seconds: float) -> None:
        self._queue = PasswordQueue(places, patience_seconds)
        self.most_inside = places + waiting
        self.most_of_one = max(1, self.most_inside // 2)
        self._mutex = Lock()
        self._inside = 0
        self._by_client: dict[bytes | None, int] = {}
        self._pool: ThreadPoolExecutor | None = None

    @contextmanager
    def enter(self, client: bytes | None) -> Iterator[None]:
        """Hold a place.

        Args:
            client: whose share is counted; None for nobody's.

        Raises: NoPlace.
        """
        self._come(client)
        try:
            # On an event loop nobody may wait: those who would leave their places run on it, too.
            taken = self._wait(_AT_ONCE_SECONDS if _is_on_event_loop() else None)
            try:
                yield
            finally:
                self._queue.leave(taken)
        finally:
            self._go(client)

    @asynccontextmanager
    async def aenter(self, client: bytes | None) -> AsyncIterator[None]:
        """As `enter`; the event loop goes on meanwhile."""
        import asyncio

        self._come(client)
        try:
            waiting = self._threads().submit(self._wait)
            try:
                taken = await asyncio.wrap_future(waiting)
            except asyncio.CancelledError:
                waiting.add_done_callback(self._leave_late)
                raise
            try:
                yield
            finally:
                self._queue.leave(taken)
        finally:
            self._go(client)

    def is_full(self, client: bytes | None) -> bool:
        """Whether *client* would be sent away now."""
        with self._mutex:
            return self._inside >= self.most_inside or self._by_client.get(client, 0) >= self.most_of_one

    def _wait(self, seconds: float | None = None) -> int:
        try:
            return self._queue.enter(1, None if seconds is None else monotonic() + seconds)
        except StoreUnavailable:
            raise NoPlace from None

    def _leave_late(self, waiting: Future[int]) -> None:
        """Give back the place of somebody who went away while it was waited for."""
        if not waiting.cancelled() and waiting.exception() is None:
            self._queue.leave(waiting.result())

    def _come(self, client: bytes | None) -> None:
        with self._mutex:
            if self._inside >= self.most_inside:
                raise NoPlace
            if client is not None:
                here = self._by_client.get(client, 0)
                if here >= self.most_of_one:
                    raise NoPlace
                self._by_client[client] = here + 1
            self._inside += 1

    def _go(self, client: bytes | None) -> None:
        with self._mutex:
            self._inside -= 1
            if client is not None:
                left = self._by_client[client] - 1
                if left:
                    self._by_client[client] = left
                else:
                    del self._by_client[client]

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        with self._mutex:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.most_inside, thread_name_prefix="strongroom-places")
            return self._pool


def _is_on_event_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
