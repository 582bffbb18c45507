"""A vault on PostgreSQL: reads and writes at 1, 8 and 32 connections, beside raw psycopg and pgbench."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from os import urandom
from threading import Barrier, Thread
from time import perf_counter
from typing import Any

import strongroom
from bench.measure import Result, Work, compare, result
from bench.postgres_server import Server, find
from bench.rows import ITEMS, VALUE, Bench, fill
from strongroom import Vault
from strongroom.stores.schema import VERSIONS

CONNECTIONS = (1, 8, 32)
KEYS = 32
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def together(works: list[Work], repeat: int) -> float:
    """Seconds for one call when each of *works* is called *repeat* times, all in threads at the same time."""
    line = Barrier(len(works) + 1)

    def run(work: Work) -> None:
        line.wait()
        for _ in range(repeat):
            work()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    line.wait()
    begun = perf_counter()
    for thread in threads:
        thread.join()
    return (perf_counter() - begun) / (repeat * len(works))


def in_turns(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Both measured so often, the one first and then the other one first."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            taken[which].append((ours, peer)[which]())
    return taken


class Place:
    """A server, a vault in it for each connection, and what the same costs without a vault."""

    def __init__(self, bench: Bench, cleanup: ExitStack) -> None:
        self.bench = bench
        self.server = cleanup.enter_context(Server())
        self.location = f"postgresql:///vaults?{self.server.place}"
        self._cleanup = cleanup
        with strongroom.create(self.location, key_file=str(bench.key_file)) as vault:
            fill(vault, ITEMS)
        self.connections = CONNECTIONS[:2] if bench.quick else CONNECTIONS
        self.vaults = [self._open(self.location) for _ in range(max(self.connections))]
        self.far_vault = self._open(f"postgresql:///vaults?{self.server.far_place}&sslmode=disable")
        self.raw = [self._connect() for _ in self.vaults]
        raw = self.raw[0]
        self.keys = raw.execute("SELECT item, number FROM strongroom.versions").fetchall()
        # The very statement: what differs is then all that a vault does beside it.
        store: Any = self.vaults[0]._core.store
        statement = store._session.statements[VERSIONS].glance.sql
        # In the words of the driver's cursors: a percent sign is doubled, and a parameter has no number.
        self.statement = re.sub(rb"\$[0-9]+", b"%b", statement.replace(b"%", b"%%"))

    def _open(self, location: str) -> Vault:
        vault = strongroom.open(location, key_file=str(self.bench.key_file), use_agent=False)
        # Whoever reads an item often knows its place; what is measured is the value.
        vault.get_many(self.bench.names)
        return self._cleanup.enter_context(vault)

    def _connect(self) -> Any:
        import psycopg

        where = f"host={self.server.root} port={self.server.port} user=bench dbname=vaults"
        connection = self._cleanup.enter_context(psycopg.connect(where, autocommit=True))
        connection.prepare_threshold = 0
        return connection

    def gets(self, count: int) -> list[Work]:
        """One value of the vault, on each of so many connections."""
        return [self._get(vault, number) for number, vault in enumerate(self.vaults[:count])]

    def _get(self, vault: Vault, offset: int) -> Work:
        names = cycle(self.bench.names[offset:] + self.bench.names[:offset])

        def get() -> object:
            # The peer fetches the value each time; so does this, instead of asking whether what it remembers is newest.
            vault._core.sealed.forget()
            return vault.get(next(names), "password")

        return get

    def raw_gets(self, count: int) -> list[Work]:
        """The row that holds it, by the statement that the vault sends."""
        return [self._raw_get(connection, number) for number, connection in enumerate(self.raw[:count])]

    def _raw_get(self, connection: Any, offset: int) -> Work:
        keys = cycle(self.keys[offset:] + self.keys[:offset])
        query = self.statement

        def get() -> object:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(query, next(keys), prepare=True).fetchone()

        return get

    def sets(self, count: int) -> list[Work]:
        """One new version, durable, on each of so many connections."""
        return [self._set(vault, number) for number, vault in enumerate(self.vaults[:count])]

    def _set(self, vault: Vault, offset: int) -> Work:
        names = cycle(self.bench.names[offset * 31 :] + self.bench.names[: offset * 31])
        return lambda: vault.set(next(names), {"password": VALUE})

    def raw_sets(self, count: int) -> list[Work]:
        """The rows that it writes, in one journey and one commit."""
        return [self._raw_set(connection, number) for number, connection in enumerate(self.raw[:count])]

    def _raw_set(self, connection: Any, writer: int) -> Work:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.rows (kind int, id bytea, body bytea NOT NULL, PRIMARY KEY (kind, id))"
        )
        fixed = urandom(16)
        upsert = "INSERT INTO public.rows VALUES (%b, %b, %b) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
        body = urandom(200)

        def write() -> None:
            with connection.pipeline():
                connection.execute("BEGIN", prepare=True)
                for kind, key in ((1, urandom(16)), (2, fixed), (3, urandom(16)), (4, fixed)):
                    connection.execute(upsert, (kind, key, body), prepare=True)
                connection.execute("COMMIT", prepare=True)

        return write

    def pgbench(self, *words: str, count: int) -> float:
        """Seconds for one transaction of PostgreSQL's own program."""
        length = ("-t", "20") if self.bench.quick else ("-T", "2")
        options = (*self.server.near, "-U", "bench", "-n", "-M", "prepared", "-c", str(count), *length)
        said = self.server.run("pgbench", *options, "-j", str(min(count, 2)), *words, "vaults")
        found = _TPS.search(said)
        assert found is not None, said
        return 1 / float(found[1])


