"""What limits are made of: whose request it is, how often, how many at once. No project, no requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import count
from typing import Any

import pytest

from strongroom.django.user_vaults.addresses import Proxies, networks
from strongroom.django.user_vaults.allowances import Allowances, Rule
from strongroom.django.user_vaults.places import NoPlace, Places
from strongroom.django.user_vaults.refused_paths import RefusedPaths
from strongroom.django.user_vaults.shared_allowances import SharedAllowances
from tests.patience import PATIENCE_SECONDS, wait_for

OURS = ("10.0.0.0/8", "fd00::/8")
FORWARDED = [
    # what it is about, REMOTE_ADDR, X-Forwarded-For, proxies, the client
    ("nobody in front, and a header that the client wrote", "203.0.113.9", "198.51.100.1", (), "203.0.113.9"),
    ("a client that is no proxy writes the header", "203.0.113.9", "10.0.0.1", OURS, "203.0.113.9"),
    ("our proxy says who it was", "10.0.0.1", "203.0.113.9", OURS, "203.0.113.9"),
    ("the client wrote addresses in front", "10.0.0.1", "1.1.1.1, 2.2.2.2, 203.0.113.9", OURS, "203.0.113.9"),
    ("the client wrote the address of a proxy in front", "10.0.0.1", "1.1.1.1, 10.9.9.9, 203.0.113.9", OURS,
     "203.0.113.9"),
    ("two proxies of ours", "10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", OURS, "203.0.113.9"),
    ("an internal client", "10.0.0.1", "10.0.0.77", OURS, "10.0.0.77"),
    ("our proxy without the header", "10.0.0.1", "", OURS, "10.0.0.1"),
    ("words in the place of an address", "10.0.0.1", "203.0.113.9, unknown", OURS, "10.0.0.1"),
    ("SQL", "10.0.0.1", "'; drop table--", OURS, "10.0.0.1"),
    ("a port", "10.0.0.1", "203.0.113.9:4711", OURS, "203.0.113.9"),
    ("IPv6 with a port", "10.0.0.1", "[2001:db8::1]:4711", OURS, "2001:db8::1"),
    ("IPv4 within IPv6", "::ffff:10.0.0.1", "::ffff:203.0.113.9", OURS, "203.0.113.9"),
    ("a zone", "fe80::1%eth0", "", OURS, "fe80::1"),
    ("empty parts", "10.0.0.1", ", ,203.0.113.9, ,", OURS, "203.0.113.9"),
    ("a socket that is no proxy's", "", "203.0.113.9", OURS, None),
    ("a proxy at a socket", "", "203.0.113.9", ("unix",), "203.0.113.9"),
    ("a proxy at a socket, and one before it", "", "203.0.113.9, 10.0.0.2", ("unix", *OURS), "203.0.113.9"),
    ("a proxy at a socket that says nothing", "", "", ("unix",), None),
    ("many hops of the client's", "10.0.0.1", "9.9.9.9, " * 5_000 + "203.0.113.9", OURS, "203.0.113.9"),
    ("a header cut where it is too long", "10.0.0.1", "1" * 5_000 + ".0.0.1, 203.0.113.9", OURS, "203.0.113.9"),
    ("more proxies than there can be", "10.0.0.1", "203.0.113.9" + ", 10.0.0.2" * 60, OURS, "10.0.0.2"),
]  # fmt: skip


CLIENTS = [pytest.param(*row[1:], id=row[0]) for row in FORWARDED]


@pytest.mark.parametrize(("remote", "header", "proxies", "client"), CLIENTS)
def test_a_client_cannot_choose_its_address(
    remote: str, header: str, proxies: tuple[str, ...], client: str | None
) -> None:
    """Only what our own proxies wrote counts."""
    found = Proxies(proxies).client({"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": header})
    assert found == (None if client is None else ip_address(client))


def test_ipv6_is_counted_by_network() -> None:
    """A household has 2**64 addresses, a site 65,536 households."""
    assert networks(ip_address("2001:db8:1:2:3:4:5:6")) == ["2001:db8:1:2::/64", "2001:db8:1::/48"]
    assert networks(ip_address("203.0.113.9")) == ["203.0.113.9"]


@pytest.mark.parametrize("name", ["", "10.0.0.0/33", "proxy.internal", "10.0.0.1/8"])
def test_a_network_that_is_none_is_refused(name: str) -> None:
    """A misspelt proxy is no proxy that trusts nobody, but an error."""
    with pytest.raises(ValueError):
        Proxies([name])


RULE = Rule(3, 60)


def test_an_allowance_is_used_up_and_comes_back_with_time() -> None:
    """Three at once, then one each twenty seconds, and never more than three."""
    kept = Allowances()
    wanted = [(b"k", RULE)]
    assert [kept.take(wanted, 100.0) for _ in range(5)] == [0, 0, 0, 20, 20]
    assert kept.take(wanted, 119.0) == 1
    assert [kept.take(wanted, 120.0) for _ in range(2)] == [0, 20]
    assert [kept.take(wanted, 10_000.0) for _ in range(4)] == [0, 0, 0, 20]


def test_what_is_refused_takes_nothing() -> None:
    """Otherwise an address that is refused would use up a user's allowance."""
    kept = Allowances()
    client, name = (b"client", Rule(1, 60)), (b"name", RULE)
    assert kept.take([client, name], 0.0) == 0
    for _ in range(50):
        assert kept.take([client, name], 0.0) == 60
    assert [kept.take([name], 0.0) for _ in range(3)] == [0, 0, 20]


