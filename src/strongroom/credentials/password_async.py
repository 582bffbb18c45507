"""The async twins of the hasher: in threads of its own, as many as it hashes at once.

The event loop stays free, and the loop's own pool of threads stays free for others: waiting
is done in this pool's queue, by nobody. A call that is cancelled while it waits is not made.
asyncio is imported late: it costs 59 ms.
"""

from __future__ import annotations

from os import getpid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor
    from typing import TypeVar

    from strongroom.credentials.passwords import Password, PasswordHasher

    T = TypeVar("T")


class AsyncPasswordHasher:
    """Mixed into `PasswordHasher`; see the method without the leading ``a`` for what each does."""

    _pool: ThreadPoolExecutor | None = None
    _pool_process = 0

    @property
    def _hasher(self) -> PasswordHasher:
        return self  # type: ignore[return-value]  # mixed into nothing else

    async def ahash(self, password: Password) -> str:
        """As `PasswordHasher.hash`."""
        hasher, until = self._hasher, self._hasher._deadline()
        return await self._in_pool(lambda: hasher._hash(password, until=until))

    async def averify(self, password: Password, stored: str | None) -> None:
        """As `PasswordHasher.verify`."""
        hasher, until = self._hasher, self._hasher._deadline()
        await self._in_pool(lambda: hasher._verify(password, stored, until=until))

    async def averify_and_update(self, password: Password, stored: str | None) -> str | None:
        """As `PasswordHasher.verify_and_update`."""
        hasher, until = self._hasher, self._hasher._deadline()
        return await self._in_pool(lambda: hasher._verify_and_update(password, stored, until=until))

    async def _in_pool(self, call: Callable[[], T]) -> T:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        pool = self._pool
        if pool is None or self._pool_process != getpid():
            # Of a fork's parent there is the pool here, and none of its threads. No mutex, which a fork could
            # find locked: should two loops in two threads make a pool each, the queue still counts for both.
            pool = ThreadPoolExecutor(self._hasher._queue.places, thread_name_prefix="strongroom-password")
            self._pool, self._pool_process = pool, getpid()
        return await asyncio.get_running_loop().run_in_executor(pool, call)