def can_run() -> bool:
    """Whether the server and its client are installed; what is missing is told."""
    if find("initdb") is None:
        print("PostgreSQL is not installed: its lines are left out", file=sys.stderr)
        return False
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError:
        print("psycopg is not installed: the lines of PostgreSQL are left out", file=sys.stderr)
        return False
    return True


def postgres(bench: Bench) -> Iterator[Result]:
    """All of it, on one server."""
    if not can_run():
        return
    with ExitStack() as cleanup:
        place = Place(bench, cleanup)
        yield from _many_keys(place)
        yield from _reads(place)
        yield from _writes(place)


def _many_keys(place: Place) -> Iterator[Result]:
    names = place.bench.names[:KEYS]
    for where, vault in (("PostgreSQL", place.vaults[0]), ("PostgreSQL over TCP", place.far_vault)):

        def one_by_one(vault: Vault = vault) -> None:
            for name in names:
                vault.get(name, "password")

        yield compare(
            f"{where}: {KEYS} keys in one call", f"{KEYS} calls", partial(vault.get_many, names), one_by_one,
            rounds=place.bench.rounds, repeat=5, goal=4, at_least=True,
        )  # fmt: skip


def _reads(place: Place) -> Iterator[Result]:
    rounds, repeat = (2, 20) if place.bench.quick else (25, 400)
    place.server.run("pgbench", *place.server.near, "-U", "bench", "-i", "-q", "-s", "1", "vaults")
    for count in place.connections:
        gets, raws = place.gets(count), place.raw_gets(count)
        each = max(1, repeat // count)
        together(gets, 3)
        together(raws, 3)
        taken = in_turns(partial(together, gets, each), partial(together, raws, each), rounds)
        what = f"PostgreSQL: get, {count} connections"
        yield result(what, "psycopg, the same statement", *taken, goal=0.75, at_least=True)
        if find("pgbench") is not None:
            few = max(2, rounds // 3)
            taken = in_turns(partial(together, gets, each), partial(place.pgbench, "-S", count=count), few)
            yield result(what, "pgbench -S", *taken, goal=None, at_least=True)


def _writes(place: Place) -> Iterator[Result]:
    rounds, repeat = (2, 4) if place.bench.quick else (7, 128)
    for count in place.connections:
        sets, raws = place.sets(count), place.raw_sets(count)
        each = max(1, repeat // count)
        together(sets, 1)
        together(raws, 1)
        taken = in_turns(partial(together, sets, each), partial(together, raws, each), rounds)
        what = f"PostgreSQL: set, {count} connections"
        yield result(what, "psycopg, four rows and a commit", *taken, goal=None, at_least=True)
        if find("pgbench") is not None:
            few = max(2, rounds // 3)
            taken = in_turns(partial(together, sets, each), partial(place.pgbench, "-N", count=count), few)
            yield result(what, "pgbench -N", *taken, goal=None, at_least=True)


ROWS = (postgres,)