def test_what_is_given_back_is_there_again_and_not_more() -> None:
    """Giving back more than was taken gives nothing."""
    kept = Allowances()
    wanted = [(b"k", RULE)]
    for _ in range(20):
        assert kept.take(wanted, 0.0) == 0
        kept.give_back(wanted, 0.0)
    kept.give_back(wanted, 0.0)
    assert len(kept) == 0
    assert [kept.take(wanted, 0.0) for _ in range(4)] == [0, 0, 0, 20]


def test_a_tenth_that_stays_taken_adds_up() -> None:
    """Work that succeeds is limited too, ten times higher."""
    kept = Allowances()
    wanted = [(b"k", RULE)]
    done = 0
    while kept.take(wanted, 0.0) == 0:
        kept.give_back(wanted, 0.0, 0.9)
        done += 1
    assert 20 <= done <= 30


def test_memory_is_bounded_under_random_keys() -> None:
    """Names and networks that nobody ever repeats do not fill the memory."""
    kept = Allowances(kept_max=1_000)
    for number in range(20_000):
        kept.take([(number.to_bytes(16, "big"), RULE)], 0.0)
        assert len(kept) <= 1_000


def test_an_allowance_in_use_is_not_washed_out_by_random_keys() -> None:
    """Who guesses a name keeps on being limited while others fill the memory."""
    kept = Allowances(kept_max=1_000)
    guessed = (b"guessed", Rule(5, 3_600))
    admitted = 0
    for number in range(10_000):
        kept.take([(number.to_bytes(16, "big"), RULE)], 0.0)
        if number % 100 == 0:
            admitted += kept.take([guessed], 0.0) == 0
    assert admitted == 5


def test_a_thousand_at_once_take_no_more_than_there_is() -> None:
    """Threads that ask at the same moment do not each see the last one."""
    kept = Allowances()
    found: list[int] = []
    started = threading.Barrier(8)

    def guess() -> None:
        started.wait(PATIENCE_SECONDS)
        for _ in range(125):
            found.append(kept.take([(b"k", Rule(50, 3_600))], 0.0))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert (len(found), found.count(0)) == (1_000, 50)


