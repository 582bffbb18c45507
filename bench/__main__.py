"""One command prints the table: `python -m bench`, from the root of the checkout."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from bench import (
    agents,
    certificates,
    django_fields,
    django_logins,
    encrypted_files,
    files,
    growth,
    named_keys,
    passwords,
    postgres,
    scan,
)
from bench.measure import Result
from bench.rows import ROWS, Bench
from bench.table import machine, table

T = TypeVar("T")
VAULT_ROWS = (
    *ROWS, *agents.ROWS, *named_keys.ROWS, *files.ROWS, *encrypted_files.ROWS, *passwords.ROWS, *scan.ROWS,
    *certificates.ROWS, *django_fields.ROWS, *django_logins.ROWS, *postgres.ROWS,
)  # fmt: skip
BUILD = Path(__file__).resolve().parents[1] / "build"


def measure(directory: Path, *, grown: bool, quick: bool, only: str) -> list[Result]:
    """Run the benchmarks, or those of growth, whose name contains *only*, in order."""
    if grown:
        return run(growth.ROWS, growth.Growth(directory, quick=quick), only)
    return run(VAULT_ROWS, Bench(directory, quick=quick), only)


def run(rows: Sequence[Callable[[T], Iterator[Result]]], bench: T, only: str) -> list[Result]:
    """The lines of each row whose name contains *only*."""
    results: list[Result] = []
    for row in rows:
        if only in row.__name__:
            print(f"measuring {row.__name__.replace('_', ' ')}", file=sys.stderr, flush=True)
            results.extend(row(bench))
    return results


def main() -> None:
    """Measure in a directory under build/, print, clean up."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="strongroom beside its peers, in one run")
    parser.add_argument("--json", action="store_true", help="all numbers, for programs")
    parser.add_argument("--quick", action="store_true", help="a few rounds, to see that everything runs")
    parser.add_argument("--growth", action="store_true", help="what a million secrets cost beside ten thousand")
    names = [row.__name__ for row in (*VAULT_ROWS, *growth.ROWS)]
    parser.add_argument("--only", default="", metavar="WORD", help=f"of {', '.join(names)}")
    options = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
    # The anchors of these vaults go with them.
    os.environ["XDG_STATE_HOME"] = str(directory / "state")
    try:
        results = measure(directory, grown=options.growth, quick=options.quick, only=options.only)
    finally:
        shutil.rmtree(directory)
    if options.json:
        print(json.dumps({"machine": machine(), "results": [one.as_json() for one in results]}, indent=1))
    else:
        print(table(results))


if __name__ == "__main__":
    main()
