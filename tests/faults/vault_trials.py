"""Trying a scenario of `vault_steps`: undisturbed, with a fault that strace injects, or as the caller likes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tests.faults import strace
from tests.faults.vault_judging import judge
from tests.faults.vault_place import Place
from tests.faults.vault_steps import SCENARIOS

IS_WHOLE = bool(os.environ.get("STRONGROOM_FAULTS_WHOLE"))
"""Whether everything is tried that there is, and not a sample."""

WRITES = ("pwrite64", "write", "ftruncate")
SYNCS = ("fdatasync", "fsync")
NAMES = ("link", "rename", "unlink", "mkdir")
READS = ("pread64",)
CALLS = (*WRITES, *SYNCS, *NAMES, *READS)

T = TypeVar("T")
R = TypeVar("R")
Point = tuple[str, int]
Bases = dict[bool, Place]


@contextmanager
def made_bases(directory: str = "") -> Iterator[Bases]:
    """Two vaults to begin with: one with three key slots, one with a single one.

    Args:
        directory: where; in memory by default, where there is some: syncs are counted here, not tested.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    place = tempfile.mkdtemp(prefix="vaults", dir=directory or memory)
    made = {}
    for has_one_slot in (False, True):
        made[has_one_slot] = Place(f"{place}/base-{has_one_slot}")
        os.mkdir(made[has_one_slot].directory, 0o700)
        made[has_one_slot].prepare(has_one_slot=has_one_slot)
    yield made
    shutil.rmtree(place)


def sample(points: list[Point], count: int) -> list[Point]:
    """About *count* of the points, at a fixed stride."""
    return points if IS_WHOLE else points[:: max(1, len(points) // count)]


class Trial:
    """One scenario, tried with planted faults or none."""

    def __init__(self, bases: Bases, scenario: str, *planted: str) -> None:
        self.base = bases[scenario == "only slot"]
        self.scenario = scenario
        self.planted = planted

    def new_directory(self, above: str = "") -> str:
        """A copy of the base, in a directory of its own."""
        return self.base.copy(tempfile.mkdtemp(dir=above or os.path.dirname(self.base.directory))).directory

    def run(self, directory: str, *more: str) -> list[str]:
        """What an undisturbed run says; *more* is planted, too."""
        return strace.run(directory, self.scenario, *self.planted, *more, script=strace.VAULT_WORKLOAD)

    def record(
        self, directory: str, calls: tuple[str, ...], options: tuple[str, ...] = ()
    ) -> tuple[list[str], list[str]]:
        """What an undisturbed run says, all of it done if nothing is planted, and the lines of its trace."""
        said, lines = strace.record(
            directory, calls, self.scenario, *self.planted, options=options, script=strace.VAULT_WORKLOAD
        )
        expected = [f"done {step.name}" for step in SCENARIOS[self.scenario]]
        done = [line for line in said if line != "left" and not line.startswith("counter ")]
        assert self.planted or expected == done
        return said, lines

    def count_calls(self) -> Counter[str]:
        """How often an undisturbed run makes each call; nothing may be wrong with that run."""
        directory = self.new_directory()
        said, lines = self.record(directory, CALLS)
        if not self.planted:
            assert judge(directory, self.scenario, said, is_tidy=True) == []
        return Counter(line.split("(")[0].split()[-1] for line in lines)

    def try_point(self, fault: str, when: str, point: Point) -> tuple[bool, list[str]]:
        """Whether the fault happened, and what is wrong afterwards."""
        call, number = point
        directory = self.new_directory()
        said, happened = strace.inject(
            directory, call, fault, when.format(number), self.scenario, *self.planted, script=strace.VAULT_WORKLOAD
        )
        # What cannot be unlinked is left. A killed process cannot tidy, nor one whose disk is read-only.
        is_tidy = "KILL" not in fault and "EROFS" not in fault and call != "unlink"
        findings = judge(directory, self.scenario, said, is_tidy=is_tidy, is_killed="KILL" in fault)
        shutil.rmtree(directory)
        return happened, [f"{fault} {call} {number}: {finding}" for finding in findings]

    def try_points(self, fault: str, when: str, points: list[Point]) -> tuple[int, list[str]]:
        """How often the fault happened, and everything that was wrong."""
        results = in_pairs(lambda point: self.try_point(fault, when, point), points)
        return sum(happened for happened, _ in results), [line for _, lines in results for line in lines]


def in_pairs(call: Callable[[T], R], points: list[T]) -> list[R]:
    """Every result, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(call, points))