class Clocked:
    """A cache like memcached's, without a server: it counts in one step, and forgets when it is told to."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.broken = False

    def add(self, name: str, value: int, timeout: int) -> None:
        if self.broken:
            raise ConnectionError("gone")
        self.held.setdefault(name, value)

    def incr(self, name: str, by: int) -> int:
        if name not in self.held:
            raise ValueError(name)
        self.held[name] += by
        return self.held[name]

    def decr(self, name: str, by: int) -> int:
        return self.incr(name, -by)

    def get(self, name: str, default: int) -> int:
        return self.held.get(name, default)


@pytest.fixture(params=["locmem", "counting"])
def cache(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Django's own cache in memory, and the least that any cache has."""
    if request.param == "counting":
        yield Clocked()
        return
    from django.core.cache.backends.locmem import LocMemCache

    made = LocMemCache("strongroom-pressure", {})
    made.clear()
    yield made


def test_processes_that_share_a_cache_share_a_limit(cache: Any) -> None:
    """Two processes have together what one has."""
    first, second = SharedAllowances(cache), SharedAllowances(cache)
    wanted = [(b"k", RULE)]
    found = [one.take(wanted, 600.0) for _ in range(3) for one in (first, second)]
    assert found == [0, 0, 0, 60, 60, 60]
    # In the next period, that of the last one still counts in part.
    assert [first.take(wanted, 662.0) for _ in range(2)] == [18, 18]
    assert [second.take(wanted, 1_200.0) for _ in range(4)] == [0, 0, 0, 60]


def test_a_share_is_given_back_in_the_cache(cache: Any) -> None:
    """And what is refused takes nothing there either."""
    shared = SharedAllowances(cache)
    client, name = (b"client", RULE), (b"name", Rule(1, 60))
    assert shared.take([client, name], 0.0) == 0
    for _ in range(10):
        assert shared.take([client, name], 0.0) > 0
    assert [shared.take([client], 0.0) for _ in range(3)] == [0, 0, 60]
    shared.give_back([client], 0.0)
    assert [shared.take([client], 0.0) for _ in range(2)] == [0, 60]


def test_the_time_to_wait_is_the_time_after_which_it_works(cache: Any) -> None:
    """What Retry-After says is neither too short nor a whole period too long."""
    shared = SharedAllowances(cache)
    wanted = [(b"k", RULE)]
    assert [shared.take(wanted, 30.0) for _ in range(3)] == [0, 0, 0]
    now = 61.0
    waited = 0
    while seconds := shared.take(wanted, now):
        now += seconds
        waited += seconds
        assert waited <= 60
    assert waited >= 15


def test_a_broken_cache_leaves_the_limits_of_the_process(caplog: pytest.LogCaptureFixture) -> None:
    """It lets through, says so once, and never names a key or an address."""
    cache = Clocked()
    cache.broken = True
    shared = SharedAllowances(cache)
    for _ in range(5):
        assert shared.take([(b"k", RULE)], 0.0) == 0
        shared.give_back([(b"k", RULE)], 0.0)
    assert [record.getMessage() for record in caplog.records] == [
        "the cache that counts log-ins fails; each process counts for itself"
    ]


def test_only_so_many_work_and_wait_and_others_are_sent_away_at_once() -> None:
    """Nobody of those who do not fit waits for anything."""
    places = Places(1, 1, PATIENCE_SECONDS)
    inside, leave = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        with places.enter(None):
            inside.set()
            leave.wait(PATIENCE_SECONDS)
            done.append("worked")

    threads = [threading.Thread(target=work) for _ in range(2)]
    threads[0].start()
    assert inside.wait(PATIENCE_SECONDS)
    threads[1].start()
    wait_for(lambda: places._inside == 2, "the second one")
    for _ in range(100):
        with pytest.raises(NoPlace), places.enter(None):
            raise AssertionError("there was no place")
    leave.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert done == ["worked"] * 2
    assert (places._inside, places._by_client, places._queue._free) == (0, {}, 1)


