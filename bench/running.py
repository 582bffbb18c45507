"""Runs groups of rows in processes of their own, and keeps what they measure as it comes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Timer
from typing import Any

from bench.versions import machine

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
# No row takes a third of it; a row that hangs takes no other's place.
ROW_SECONDS = 1_800.0
END_SECONDS = 30.0

# What is kept of a row: date, machine, quick, versions, seconds, failed (None or why), results.
Kept = dict[str, Any]
Entries = dict[str, Kept]


def run(
    wanted: Iterable[str], *, quick: bool, keep: Callable[[str, Kept], None], worker: str = "bench.worker"
) -> None:
    """Measure the rows *wanted*, each named ``group: row``, and call *keep* after each of them.

    Args:
        worker: the module that measures, as a process.
    """
    groups: dict[str, list[str]] = {}
    for name in wanted:
        group, _, row = name.partition(": ")
        groups.setdefault(group, []).append(row)
    for group, rows in groups.items():
        left = list(rows)
        while left:
            for row, kept in _worker(group, list(left), quick=quick, worker=worker):
                keep(f"{group}: {row}", kept)
                left.remove(row)


def _worker(group: str, rows: list[str], *, quick: bool, worker: str) -> Iterator[tuple[str, Kept]]:
    """What one process measures: all *rows*, or those until the one that it did not survive."""
    row = rows[0]
    begun: Kept = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "quick": quick, "versions": {}}
    kept = begun | {"results": []}
    late = Event()
    with _started(worker, group, rows, quick=quick) as (process, lines):
        timer = _timer(process, late)
        for line in lines:
            said = json.loads(line)
            if "versions" in said:
                begun["versions"] = said["versions"]
            elif "row" in said:
                row, kept = said["row"], begun | {"results": []}
                print(f"measuring {group}: {row}", file=sys.stderr, flush=True)
            elif "result" in said:
                kept["results"].append(said["result"])
            else:
                timer.cancel()
                yield row, kept | said
                rows = [name for name in rows if name != row]
                row = rows[0] if rows else ""
                timer = _timer(process, late)
        timer.cancel()
    if rows:
        why = f"no end within {ROW_SECONDS / 60:.0f} minutes" if late.is_set() else f"ended with {process.returncode}"
        yield rows[0], begun | kept | {"seconds": None, "failed": f"its process: {why}"}


def _timer(process: subprocess.Popen[bytes], late: Event) -> Timer:
    def end() -> None:
        late.set()
        _end(process)

    timer = Timer(ROW_SECONDS, end)
    timer.daemon = True
    timer.start()
    return timer


@contextmanager
def _started(
    worker: str, group: str, rows: list[str], *, quick: bool
) -> Iterator[tuple[subprocess.Popen[bytes], Iterable[str]]]:
    BUILD.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
    reading, writing = os.pipe()
    words = [group, str(directory), str(writing), "quick" if quick else "whole", *rows]
    # The anchors of these vaults go with them.
    environment = {**os.environ, "XDG_STATE_HOME": str(directory / "state")}
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", worker, *words], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            stdout=sys.stderr, pass_fds=(writing,), start_new_session=True,
        )  # fmt: skip
        os.close(writing)
        try:
            with os.fdopen(reading, encoding="utf-8") as lines:
                yield process, lines
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        finally:
            _end(process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C would, so that the row ends its servers; then all that it has left behind."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            print("bench: a process did not end: it is killed", file=sys.stderr)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # nobody is left, as it should be
        return


class Results:
    """What is kept of each row, written to *path* after each of them; in memory only when it is None."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.entries: Entries = {}
        if path is not None and path.exists():
            self.entries = json.loads(path.read_text(encoding="utf-8"))["rows"]

    def clear(self) -> None:
        """Forget what was kept before: all is measured anew."""
        self.entries = {}

    def keep(self, name: str, kept: Kept) -> None:
        """Put the row in the place of what was kept of it."""
        self.entries[name] = kept
        if self.path is not None:
            self.path.parent.mkdir(exist_ok=True)
            fresh = self.path.with_suffix(".new")
            fresh.write_text(self.encoded(), encoding="utf-8")
            fresh.replace(self.path)

    def encoded(self) -> str:
        """The file's text."""
        return json.dumps({"rows": self.entries}, indent=1) + "\n"

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those of *wanted* that were not measured whole: never, by a quick run, or with a failure."""
        held = self.entries
        return [name for name in wanted if name not in held or held[name]["quick"] or held[name]["failed"]]
