"""A flood of logins: so many at once, first come first served, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from strongroom import PasswordHasher, errors
from strongroom.credentials.password_queue import PasswordQueue
from strongroom.crypto.foreign import password_hashes
from strongroom.passwords import Argon2idCost

CHEAP = Argon2idCost(memory_kib=19_456, iterations=1)
SECOND = timedelta(seconds=1)


class Watched:
    """Counts how many hash at the same time, and how much memory they take."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.02) -> None:
        self.now = self.most = self.calls = 0
        self.memory_kib = self.most_memory_kib = 0
        self._mutex = threading.Lock()
        self._seconds = seconds
        monkeypatch.setattr(password_hashes, "argon2", self.argon2)

    def argon2(self, *_arguments: object, memory_kib: int, length: int = 32, **_cost: object) -> bytes:
        with self._mutex:
            self.calls += 1
            self.now += 1
            self.memory_kib += memory_kib
            self.most = max(self.most, self.now)
            self.most_memory_kib = max(self.most_memory_kib, self.memory_kib)
        time.sleep(self._seconds)
        with self._mutex:
            self.now -= 1
            self.memory_kib -= memory_kib
        return bytes(length)


def flood(hasher: PasswordHasher, stored: list[str | None]) -> list[BaseException | None]:
    """Everybody at once; how it ended for each."""
    ended: list[BaseException | None] = []

    def one(string: str | None) -> None:
        try:
            hasher.verify("wrong", string)
        except errors.StrongroomError as error:
            ended.append(error)

    threads = [threading.Thread(target=one, args=(string,)) for string in stored]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def test_only_so_many_hash_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty logins, three places."""
    watched = Watched(monkeypatch)
    ended = flood(PasswordHasher(CHEAP, most_at_once=3), [None] * 30)
    assert (watched.most, watched.calls, len(ended)) == (3, 30, 30)
    assert all(isinstance(error, errors.PasswordMismatch) for error in ended)


def test_a_string_that_wants_more_memory_takes_more_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strings of 128 MiB among others of 64: never more than four times 64 MiB together."""
    watched = Watched(monkeypatch)
    large = "$argon2id$v=19$m=131072,t=1,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo"
    hasher = PasswordHasher(most_at_once=4)
    flood(hasher, [large, None, None] * 8)
    assert watched.most_memory_kib <= 4 * 65_536
    assert watched.most > 1


def test_who_waits_too_long_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error that says to try again, and without having cost anything."""
    watched = Watched(monkeypatch, seconds=0.5)
    ended = flood(PasswordHasher(CHEAP, most_at_once=1, patience=SECOND * 0.1), [None] * 5)
    busy = [error for error in ended if isinstance(error, errors.StoreUnavailable)]
    assert (watched.calls, len(busy)) == (1, 4)
    assert all(error.is_transient for error in busy)


def test_first_come_first_served() -> None:
    """One that wants every place is not overtaken by those that want one."""
    queue = PasswordQueue(2, 10)
    held = [queue.enter(1), queue.enter(1)]
    order: list[str] = []

    def come(name: str, wanted: int) -> threading.Thread:
        def enter() -> None:
            taken = queue.enter(wanted)
            order.append(name)
            queue.leave(taken)

        thread = threading.Thread(target=enter)
        thread.start()
        while not any(queue._waiting) or len(queue._waiting) != len(threads) + 1:
            time.sleep(0.001)
        return thread

    threads: list[threading.Thread] = []
    threads.append(come("all", 5))
    threads.append(come("one", 1))
    queue.leave(held[0])
    time.sleep(0.05)
    assert order == []
    queue.leave(held[1])
    for thread in threads:
        thread.join()
    assert order == ["all", "one"]


def test_a_child_begins_with_every_place() -> None:
    """Whoever hashed in the parent at the fork never leaves in the child."""
    queue = PasswordQueue(1, 0.2)
    taken = queue.enter(1)
    child = os.fork()
    if child == 0:
        try:
            queue.leave(queue.enter(1))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pytest.raises(errors.StoreUnavailable):
        queue.enter(1)
    queue.leave(taken)
    queue.leave(queue.enter(1))


# In a process of its own: newer interpreters warn of a fork beside threads, which is what this is about.
FORK = """
import asyncio, os
from strongroom import PasswordHasher
from strongroom.passwords import Argon2idCost

