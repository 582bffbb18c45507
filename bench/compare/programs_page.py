"""Ask everything of every program, and write docs/comparison.md.

python -m bench.compare.programs_page               ask, keep the answers in bench/results/, write the page
python -m bench.compare.programs_page --only WORD   ask one program anew; the others' kept answers stay, all are timed
python -m bench.compare.programs_page --page        write the page from the answers that are kept

--asking WORD asks only the questions that have the word, prints the answers, and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.compare.comparison_text import PAGE, QUESTIONS, RESULTS, TIME, page
from bench.compare.file_programs import Age, Plain, Sops
from bench.compare.keyrings import KeyringAlt, KeyringDesktop
from bench.compare.openbao import OpenBao
from bench.compare.ours import Strongroom, StrongroomAgent
from bench.compare.owner_questions import take_turns
from bench.compare.pass_program import Pass
from bench.compare.programs import NotHere, Program, clean_environment
from bench.compare.questions import VALUES, Outcome, Question, one_put_back, stored, swapped

# In the order of the tables.
PROGRAMS: tuple[type[Program], ...] = (
    Strongroom, StrongroomAgent, Plain, KeyringDesktop, KeyringAlt, Pass, Age, Sops, OpenBao,
)  # fmt: skip
# Most of their time they wait for disks and servers.
SLOWEST_FIRST = (OpenBao, StrongroomAgent, Strongroom, KeyringDesktop, KeyringAlt, Pass, Sops, Age, Plain)
AT_A_TIME = 3
Answers = dict[str, dict[str, Any]]


def fresh(kind: type[Program], directory: str) -> Program:
    """The program with the two values.

    Raises: NotHere: it is not installed.
    """
    Path(directory).chmod(0o755)
    program = kind(Path(directory))
    try:
        for name, value in VALUES.items():
            stored(program, name, value)
    except BaseException:
        program.end()
        raise
    return program


def ask_one(kind: type[Program], question: Question) -> Outcome:
    """A question on a store of its own, so that it does not meet what another one has done."""
    if question in (swapped, one_put_back) and kind.with_open_entries:
        kind = kind.with_open_entries
    with tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True) as directory:
        program = None
        try:
            program = fresh(kind, directory)
            return question(program)
        except NotHere as error:
            return Outcome(None, str(error))
        finally:
            if program is not None:
                program.end()


def ask(kind: type[Program], questions: dict[str, Question]) -> dict[str, dict[str, Any]]:
    """What came of each question, by which function, when, and in how many seconds; also where it broke off."""
    answers = {}
    for text, question in questions.items():
        at, begun = datetime.now(UTC), time.monotonic()
        try:
            held, word = ask_one(kind, question)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"error: {kind.name}: {text}: {error}", file=sys.stderr, flush=True)
            held, word = None, "could not be asked to its end"
        seconds = time.monotonic() - begun
        answers[text] = origin(question.__module__, question.__name__, at, seconds) | {"held": held, "word": word}
        print(f"{kind.name}: {text}: {word} ({seconds:.0f} s)", file=sys.stderr, flush=True)
    return answers


def origin(module: str, name: str, at: datetime, seconds: float) -> dict[str, Any]:
    """Where a cell comes from."""
    return {"by": f"{module}.{name}", "at": at.isoformat(timespec="seconds"), "seconds": round(seconds, 1)}


def ask_time(kinds: Iterable[type[Program]]) -> Answers:
    """All programs beside each other: their versions, and their times in turn."""
    with ExitStack() as cleanup:
        programs = []
        for kind in kinds:
            place = tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True)
            programs.append(fresh(kind, cleanup.enter_context(place)))
            cleanup.callback(programs[-1].end)
        at, begun = datetime.now(UTC), time.monotonic()
        times = take_turns(programs)
        cell = origin(take_turns.__module__, take_turns.__name__, at, time.monotonic() - begun)
        found: Answers = {}
        for program in programs:
            held, word = times[program.name]
            found[program.name] = {"setup": program.setup, "version": program.version()}
            found[program.name]["answers"] = {TIME: cell | {"held": held, "word": word}}
        return found


def machine() -> str:
    """What this was asked on."""
    release = platform.freedesktop_os_release()
    return f"{release.get('PRETTY_NAME', sys.platform)}, Python {platform.python_version()}, {os.cpu_count()} cores"


def measure(kinds: Iterable[type[Program]], questions: dict[str, Question]) -> Answers:
    """All answers of these programs, but for their times."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        asked = {kind.name: pool.submit(ask_all, kind, questions) for kind in SLOWEST_FIRST if kind in kinds}
        return {name: future.result() for name, future in asked.items()}


def ask_all(kind: type[Program], questions: dict[str, Question]) -> dict[str, Any]:
    """What is kept of a program, but for its time."""
    began = datetime.now(UTC)
    answers = ask(kind, questions)
    return {"setup": kind.setup, "version": "", "asked": span(began), "answers": answers}


def span(began: datetime) -> dict[str, str]:
    """From then until now."""
    return {"began": began.isoformat(timespec="seconds"), "ended": datetime.now(UTC).isoformat(timespec="seconds")}


def keep(programs: Answers) -> dict[str, Any]:
    """These answers, and the times of all programs.

    Raises: RuntimeError: a program has never been asked.
    """
    never = [kind.name for kind in PROGRAMS if kind.name not in programs]
    if never:
        raise RuntimeError(f"never asked: {', '.join(never)}")
    began, result = datetime.now(UTC), {}
    for name, one in ask_time(PROGRAMS).items():
        kept = programs[name]
        kept["answers"] = {text: answer for text, answer in kept["answers"].items() if text in QUESTIONS}
        result[name] = kept | {"version": one["version"], "answers": kept["answers"] | one["answers"]}
    return {"timed": span(began), "machine": machine(), "programs": result}


def main() -> int:
    """Ask, keep, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare.programs_page", description="ask other programs")
    parser.add_argument("--only", default="", metavar="WORD", help="ask the programs whose name has the word")
    parser.add_argument("--asking", default="", metavar="WORD", help="ask only these questions; print, keep nothing")
    parser.add_argument("--page", action="store_true", help="ask nothing: write the page from the kept answers")
    options = parser.parse_args()
    clean_environment()
    if not options.page:
        chosen = [kind for kind in PROGRAMS if options.only in (kind.__name__, *kind.name.split(), "")]
        found = measure(chosen, {text: one for text, one in QUESTIONS.items() if options.asking in text})
        if options.asking:
            print(json.dumps(found, indent=1))
            return 0
        before = json.loads(RESULTS.read_text(encoding="utf-8"))["programs"] if RESULTS.exists() else {}
        RESULTS.parent.mkdir(exist_ok=True)
        # What was asked is not asked again because something else went wrong after it.
        RESULTS.write_text(json.dumps({"programs": before | found}, indent=1) + "\n", encoding="utf-8")
        RESULTS.write_text(json.dumps(keep(before | found), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
