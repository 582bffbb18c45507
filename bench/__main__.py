"""One command prints the table: `python -m bench`, from the root of the checkout."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from bench.goals import verdicts
from bench.groups import names
from bench.running import Results, run
from bench.table import goals_table, table

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Measure, print; exit code 1 when a row has failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="strongroom beside its peers, in one run")
    parser.add_argument("--json", action="store_true", help="all numbers, for programs")
    parser.add_argument("--quick", action="store_true", help="a few rounds, to see that everything runs")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep what is measured in FILE, each row as it comes")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only", default="", metavar="WORD", help=f"the rows with WORD in their name, of: {', '.join(names())}"
    )
    which.add_argument("--missing", action="store_true", help="those that FILE has not, whole and without failure")
    options = parser.parse_args()
    if options.missing and not options.keep:
        parser.error("--missing needs --keep")
    wanted = names(options.only)
    if not wanted:
        parser.error(f"no row has {options.only!r} in its name")
    results = Results(options.keep)
    if options.missing:
        wanted = results.missing(wanted)
    elif not options.only:
        results.clear()
    # Ended as by Ctrl-C: servers and files of the row that is measured go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(wanted, quick=options.quick, keep=results.keep)
    except KeyboardInterrupt:
        print("bench: ended before its last row; with --keep FILE, --missing goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(report(results, wanted, as_json=options.json))


def report(results: Results, wanted: list[str], *, as_json: bool) -> int:
    """Print what was measured now; the exit code."""
    entries = {name: results.entries[name] for name in wanted}
    if as_json:
        goals = [{"says": one.goal.says, "verdict": one.word} for one in verdicts(entries)]
        print(json.dumps({"rows": entries, "goals": goals}, indent=1))
    else:
        print(f"{table(entries)}\n\n{goals_table(entries)}")
    failed = [name for name, kept in entries.items() if kept["failed"]]
    for name in failed:
        print(f"failed: {name}: {entries[name]['failed']}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    main()
