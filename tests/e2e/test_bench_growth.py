"""The benchmarks of growth run, measure what they say, and keep their goals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What stands in the table of a quick run -> its goal.
GOALS = {
    "get of 1,000 items again, of 4,000 | of 1,000": 2,
    "get, the first time, of 4,000 | of 1,000": 2,
    "list, 100 names of 4,000 | 100 of 1,000": 1.2,
    "list, one folder of 1,000 names | 10 folders of 100": 1.2,
    "rotate, per secret, of 3,000 | of 1,000": 1.25,
    "backup of 1,000 | VACUUM INTO": 3,
    "backup of 4,000 | VACUUM INTO": 3,
}
# A cost that grows with the number of secrets, as a look at all of them would, makes these ratios 3 or 4.
GROWING = 2.9


def test_nothing_grows_with_the_number_of_secrets() -> None:
    """A quick run prints each line with its goal, and four times the secrets do not cost four times as much."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", "bench", "--only", "growth", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"].values()
    results = {f"{line['what']} | {line['against']}": line for row in rows for line in row["results"]}
    assert {name: line["goal"] for name, line in results.items()} == GOALS
    ratios = {name: line["ratio"] for name, line in results.items() if not name.startswith("backup")}
    assert max(ratios.values()) < GROWING, ratios
