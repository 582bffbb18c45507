"""A flood of logins: so many at once, first come first served, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from strongroom import PasswordHasher, errors
from strongroom.credentials.password_queue import PasswordQueue
from strongroom.crypto.foreign import password_hashes
from strongroom.passwords import Argon2idCost
from tests.patience import PATIENCE_SECONDS, undisturbed, wait_for

CHEAP = Argon2idCost(memory_kib=19_456, iterations=1)
SECOND = timedelta(seconds=1)


class Watched:
    """Counts how many hash at the same time, and how much memory they take; each hashes until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.most = self.calls = 0
        self.memory_kib = self.most_memory_kib = 0
        self.may_go_on = threading.Event()
        self._mutex = threading.Lock()
        monkeypatch.setattr(password_hashes, "argon2", self.argon2)

    def argon2(self, *_arguments: object, memory_kib: int, length: int = 32, **_cost: object) -> bytes:
        with self._mutex:
            self.calls += 1
            self.now += 1
            self.memory_kib += memory_kib
            self.most = max(self.most, self.now)
            self.most_memory_kib = max(self.most_memory_kib, self.memory_kib)
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        with self._mutex:
            self.now -= 1
            self.memory_kib -= memory_kib
        return bytes(length)


def flood(
    hasher: PasswordHasher, stored: list[str | None], watched: Watched, until: Callable[[], object] | None = None
) -> list[BaseException | None]:
    """Everybody at once; how it ended for each.

    Args:
        until: when those that hash may go on; when nobody is on the way any more, if left out.
    """
    ended: list[BaseException | None] = []

    def one(string: str | None) -> None:
        try:
            hasher.verify("wrong", string)
        except errors.StrongroomError as error:
            ended.append(error)

    threads = [threading.Thread(target=one, args=(string,)) for string in stored]
    for thread in threads:
        thread.start()
    everybody = len(stored)
    wait_for(until or (lambda: watched.now + len(hasher._queue._waiting) == everybody))
    watched.may_go_on.set()
    for thread in threads:
        thread.join()
    return ended


def test_only_so_many_hash_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty logins, three places."""
    watched = Watched(monkeypatch)
    ended = flood(PasswordHasher(CHEAP, most_at_once=3), [None] * 30, watched)
    assert (watched.most, watched.calls, len(ended)) == (3, 30, 30)
    assert all(isinstance(error, errors.PasswordMismatch) for error in ended)


def test_a_string_that_wants_more_memory_takes_more_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strings of 128 MiB among others of 64: never more than four times 64 MiB together."""
    watched = Watched(monkeypatch)
    large = "$argon2id$v=19$m=131072,t=1,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo"
    hasher = PasswordHasher(most_at_once=4)
    flood(hasher, [large, None, None] * 8, watched)
    assert watched.most_memory_kib <= 4 * 65_536
    assert watched.most > 1


def test_who_waits_too_long_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error that says to try again, and without having cost anything."""
    watched = Watched(monkeypatch)
    hasher = PasswordHasher(CHEAP, most_at_once=1, patience=SECOND * 0.05)
    taken = hasher._queue.enter(1, until=float("inf"))
    ended = flood(hasher, [None] * 5, watched, until=lambda: True)
    hasher._queue.leave(taken)
    busy = [error for error in ended if isinstance(error, errors.StoreUnavailable)]
    assert (watched.calls, len(busy)) == (0, 5)
    assert all(error.is_transient for error in busy)


def test_first_come_first_served() -> None:
    """One that wants every place is not overtaken by those that want one."""
    queue = PasswordQueue(2, PATIENCE_SECONDS)
    held = [queue.enter(1), queue.enter(1)]
    order: list[str] = []

    def come(name: str, wanted: int) -> threading.Thread:
        def enter() -> None:
            taken = queue.enter(wanted)
            order.append(name)
            queue.leave(taken)

        thread = threading.Thread(target=enter)
        thread.start()
        wait_for(lambda: len(queue._waiting) == len(threads) + 1)
        return thread

    threads: list[threading.Thread] = []
    threads.append(come("all", 5))
    threads.append(come("one", 1))
    queue.leave(held[0])
    threads[1].join(0.05)
    assert order == []
    queue.leave(held[1])
    for thread in threads:
        thread.join()
    assert order == ["all", "one"]


def test_a_child_begins_with_every_place() -> None:
    """Whoever hashed in the parent at the fork never leaves in the child."""
    queue = PasswordQueue(1, PATIENCE_SECONDS)
    taken = queue.enter(1)
    child = os.fork()
    if child == 0:
        try:
            queue.leave(queue.enter(1))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    queue.patience_seconds = 0.05
    with pytest.raises(errors.StoreUnavailable):
        queue.enter(1)
    queue.leave(taken)
    queue.leave(queue.enter(1, until=float("inf")))


# In a process of its own: newer interpreters warn of a fork beside threads, which is what this is about.
FORK = """
import asyncio, os
from strongroom import PasswordHasher
from strongroom.passwords import Argon2idCost