def test_one_client_does_not_take_all_the_room() -> None:
    """Half of it is left for others."""
    places = Places(2, 2, PATIENCE_SECONDS)
    with places.enter(b"flood"), places.enter(b"flood"):
        with pytest.raises(NoPlace), places.enter(b"flood"):
            raise AssertionError("too many of one client")
    with places.enter(b"flood"), places.enter(b"other"):
        pass
    assert places._by_client == {}


def test_who_waits_in_vain_is_sent_away() -> None:
    """With no patience at all, the second one does not work."""
    places = Places(1, 5, 0.0)
    places._queue.patience_seconds = PATIENCE_SECONDS
    with places.enter(None):
        places._queue.patience_seconds = 0.0
        with pytest.raises(NoPlace), places.enter(None):
            raise AssertionError("there was no place")
    assert (places._inside, places._queue._free) == (0, 1)


def test_waiting_leaves_the_event_loop_to_others() -> None:
    """The loop turns while one waits for a place that another holds."""
    places = Places(1, 1, PATIENCE_SECONDS)

    async def story() -> list[str]:
        told: list[str] = []
        leave = asyncio.Event()

        async def first() -> None:
            async with places.aenter(None):
                told.append("first in")
                await leave.wait()
                told.append("first out")

        async def second() -> None:
            async with places.aenter(None):
                told.append("second in")

        tasks = [asyncio.create_task(first())]
        while not told:
            await asyncio.sleep(0)
        tasks.append(asyncio.create_task(second()))
        while places._inside < 2:
            await asyncio.sleep(0)
        told.append("loop turns")
        leave.set()
        await asyncio.gather(*tasks)
        return told

    assert asyncio.run(story()) == ["first in", "loop turns", "first out", "second in"]
    assert places._queue._free == 1


def test_who_goes_away_while_waiting_leaves_no_place_taken() -> None:
    """A client that closes its connection a thousand times does not use the places up."""
    places = Places(1, 3, PATIENCE_SECONDS)

    async def story() -> None:
        async with places.aenter(None):
            for _ in range(3):
                waiting = asyncio.create_task(enter())
                while places._inside < 2:
                    await asyncio.sleep(0)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                assert places._inside == 1
        async with places.aenter(None):
            pass

    async def enter() -> None:
        async with places.aenter(None):
            raise AssertionError("somebody else was inside")

    asyncio.run(story())
    wait_for(lambda: places._queue._free == 1, "the place")
    assert places._inside == 0


def test_on_an_event_loop_nobody_blocks() -> None:
    """A view that hashes on the loop itself is sent away where it would have to wait for those who need the loop."""
    places = Places(1, 3, PATIENCE_SECONDS)

    async def story() -> None:
        async with places.aenter(None):
            with pytest.raises(NoPlace), places.enter(None):
                raise AssertionError("it cannot have been free")

    asyncio.run(story())
    assert (places._inside, places._queue._free) == (0, 1)


def test_a_limit_is_above_nothing() -> None:
    """A rule of nothing at all would be a door that is locked for ever."""
    for most, seconds in ((0, 60), (-1, 60), (1, 0), (1, -1)):
        with pytest.raises(ValueError):
            Rule(most, seconds)


def test_names_that_are_never_repeated_leave_an_honest_name_alone() -> None:
    """A flood of made-up names does not touch the allowance of a real one."""
    kept = Allowances(kept_max=64)
    numbers = count()
    for _ in range(500):
        assert kept.take([(b"%016d" % next(numbers), RULE)], 0.0) == 0
    assert kept.take([(b"ann", RULE)], 0.0) == 0


def test_paths_that_somebody_makes_up_fill_nothing() -> None:
    """The last 64 are known, for a minute."""
    paths = RefusedPaths()
    for number in range(1_000):
        paths.keep(f"/{number}/", number % 2 == 0, 0.0)
    assert len(paths._kept) == 64
    assert (paths.find("/999/", 59.0), paths.find("/998/", 59.0), paths.find("/1/", 59.0)) == (False, True, None)
    assert paths.find("/999/", 61.0) is None
