"""Where the time goes, for the goals that were missed: each line is a part of one call, beside the whole of it.

Calls inside of a process are profiled with cProfile, function by function, and added up by whose code it is. That makes
calls of Python's functions dearer than they are, and leaves C's alone. A process as a whole is compared with others
that do a part of what it does.
"""

from __future__ import annotations

import cProfile
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pstats import Stats
from typing import Any

import strongroom
from bench.agent_peers import find_program
from bench.agents import SOCKET, running_agent
from bench.measure import Result, percentile, seconds
from bench.rows import ITEMS, VALUE, Bench, calls, runs

Work = Callable[[], object]
# A part of what a path or a built-in function's name says -> whose code it is; the first that fits.
OWNERS = {
    "sqlite3.": "SQLite and the disk", "psycopg": "psycopg", "/django/": "Django", "cryptography": "cryptography",
    "_rust": "cryptography", "openssl_": "cryptography", "_hmac": "cryptography", "_hashlib": "cryptography",
    "_sha": "cryptography", "_ssl": "cryptography", "select.poll": "waiting for the server",
    "_socket.socket": "the socket, and waiting for the agent", "fsync": "waiting for the disk",
    "fdatasync": "waiting for the disk",
}  # fmt: skip
OTHER = "the interpreter's own functions"
SMALLEST = 0.01


def profiled(what: str, work: Work, count: int) -> Iterator[Result]:
    """*count* calls of *work*, by whose code the time is spent in."""
    seconds(work, min(count, 3))
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(count):
        work()
    profile.disable()
    parts: dict[str, float] = {}
    functions: Any = Stats(profile).stats  # type: ignore[attr-defined]  # not in its stub
    for (file, _, name), (_, _, alone, _, _) in functions.items():
        owner = _owner(file, name)
        parts[owner] = parts.get(owner, 0.0) + alone
    whole = sum(parts.values())
    for owner, taken in sorted(parts.items(), key=lambda one: -one[1]):
        if taken > SMALLEST * whole:
            yield _part(what, owner, taken / count, whole / count)


def _owner(file: str, name: str) -> str:
    if "/strongroom/" in file:
        room = file.rpartition("/strongroom/")[2].partition("/")[0]
        return f"strongroom, {room.removesuffix('.py')}"
    text = name if file == "~" else file
    return next((owner for part, owner in OWNERS.items() if part in text), OTHER)


def _part(whole: str, part: str, taken: float, all_of_it: float) -> Result:
    unit, scale = ("us", 1e6) if all_of_it < 1e-3 else ("ms", 1e3)
    ratio = taken / all_of_it
    return Result(part, whole, unit, taken * scale, all_of_it * scale, ratio, ratio, ratio, None)


def profile_set(bench: Bench) -> Iterator[Result]:
    """One durable value."""
    work = calls(lambda path: bench.small.set(path, {"password": VALUE}), cycle(bench.names))
    yield from profiled("vault.set, durable", work, 20 if bench.quick else 1_000)


def profile_set_many(bench: Bench) -> Iterator[Result]:
    """A thousand values in one commit."""
    vault = bench.make_vault("profiled-many.db", 0)
    turns = iter(range(1_000))

    def work() -> None:
        turn = next(turns)
        vault.set_many({f"turn-{turn}/item-{number}": {"password": VALUE} for number in range(ITEMS)})

    yield from profiled("vault.set_many, 1,000 values", work, 2 if bench.quick else 10)
    vault.close()


def profile_agent_get(bench: Bench) -> Iterator[Result]:
    """Processes that do more and more of what a read through the agent does, in turns."""
    program = find_program("strongroom")
    ours = [program] if program else [sys.executable, "-m", "strongroom"]
    environment = {"STRONGROOM_VAULT": str(bench.file("small.db"))}
    python = [sys.executable, "-c"]
    leave = "import os; os._exit(0)"
    with running_agent(bench):
        get = runs([*ours, "get", bench.names[7], "password"], VALUE, environment | {SOCKET: os.environ[SOCKET]})
        steps: tuple[tuple[str, Work], ...] = (
            ("the interpreter's start", runs([*python, leave])),
            ("import of _socket", runs([*python, f"import _socket; {leave}"])),
            ("import of our one module", runs([*python, f"import _socket, strongroom.agent_read; {leave}"])),
            ("the question and the agent's answer", get),
        )
        bare = runs([*python, "pass"])
        taken: list[list[float]] = [[] for _ in steps]
        ends: list[float] = []
        for _ in range(bench.rounds * 2):
            for times, (_, work) in zip(taken, steps, strict=True):
                times.append(seconds(work, 1))
            ends.append(seconds(bare, 1))
    whole = percentile(taken[-1], 0.5)
    before = [0.0] * len(ends)
    for times, (part, _) in zip(taken, steps, strict=True):
        own = [mine - theirs for mine, theirs in zip(times, before, strict=True)]
        yield _part("strongroom get, agent", part, percentile(own, 0.5), whole)
        before = times
    saved = [theirs - mine for theirs, mine in zip(ends, taken[0], strict=True)]
    yield _part("strongroom get, agent", "not done: the interpreter's own end", percentile(saved, 0.5), whole)


def profile_postgres_get(bench: Bench) -> Iterator[Result]:
    """One value over one connection."""
    from bench.postgres import Place, can_run

    if not can_run():
        return
    with ExitStack() as cleanup:
        place = Place(bench, cleanup)
        (work,) = place.gets(1)
        yield from profiled("PostgreSQL: get, 1 connection", work, 50 if bench.quick else 3_000)


def profile_postgres_many(bench: Bench) -> Iterator[Result]:
    """Thirty-two values in one call, over one connection."""
    from bench.postgres import KEYS, Place, can_run

    if not can_run():
        return
    with ExitStack() as cleanup:
        place = Place(bench, cleanup)
        names = bench.names[:KEYS]
        work = partial(place.vaults[0].get_many, names)
        yield from profiled(f"PostgreSQL: {KEYS} keys in one call", work, 20 if bench.quick else 1_000)


def profile_agent_client(bench: Bench) -> Iterator[Result]:
    """One read through the API, in the client; what the agent does of it is waiting here."""
    with running_agent(bench), strongroom.open(str(bench.file("small.db"))) as vault:
        work = calls(lambda path: vault.get(path, "password"), cycle(bench.names))
        yield from profiled("vault.get through the agent", work, 50 if bench.quick else 5_000)


def profile_bulk_create(bench: Bench) -> Iterator[Result]:
    """Objects with a field that is bound to their owner."""
    from bench import django_fields

    model = django_fields.tables(bench)[django_fields.BOUND]
    work = django_fields.create(django_fields.fresh_rows(bench, model), model)
    yield from profiled("Django, bulk_create, bound to an owner", work, 1 if bench.quick else 3)


def profile_certificate(bench: Bench) -> Iterator[Result]:
    """A certificate kept on the disk."""
    vault = bench.make_vault("profiled-authority.db", 0)
    vault.ca.create()
    yield from profiled("certificate in a vault on the disk", lambda: vault.ca.issue("web.internal.test"), bench.rounds)
    vault.close()


ROWS = (
    profile_set, profile_set_many, profile_agent_get, profile_agent_client, profile_postgres_get,
    profile_postgres_many, profile_bulk_create, profile_certificate,
)  # fmt: skip