hasher = PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=1))
stored = asyncio.run(hasher.ahash("right"))
child = os.fork()
if child == 0:
    asyncio.run(asyncio.wait_for(hasher.averify("right", stored), 60))
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_the_async_twins_work_in_a_child() -> None:
    """Whose copy of the pool has no threads."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=120)
    assert done.stdout == "0\n", done.stderr


def test_a_failure_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong while hashing."""
    hasher = PasswordHasher(CHEAP, most_at_once=1)

    def fail(*_arguments: object, **_cost: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patches:
        patches.setattr(password_hashes, "argon2", fail)
        for _ in range(3):
            with pytest.raises(MemoryError):
                hasher.verify("x", None)
            with pytest.raises(MemoryError):
                hasher.hash("x")
    hasher.verify("x", hasher.hash("x"))


def test_at_least_one_place() -> None:
    """Anything less would hash nothing."""
    with pytest.raises(ValueError, match="at least one"):
        PasswordHasher(most_at_once=0)


class TestAsync:
    """The same calls beside an event loop."""

    def test_the_twins_do_what_their_siblings_do(self) -> None:
        """Hash, verify, update."""
        hasher = PasswordHasher(CHEAP)

        async def use() -> None:
            stored = await hasher.ahash("right")
            await hasher.averify("right", stored)
            assert await hasher.averify_and_update("right", stored) is None
            assert await PasswordHasher().averify_and_update("right", stored) is not None
            for string in (stored, None):
                with pytest.raises(errors.PasswordMismatch):
                    await hasher.averify("wrong", string)

        asyncio.run(use())

    def test_the_loop_stays_free(self) -> None:
        """While a password is hashed, a task that wakes every few milliseconds goes on waking."""
        hasher = PasswordHasher(Argon2idCost(memory_kib=131_072, iterations=4), most_at_once=1)

        async def wakes() -> int:
            hashing = asyncio.create_task(hasher.ahash("x"))
            woken = 0
            while not hashing.done():
                await asyncio.sleep(0.002)
                woken += 1
            return woken

        # A loop that stood still would wake once; here it is some thirty times.
        undisturbed(lambda: asyncio.run(wakes()), lambda woken: woken >= 6)

    def test_a_flood_takes_its_own_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And leaves the loop's pool to others."""
        watched = Watched(monkeypatch)
        hasher = PasswordHasher(CHEAP, most_at_once=2)

        async def use() -> None:
            logins = [asyncio.create_task(hasher.averify("x", None)) for _ in range(50)]
            while watched.now < 2:
                await asyncio.sleep(0.001)
            # Not one of them has ended when this has.
            await asyncio.wait_for(asyncio.to_thread(int), PATIENCE_SECONDS)
            watched.may_go_on.set()
            await asyncio.gather(*logins, return_exceptions=True)

        asyncio.run(use())
        assert (watched.most, watched.calls) == (2, 50)

    def test_what_waited_too_long_in_the_pool_is_not_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Patience counts from the call."""
        watched = Watched(monkeypatch)
        hasher = PasswordHasher(CHEAP, most_at_once=1)

        async def use() -> list[BaseException | None]:
            first = asyncio.create_task(hasher.averify("x", None))
            while not watched.now:
                await asyncio.sleep(0.001)
            hasher._queue.patience_seconds = 0.01
            others = [asyncio.create_task(hasher.averify("x", None)) for _ in range(3)]
            await asyncio.sleep(0.05)
            hasher._queue.patience_seconds = PATIENCE_SECONDS
            watched.may_go_on.set()
            return await asyncio.gather(first, *others, return_exceptions=True)

        ended = asyncio.run(use())
        assert watched.calls == 1
        assert sum(isinstance(error, errors.StoreUnavailable) for error in ended) == 3

    def test_a_cancelled_call_is_not_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """While it waits for a thread."""
        began, end = threading.Event(), threading.Event()
        calls: list[int] = []

        def argon2(*_arguments: object, length: int = 32, **_cost: object) -> bytes:
            calls.append(1)
            began.set()
            assert end.wait(PATIENCE_SECONDS)
            return bytes(length)

        monkeypatch.setattr(password_hashes, "argon2", argon2)
        hasher = PasswordHasher(CHEAP, most_at_once=1)

        async def use() -> None:
            first = asyncio.create_task(hasher.averify("x", None))
            assert await asyncio.to_thread(began.wait, PATIENCE_SECONDS)
            second = asyncio.create_task(hasher.averify("x", None))
            await asyncio.sleep(0.01)
            second.cancel()
            # It has gone before the first one ends: the thread would take it next.
            with pytest.raises(asyncio.CancelledError):
                await second
            end.set()
            await asyncio.gather(first, return_exceptions=True)
            with pytest.raises(errors.PasswordMismatch):
                await hasher.averify("x", None)

        asyncio.run(use())
        assert len(calls) == 2
