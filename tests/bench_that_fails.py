"""A worker of the benchmarks with a group that goes wrong in every way: ``python -m tests.bench_that_fails``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import worker
from bench.groups import GROUPS, Group
from bench.measure import Result

LINE = Result("one", "two", "ms", 1.0, 2.0, 0.5, 0.4, 0.6, 1.0)


def prepare(directory: Path, *, quick: bool) -> Path:
    """Any directory will do."""
    assert quick
    return directory


def good(_bench: Path) -> Iterator[Result]:
    """A row as it should be, though a server of its says something."""
    print("a server's greeting")
    yield LINE


def half(bench: Path) -> Iterator[Result]:
    """A row that fails after its first line."""
    yield LINE
    raise ConnectionError(f"{bench}/socket was closed\nby the other side")


def deadly(_bench: Path) -> Iterator[Result]:
    """A row that takes its process with it."""
    yield LINE
    sys.stdout.flush()
    os.kill(os.getpid(), 9)


def last(_bench: Path) -> Iterator[Result]:
    """What comes after it all."""
    yield LINE


if __name__ == "__main__":
    GROUPS["planted"] = Group(prepare, (good, half, deadly, last), ("no-such-package",))
    worker.main()