hasher = PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=1))
stored = asyncio.run(hasher.ahash("right"))
child = os.fork()
if child == 0:
    asyncio.run(asyncio.wait_for(hasher.averify("right", stored), 20))
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_the_async_twins_work_in_a_child() -> None:
    """Whose copy of the pool has no threads."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=60)
    assert done.stdout == "0\n", done.stderr


def test_a_failure_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong while hashing."""
    hasher = PasswordHasher(CHEAP, most_at_once=1, patience=SECOND)

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
        """While passwords are hashed, a task that wakes every 5 ms goes on waking, far sooner than a hash takes."""
        hasher = PasswordHasher(Argon2idCost(memory_kib=131_072, iterations=4), most_at_once=1)

        async def use() -> tuple[float, float]:
            waits: list[float] = []

            async def wake() -> None:
                while True:
                    before = time.perf_counter()
                    await asyncio.sleep(0.005)
                    waits.append(time.perf_counter() - before)

            waking = asyncio.create_task(wake())
            started = time.perf_counter()
            await asyncio.gather(*(hasher.ahash("x") for _ in range(2)))
            taken = (time.perf_counter() - started) / 2
            waking.cancel()
            return sorted(waits)[-len(waits) // 20 or -1], taken

        longest, taken = asyncio.run(use())
        assert longest < taken / 2

    def test_a_flood_takes_its_own_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And leaves the loop's pool to others."""
        watched = Watched(monkeypatch, seconds=0.05)
        hasher = PasswordHasher(CHEAP, most_at_once=2)

        async def use() -> float:
            logins = [asyncio.create_task(hasher.averify("x", None)) for _ in range(12)]
            await asyncio.sleep(0.01)
            started = time.perf_counter()
            await asyncio.to_thread(time.sleep, 0)
            waited = time.perf_counter() - started
            await asyncio.gather(*logins, return_exceptions=True)
            return waited

        assert asyncio.run(use()) < 0.2
        assert (watched.most, watched.calls) == (2, 12)

    def test_what_waited_too_long_in_the_pool_is_not_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Patience counts from the call."""
        watched = Watched(monkeypatch, seconds=0.3)
        hasher = PasswordHasher(CHEAP, most_at_once=1, patience=SECOND * 0.1)

        async def use() -> list[BaseException | None]:
            return await asyncio.gather(*(hasher.averify("x", None) for _ in range(4)), return_exceptions=True)

        ended = asyncio.run(use())
        assert watched.calls == 1
        assert sum(isinstance(error, errors.StoreUnavailable) for error in ended) == 3

    def test_a_cancelled_call_is_not_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """While it waits for a thread."""
        began, end = threading.Event(), threading.Event()
        calls: list[float] = []

        def argon2(*_arguments: object, length: int = 32, **_cost: object) -> bytes:
            calls.append(time.monotonic())
            began.set()
            assert end.wait(60)
            return bytes(length)

        monkeypatch.setattr(password_hashes, "argon2", argon2)
        hasher = PasswordHasher(CHEAP, most_at_once=1)

        async def use() -> None:
            first = asyncio.create_task(hasher.averify("x", None))
            assert await asyncio.to_thread(began.wait, 60)
            second = asyncio.create_task(hasher.averify("x", None))
            await asyncio.sleep(0.01)
            second.cancel()
            end.set()
            await asyncio.gather(first, second, return_exceptions=True)
            with pytest.raises(errors.PasswordMismatch):
                await hasher.averify("x", None)

        asyncio.run(use())
        assert len(calls) == 2
