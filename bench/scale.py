"""What docs/scale.md says, worked out: costs of each operation, measured, and what they mean for more machines.

python -m bench.scale --measure > bench/scale.json     measures, on a server of its own; processor time and not
                                                       elapsed time, so that a busy machine changes little
python -m bench.scale                                  prints the tables of docs/scale.md from bench/scale.json
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from threading import Thread
from time import process_time
from typing import Any

import strongroom
from bench.postgres_server import Server
from bench.rows import ITEMS, VALUE, fill
from strongroom import Vault

NUMBERS = Path(__file__).with_name("scale.json")
KEYS = 32
WRITERS = 8
MACHINES = (10, 100, 1_000)
# What one of them is taken to do in a second: a busy web server that asks for each value when it needs it.
GETS, SETS = 20.0, 0.1
# A processor that is used for half of the time answers without queues.
SHARE = 0.5
CORES = 4
PROCESSES = 4

Numbers = dict[str, float]


def ticks(server: Server) -> float:
    """Processor seconds of all of the server's processes so far, also of those that have ended."""
    pids = [int(line) for line in (server.root / "data" / "postmaster.pid").read_text().split()[:1]]
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        is_first = int(entry.name) == pids[0]
        if is_first or int(fields[1]) == pids[0]:
            # Its own, and for the first one those of children that it has seen end.
            total += sum(map(int, fields[11:15] if is_first else fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def memory(server: Server) -> tuple[float, int]:
    """KiB of memory that the processes of connections have for themselves, and how many there are."""
    sizes = []
    for entry in Path("/proc").iterdir():
        try:
            title = (entry / "cmdline").read_bytes().decode(errors="replace")
            if title.startswith("postgres: bench vaults"):
                lines = (entry / "smaps_rollup").read_text().splitlines()
                sizes.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private_")))
        except OSError:
            continue
    return float(sum(sizes)), len(sizes)


class Place:
    """A server with a vault of a thousand items."""

    def __init__(self, directory: Path, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self.server = cleanup.enter_context(Server())
        self.key = str(directory / "key")
        self.location = f"postgresql:///vaults?{self.server.place}"
        with strongroom.create(self.location, key_file=self.key) as vault:
            fill(vault, ITEMS)
        import psycopg

        self.onlooker = cleanup.enter_context(
            psycopg.connect(
                f"host={self.server.root} port={self.server.port} user=bench dbname=vaults", autocommit=True
            )
        )
        self.names = [f"folder-{number // 100}/item-{number}" for number in range(ITEMS)]

    def open(self) -> Vault:
        """The vault, with the places of all items known."""
        vault = strongroom.open(self.location, key_file=self.key, use_agent=False)
        vault.get_many(self.names)
        return self._cleanup.enter_context(vault)

    def one(self, query: str) -> Any:
        """The one value that the server answers."""
        row = self.onlooker.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    def wal(self) -> float:
        """Bytes that were written to the log so far."""
        return float(self.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def cost(self, work: Callable[[], object], count: int, *, each: int = 1) -> Numbers:
        """Client's and server's processor µs and bytes of the log for one of *count* operations, *each* in one call."""
        work()
        client, server, log = process_time(), ticks(self.server), self.wal()
        for _ in range(count // each):
            work()
        done = count / each * each
        return {
            "client": (process_time() - client) / done * 1e6,
            "server": (ticks(self.server) - server) / done * 1e6,
            "log": (self.wal() - log) / done,
        }


def measure(directory: Path) -> dict[str, Numbers]:
    """Every number that the tables need."""
    with ExitStack() as cleanup:
        place = Place(directory, cleanup)
        vault = place.open()
        names = cycle(place.names)

        def anew(act: Callable[[], object]) -> Callable[[], object]:
            """Asked for from the server, whatever is remembered."""

            def run() -> None:
                vault._core.sealed.forget()
                act()

            return run

        def many() -> None:
            vault.get_many([next(names) for _ in range(KEYS)])

        def opened() -> None:
            strongroom.open(place.location, key_file=place.key, use_agent=False).close()

        found = {
            "get": place.cost(anew(lambda: vault.get(next(names), "password")), 6_000),
            "get, remembered": place.cost(lambda: vault.get(place.names[0], "password"), 6_000),
            f"get, {KEYS} in one call": place.cost(anew(many), 16_000, each=KEYS),
            "set": place.cost(lambda: vault.set(next(names), {"password": VALUE}), 800),
            f"set, {KEYS} in one commit": place.cost(
                lambda: vault.set_many({next(names): {"password": VALUE} for _ in range(KEYS)}), 3_200, each=KEYS
            ),
            f"set, {WRITERS} writers at once": _beside(place),
            "open": place.cost(opened, 40),
        }
        before, connections = memory(place.server)
        more = [place.open() for _ in range(10)]
        after, now = memory(place.server)
        new = now - connections
        found["connection"] = {"memory": (after - before) / new, "of each program": new / len(more)}
        size = place.one(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relnamespace = 'strongroom'::regnamespace AND relkind = 'r'"
        )
        versions = place.one("SELECT count(*) FROM strongroom.versions")
        found["version"] = {"disk": float(size) / float(versions)}
        return found


def _beside(place: Place) -> Numbers:
    """Several programs write at once: who waits for whom shows in what a write costs."""
    vaults = [place.open() for _ in range(WRITERS)]
    each = 100

    def write(vault: Vault, offset: int) -> None:
        for number in range(each):
            vault.set(place.names[(offset * 97 + number) % ITEMS], {"password": VALUE})

    def all_of_them() -> None:
        threads = [Thread(target=partial(write, vault, offset)) for offset, vault in enumerate(vaults)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return place.cost(all_of_them, WRITERS * each, each=WRITERS * each)


def tables(numbers: dict[str, Numbers]) -> str:
    """The two tables of docs/scale.md."""
    lines = [
        "| one operation | client, µs of one core | server, µs of one core | bytes of log | a second, for each core "
        "of the server | a second, both on one machine of 2 cores |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, cost in numbers.items():
        if "client" in cost:
            client, server = cost["client"], cost["server"]
            lines.append(
                f"| {name} | {client:,.0f} | {server:,.0f} | {_log(cost['log'])} "
                f"| {_rounded(1e6 / server)} | {_rounded(2e6 / (client + server))} |"
            )
    lines += ["", *_machines(numbers)]
    return "\n".join(lines)


def _rounded(count: float) -> str:
    """Two digits: more would be a promise."""
    step = 10.0 ** (math.floor(math.log10(count)) - 1)
    return f"{round(count / step) * step:,.0f}"


def _log(count: float) -> str:
    return "–" if count < 1 else f"{count:,.0f}"


def _machines(numbers: dict[str, Numbers]) -> list[str]:
    get, write = numbers["get"], numbers[f"set, {WRITERS} writers at once"]
    lines = [
        f"| machines ({GETS:.0f} gets and {SETS} sets a second each) | "
        + " | ".join(f"{count:,}" for count in MACHINES)
        + " |",
        "| --- |" + " ---: |" * len(MACHINES),
    ]

    def row(name: str, value: Callable[[int], str]) -> None:
        lines.append(f"| {name} | " + " | ".join(value(count) for count in MACHINES) + " |")

    def reading(count: int) -> float:
        return count * GETS * get["server"] / 1e6

    def writing(count: int) -> float:
        return count * SETS * write["server"] / 1e6

    row("gets a second", lambda count: f"{count * GETS:,.0f}")
    row("sets a second", lambda count: f"{count * SETS:,.0f}")
    row("the server's cores, busy with gets", lambda count: f"{reading(count):.2f}")
    row("the server's cores, busy with sets", lambda count: f"{writing(count):.2f}")
    row("log, MB an hour, to each replica", lambda count: f"{count * SETS * write['log'] * 3600 / 1e6:,.0f}")
    row(
        f"servers of {CORES} cores, half busy",
        lambda count: f"{max(1, math.ceil((reading(count) + writing(count)) / (CORES * SHARE))):,}",
    )
    connection = numbers["connection"]
    row(
        f"connections, {PROCESSES} programs on each machine",
        lambda count: f"{count * PROCESSES * connection['of each program']:,.0f}",
    )
    row(
        "their memory at the server, MB",
        lambda count: f"{count * PROCESSES * connection['of each program'] * connection['memory'] / 1024:,.0f}",
    )
    row("connections, one agent on each machine", lambda count: f"{count * connection['of each program']:,.0f}")
    return lines


def main() -> None:
    """Measure, or print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="what more machines need")
    parser.add_argument("--measure", action="store_true", help="print the numbers of this machine as JSON")
    if not parser.parse_args().measure:
        print(tables(json.loads(NUMBERS.read_text())))
        return
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_STATE_HOME"] = directory
        json.dump(measure(Path(directory)), sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
