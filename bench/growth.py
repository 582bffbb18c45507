"""What a million secrets cost beside ten thousand: `make bench-growth`, or `python -m bench --only growth`.

The peer of each line is strongroom itself with fewer secrets, so a ratio of 1 means that
the cost does not grow. The backup's peer is SQLite's own way to copy a live database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import strongroom
from bench.measure import Result, compare, result, seconds
from bench.rows import FOLDER, calls, fill
from strongroom import Vault

SMALL = 10_000
LARGE = 1_000_000
ROTATED = 100_000
OFTEN = 1_000
WIDE = 10 * FOLDER


class Growth:
    """A small and a large vault.

    Args:
        directory: empty, on the disk that is to be measured.
        quick: small vaults and few rounds, to see that everything runs; the numbers mean little.
    """

    def __init__(self, directory: Path, *, quick: bool) -> None:
        self.directory = directory
        self.rounds = 5 if quick else 21
        self.small_count, self.large_count = (1_000, 4_000) if quick else (SMALL, LARGE)
        self.rotated_count = 3_000 if quick else ROTATED
        self.key_file = str(directory / "growth.key")
        self.small = self.make_vault("small", self.small_count)
        self.large = self.make_vault("large", self.large_count)

    def make_vault(self, name: str, items: int) -> Vault:
        """A vault with *items* items of one 64-byte secret, 100 to a folder."""
        (self.directory / name).mkdir(mode=0o700)
        vault = strongroom.create(self.file(name), key_file=self.key_file)
        fill(vault, items)
        return vault

    def file(self, name: str) -> str:
        """Where the vault of that name lies."""
        return str(self.directory / name / "vault.db")

    def reopened(self, name: str) -> Vault:
        """A handle on the vault of that name that remembers nothing yet."""
        return strongroom.open(self.file(name), key_file=self.key_file)

    def paths(self, items: int, count: int) -> Iterator[str]:
        """*count* different paths of a vault with *items* items, anywhere in it."""
        for number in Random(items).sample(range(items), count):
            yield f"folder-{number // FOLDER}/item-{number}"


def get_again(growth: Growth) -> Iterator[Result]:
    """The same thousand items again and again, wherever they lie."""

    def reader(vault: Vault, items: int) -> Callable[[], object]:
        paths = list(growth.paths(items, min(OFTEN, items)))
        return lambda: [vault.get(path, "password") for path in paths]

    yield compare(
        f"get of {OFTEN:,} items again, of {growth.large_count:,}", f"of {growth.small_count:,}",
        reader(growth.large, growth.large_count), reader(growth.small, growth.small_count),
        rounds=growth.rounds, goal=2,
    )  # fmt: skip


def get_first(growth: Growth) -> Iterator[Result]:
    """Items that nobody has read before through this handle: nothing is remembered of them."""
    per_round = growth.small_count // (growth.rounds + 1)
    with growth.reopened("large") as large, growth.reopened("small") as small:

        def reader(vault: Vault, items: int) -> Callable[[], object]:
            paths = growth.paths(items, per_round * (growth.rounds + 1))
            return lambda: [vault.get(next(paths), "password") for _ in range(per_round)]

        ours, peer = reader(large, growth.large_count), reader(small, growth.small_count)
        ours_taken, peer_taken = [], []
        for index in range(growth.rounds + 1):
            mine, theirs = seconds(ours, 1) / per_round, seconds(peer, 1) / per_round
            if index:  # the first one only warms up
                ours_taken.append(mine)
                peer_taken.append(theirs)
    what, against = f"get, the first time, of {growth.large_count:,}", f"of {growth.small_count:,}"
    yield result(what, against, ours_taken, peer_taken, goal=2)


def list_folder(growth: Growth) -> Iterator[Result]:
    """A folder's names cost what the folder holds, not what lies beside it."""

    def lister(vault: Vault, items: int) -> Callable[[], object]:
        folders = iter(Random(items).choices(range(items // FOLDER), k=10_000))
        return calls(lambda number: len(list(vault.list(f"folder-{number}"))), folders)

    yield compare(
        f"list, {FOLDER} names of {growth.large_count:,}", f"{FOLDER} of {growth.small_count:,}",
        lister(growth.large, growth.large_count), lister(growth.small, growth.small_count),
        rounds=growth.rounds, repeat=10, goal=1.2,
    )  # fmt: skip
    growth.small.set_many({f"wide/item-{number}": {"password": "v" * 64} for number in range(WIDE)})
    narrow = lister(growth.small, growth.small_count)
    yield compare(
        f"list, one folder of {WIDE:,} names", f"{WIDE // FOLDER} folders of {FOLDER}",
        lambda: len(list(growth.small.list("wide"))), lambda: [narrow() for _ in range(WIDE // FOLDER)],
        rounds=growth.rounds, goal=1.2,
    )  # fmt: skip


def rotate(growth: Growth) -> Iterator[Result]:
    """Every secret under new keys, for each secret."""
    small = growth.make_vault("rotated-small", growth.small_count)
    large = growth.make_vault("rotated-large", growth.rotated_count)
    ours, peer = [], []
    for _ in range(3):
        ours.append(seconds(large.rotate, 1) / growth.rotated_count)
        peer.append(seconds(small.rotate, 1) / growth.small_count)
    small.close()
    large.close()
    what, against = f"rotate, per secret, of {growth.rotated_count:,}", f"of {growth.small_count:,}"
    yield result(what, against, ours, peer, goal=1.25)


def backup(growth: Growth) -> Iterator[Result]:
    """A verified copy of a vault that is in use, beside SQLite's own copy."""
    for name, items in (("small", growth.small_count), ("large", growth.large_count)):
        vault = growth.small if name == "small" else growth.large
        target = growth.directory / name / "copy.db"
        with closing(sqlite3.connect(growth.file(name), isolation_level=None)) as peer:
            vacuum = partial(peer.execute, "VACUUM INTO ?", (str(target),))
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(3):
                for work, taken in ((partial(vault.backup, str(target)), ours), (vacuum, theirs)):
                    taken.append(seconds(work, 1))
                    target.unlink()
        yield result(f"backup of {items:,}", "VACUUM INTO", ours, theirs, goal=3)


ROWS = (get_again, get_first, list_folder, rotate, backup)
