"""Run fuzzers: see the package."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fuzz.target import Target

BUILD = Path(__file__).parent.parent / "build" / "fuzz"
SECONDS_FOR_ONE_INPUT = 10
MEMORY_MIB = 1_024
INPUT_BYTES_MAX = 16_384


def targets() -> dict[str, Target]:
    """All of them, by name."""
    from fuzz import django_targets, file_targets, store_targets, vault_targets, web_targets

    rooms = (vault_targets, file_targets, web_targets, django_targets, store_targets)
    return {one.name: one for room in rooms for one in room.TARGETS}


def by_turns(chosen: Sequence[Target]) -> Callable[[bytes], None]:
    """One function for several parsers: the first byte says which one reads the rest."""

    def run(data: bytes) -> None:
        if data:
            chosen[data[0] % len(chosen)](data[1:])

    return run


def fuzz(names: Sequence[str], seconds: int) -> int:
    """Fuzz the parsers *names* in this process, which ends with it.

    Returns: never; the process ends with 0 when nothing was found.
    """
    import atheris

    with atheris.instrument_imports(include=["strongroom"]):
        known = targets()
    chosen = [known[name] for name in names or known]
    place = BUILD / ("-".join(names) if len(names) == 1 else "all")
    corpus = place / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, target in enumerate(chosen):
        for index, seed in enumerate(target.seeds()):
            head = b"" if len(chosen) == 1 else bytes([number])
            (corpus / f"seed-{target.name}-{index}").write_bytes(head + seed)
    options = [
        f"-max_total_time={seconds}", f"-timeout={SECONDS_FOR_ONE_INPUT}", f"-rss_limit_mb={MEMORY_MIB}",
        f"-max_len={INPUT_BYTES_MAX}", f"-artifact_prefix={place}/found-", "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    run: Callable[[bytes], None] = chosen[0] if len(chosen) == 1 else by_turns(chosen)
    atheris.Setup([sys.argv[0], str(corpus), *options], run)
    atheris.Fuzz()
    return 0


def each(names: Sequence[str], seconds: int) -> int:
    """Fuzz the parsers *names* one after the other, each in a process of its own.

    Returns: how many of them something was found in.
    """
    found = 0
    for name in names:
        print(f"{name}: ", end="", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "fuzz", "--here", "--seconds", str(seconds), name],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        runs = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{runs[0] if runs else '?'} inputs, {'nothing found' if done.returncode == 0 else 'FOUND'}")
        if done.returncode != 0:
            found += 1
            print(done.stdout[-4_000:] + done.stderr[-4_000:])
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="fuzz the parsers of untrusted bytes")
    parser.add_argument("names", nargs="*", help="of parsers; all by turns in one process if none is named")
    parser.add_argument("--seconds", type=int, default=20, help="for each")
    parser.add_argument("--each", action="store_true", help="all of them, each in a process of its own")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    # Vaults that are made for their bytes leave no anchors in the user's own directory.
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        if options.list:
            print(*targets(), sep="\n")
            return 0
        unknown = set(options.names) - set(targets()) if options.names and not options.here else set()
        if unknown:
            parser.error(f"no parser is called {', '.join(sorted(unknown))}; see --list")
        if options.each or (options.names and not options.here):
            return each(options.names or list(targets()), options.seconds)
        return fuzz(options.names, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
