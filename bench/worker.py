"""Measures rows of one group in a process of its own: ``python -m bench.worker GROUP DIRECTORY FD ROW...``.

Each result is a line of JSON on the descriptor FD as soon as it is known, so that what ends this process takes
nothing with it that was measured before. Started by `bench.running`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from bench.groups import GROUPS, prepare, shown
from bench.versions import versions

ROOT = Path(__file__).resolve().parents[1]
REASON_MAX = 200


def reason(error: BaseException, directory: Path) -> str:
    """One line that says what went wrong, without the places of this machine."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    for place in (str(directory), str(ROOT), sys.prefix, sys.base_prefix, str(Path.home())):
        text = text.replace(place, "...")
    return text[:REASON_MAX]


def measure(group: str, wanted: list[str], directory: Path, *, quick: bool, out: TextIO) -> None:
    """Call the *wanted* rows in order; a failure ends its own row and no other."""

    def say(**line: Any) -> None:
        print(json.dumps(line), file=out, flush=True)

    bench: Any = None
    say(versions=versions(GROUPS[group].versions))
    for row in GROUPS[group].rows:
        if shown(row) not in wanted:
            continue
        say(row=shown(row))
        started = time.monotonic()
        failed = None
        try:
            if bench is None:
                bench = prepare(group, directory, quick=quick)
            for one in row(bench):
                say(result=one.as_json())
        except Exception as error:  # whatever a row raises is its result
            traceback.print_exc()
            failed = reason(error, directory)
        say(seconds=round(time.monotonic() - started, 1), failed=failed)


def main() -> None:
    """What `bench.running` has asked for."""
    # Also where a shell has started all this with SIGINT ignored, as it does behind an ampersand.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    group, directory, descriptor, quick, *wanted = sys.argv[1:]
    with os.fdopen(int(descriptor), "w", encoding="utf-8") as out:
        os.set_inheritable(out.fileno(), False)
        measure(group, wanted, Path(directory), quick=quick == "quick", out=out)


if __name__ == "__main__":
    main()
