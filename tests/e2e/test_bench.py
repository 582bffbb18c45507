"""The benchmarks run, measure what they say, and give honest verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure import Result, percentile, result
from bench.table import cells
from tests.postgres_cluster import require_postgres

ROOT = Path(__file__).resolve().parents[2]

# what stands in the table: (goal, whether it is a lower bound)
GOALS = {
    "vault.get, warm | sqlite3 point read + one suite 1 open": (2.5, False),
    "vault.get, warm | PBKDF2 (100k) + Fernet for each entry": (20, True),
    "vault.set, durable | WAL/FULL upsert + ledger row": (2, False),
    "vault.set_many, 1,000 values | executemany, the same rows": (2.5, False),
    "vault.set_many, 1,000 values | executemany, one row a value": (2.5, False),
    "strongroom get, cold | bare script: sqlite3 + cryptography, same read": (1.3, False),
    "import strongroom | bare interpreter": (1.2, False),
    "strongroom get, agent | bare interpreter": (1, False),
    "vault.list, 100 of 2,000 | 100 of 1,000": (1.2, False),
    "scan of 4 MB for 200 secrets, agent | 40 MB/s": (1, False),
    "scan of 4 MB for 200 secrets, own key | 40 MB/s": (1, False),
    "PasswordHasher.hash, 19 MiB, t=2, p=1 | argon2-cffi": (1.25, False),
    "PasswordHasher.verify, 19 MiB, t=2, p=1 | argon2-cffi": (1.25, False),
    "named key, encrypt 16 B | Fernet": (1, True),
    "named key, decrypt 1 MiB | Fernet": (1, True),
    "Django, get, strongroom | plain field": (1.15, False),
    "Django, look up by value, strongroom | indexed plain field": (1.3, False),
    "named key, encrypt 1 MiB | openssl speed -evp aes-256-gcm": (0.8, True),
    "PostgreSQL: 32 keys in one call | 32 calls": (4, True),
    "PostgreSQL: get, 1 connections | psycopg, the same statement": (0.75, True),
    "PostgreSQL: get, 8 connections | psycopg, the same statement": (0.75, True),
}


@pytest.mark.timeout(1200)
def test_every_promised_line_is_measured() -> None:
    """A quick run prints each line with its goal; the sizes, which do not depend on the machine, keep theirs."""
    require_postgres()
    before = set((ROOT / "build").glob("bench-*"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", "bench", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1000)
    assert done.returncode == 0, done.stderr
    results = {f"{line['what']} | {line['against']}": line for line in json.loads(done.stdout)["results"]}
    assert {name: (results[name]["goal"], results[name]["at_least"]) for name in GOALS} == GOALS
    assert all(0 < line["low"] <= line["ratio"] <= line["high"] for line in results.values())
    sizes = [line for line in results.values() if line["unit"] == "B"]
    assert len(sizes) == 2
    assert all(line["ours"] > 64 for line in sizes)
    assert next(line["ours"] for line in sizes if "at once" in line["what"]) < 1024
    assert set((ROOT / "build").glob("bench-*")) == before


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
    assert cells(line)[-1] == verdict


def test_percentiles_are_interpolated() -> None:
    """p10 and p90 of known numbers."""
    values = [float(number) for number in range(11)]
    assert [percentile(values, share) for share in (0, 0.1, 0.5, 0.9, 1)] == [0, 1, 5, 9, 10]
    assert percentile([1.0, 2.0], 0.5) == 1.5
