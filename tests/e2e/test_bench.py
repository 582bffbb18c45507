"""The benchmarks run, measure what they say, and give honest verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from bench.agent_peers import find_program
from bench.goals import verdicts
from bench.measure import Result, percentile, result
from bench.table import cells
from tests.postgres_cluster import require_postgres

ROOT = Path(__file__).resolve().parents[2]

# What need not be installed where the tests run -> how many goals want it.
OPTIONAL_PROGRAMS = {"pass": 1, "sops": 2, "keyring": 1, "bao": 2}
OPTIONAL_PACKAGES = {"keyrings.cryptfile": 1}
# What stands in the table of a quick run, of goals whose bound depends on what the peer took.
OTHER_BOUNDS = ("vault.get through the agent", "agent's ", "agent, from", "file size", "leaks found")


@pytest.mark.timeout(1200)
def test_every_promised_line_is_measured() -> None:
    """A quick run measures every goal, against its bound; the sizes, which do not depend on the machine, are kept."""
    require_postgres()
    before = set((ROOT / "build").glob("bench-*"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", "bench", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1000)
    assert done.returncode == 0, done.stderr
    entries = json.loads(done.stdout)["rows"]
    lines = [line for kept in entries.values() for line in kept["results"]]
    assert all(line["low"] <= line["ratio"] <= line["high"] for line in lines)
    goals_are_measured(entries)
    sizes = [line for line in lines if line["unit"] == "B"]
    assert len(sizes) == 2
    assert all(line["ours"] > 64 for line in sizes)
    assert next(line["ours"] for line in sizes if "at once" in line["what"]) < 1024
    assert set((ROOT / "build").glob("bench-*")) == before


def goals_are_measured(entries: dict[str, Any]) -> None:
    """Each goal has a line with its bound, and each line with a bound is one goal's."""
    absent = sum(count for name, count in OPTIONAL_PROGRAMS.items() if not find_program(name))
    absent += sum(count for name, count in OPTIONAL_PACKAGES.items() if not _is_installed(name))
    made = list(verdicts(entries))
    unmeasured = [one.goal.says for one in made if not one.lines]
    assert len(unmeasured) <= absent, unmeasured
    for one in made:
        for line in one.lines:
            bound = one.goal.ratio
            assert line["goal"] == bound or (bound is None and line["what"].startswith(OTHER_BOUNDS)), line
            assert one.goal.shown(line)
    decided = sorted(line["what"] + line["against"] for one in made for line in one.lines)
    bounded = [line for kept in entries.values() for line in kept["results"] if line["goal"] is not None]
    assert decided == sorted(line["what"] + line["against"] for line in bounded)


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


@pytest.mark.parametrize(
    ("ours", "peer", "goal", "at_least", "verdict"),
    [
        pytest.param([2.0, 2.0, 2.0], [1.0, 1.0, 1.0], 2.5, False, "met", id="within an upper bound"),
        pytest.param([3.0, 3.0, 3.0], [1.0, 1.0, 1.0], 2.5, False, "NOT met", id="above an upper bound"),
        pytest.param([1.0, 1.0, 9.0], [1.0, 1.0, 1.0], 2.5, False, "met", id="one slow round does not decide"),
        pytest.param([1.0, 1.0, 1.0], [30.0, 30.0, 30.0], 20, True, "met", id="faster than a lower bound"),
        pytest.param([1.0, 1.0, 1.0], [10.0, 10.0, 10.0], 20, True, "NOT met", id="slower than a lower bound"),
        pytest.param([9.0, 9.0, 9.0], [1.0, 1.0, 1.0], None, False, "", id="no goal, no verdict"),
    ],
)
def test_the_verdict(ours: list[float], peer: list[float], goal: float | None, at_least: bool, verdict: str) -> None:
    """Met and NOT met follow from the median of the ratios."""
    line: Result = result("what", "against", ours, peer, goal=goal, at_least=at_least)
    assert cells(line.as_json())[-1] == verdict


def test_percentiles_are_interpolated() -> None:
    """p10 and p90 of known numbers."""
    values = [float(number) for number in range(11)]
    assert [percentile(values, share) for share in (0, 0.1, 0.5, 0.9, 1)] == [0, 1, 5, 9, 10]
    assert percentile([1.0, 2.0], 0.5) == 1.5
