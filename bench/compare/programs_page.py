"""Ask everything of every program, and write docs/comparison.md.

python -m bench.compare.programs_page [--only WORD]    ask, keep the answers in bench/results/, write the page
python -m bench.compare.programs_page --page           write the page from the answers that are kept
"""

# ruff: noqa: E501 - paragraphs of the page are lines
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.compare.more_programs import Keyring, OpenBao, Strongroom, clean_environment
from bench.compare.programs import Age, NotHere, Pass, Plain, Program, Sops
from bench.compare.questions import FIRST, QUESTIONS, VALUES, Outcome, Question, read_seconds, stored

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "comparison.json"
PAGE = ROOT / "docs" / "comparison.md"
PROGRAMS: tuple[type[Program], ...] = (Strongroom, Plain, Keyring, Pass, Age, Sops, OpenBao)
TIME = "time of one read"

Answers = dict[str, dict[str, Any]]


def fresh(kind: type[Program], directory: str) -> Program:
    """The program with the two values.

    Raises: NotHere: it is not installed.
    """
    Path(directory).chmod(0o755)
    program = kind(Path(directory))
    for name, value in VALUES.items():
        stored(program, name, value)
    return program


def ask(kind: type[Program], questions: dict[str, Question]) -> dict[str, Outcome]:
    """Each question on a store of its own, so that none meets what another one has done."""
    answers = {}
    for text, question in questions.items():
        with tempfile.TemporaryDirectory(prefix="compare-") as directory:
            program = None
            try:
                program = fresh(kind, directory)
                answers[text] = question(program)
            except NotHere as error:
                answers[text] = Outcome(None, f"not run here: {error}")
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                print(f"{kind.name}: {text}: {error}", file=sys.stderr)
                answers[text] = Outcome(None, "not run here: it could not be set up")
            finally:
                if program is not None:
                    program.end()
    return answers


def measure(kinds: Iterable[type[Program]]) -> Answers:
    """All answers, versions and times."""
    found: Answers = {}
    for kind in kinds:
        print(f"asking {kind.name}", file=sys.stderr, flush=True)
        found[kind.name] = {"setup": kind.setup, "version": "", "milliseconds": None}
        found[kind.name]["answers"] = {text: list(one) for text, one in ask(kind, QUESTIONS).items()}
        with tempfile.TemporaryDirectory(prefix="compare-") as directory:
            program = None
            try:
                program = fresh(kind, directory)
                found[kind.name]["version"] = program.version()
                found[kind.name]["milliseconds"] = round(read_seconds(program) * 1000, 1)
            except (NotHere, RuntimeError, OSError, subprocess.SubprocessError) as error:
                print(f"{kind.name}: no time: {error}", file=sys.stderr)
            finally:
                if program is not None:
                    program.end()
    return found


def cell(answer: list[Any]) -> str:
    """Bold is what a program does not hold."""
    held, word = answer
    text = str(word).replace("|", "\\|")
    return f"**{text}**" if held is False else text


def table(found: Answers) -> str:
    """The programs side by side."""
    heads = [f"{name} {one['version']}".strip() for name, one in found.items()]
    lines = [f"| what was done | {' | '.join(heads)} |", f"|{' --- |' * (len(heads) + 1)}"]
    lines.append(f"| *set up with* | {' | '.join(one['setup'] for one in found.values())} |")
    for text in QUESTIONS:
        lines.append(f"| {text} | {' | '.join(cell(one['answers'][text]) for one in found.values())} |")
    ours = found["strongroom"]["milliseconds"]
    times = []
    for one in found.values():
        taken = one["milliseconds"]
        times.append(
            "not run here" if taken is None or ours is None else f"{taken:.0f} ms ({taken / ours:.1f} of ours)"
        )
    return "\n".join([*lines, f"| {TIME}, as a command | {' | '.join(times)} |"])


def page(found: Answers) -> str:
    """The whole page."""
    return TEXT.replace("TABLE", table(found))


TEXT = f"""<!-- made by `python -m bench.compare.programs_page` from bench/results/comparison.json: change those -->
# Beside other programs

What programs that keep secrets do when something is done to them. No cell below is anybody's opinion: `python -m bench.compare.programs_page` sets up each program as its manual says, stores two values (`{FIRST}` is the first one's name) through its command line, does what the row says, reads again, and writes this page. **Bold** is what somebody who keeps passwords there would not expect. What is not installed, or cannot be done to a program, says *not run here*.

TABLE

## What was done
* **In the files, in the arguments.** Every file of the store, and every path, is searched for the value, its base64, and its name. `strace` watches every process that a write and a read start: what is among its arguments and variables another process can see, and what it writes to files can be found on the disk later. The file's mode is what is left under `umask 022`.
* **A stranger at the store** can write to it and has no key: changes a byte, lets two ciphertexts change places, puts an older one back. *Refuses* means that reading ends with an error. A directory of files with one value in each holds nothing that ties a file to its name; a file with one checksum over all values notices a swap, and nothing inside a file can notice that all of it is an older one. strongroom remembers on each machine which state of the whole store it has seen; one item put back is handed out by a read and named by `strongroom verify` ([threat model](threat-model.md)).
* **Another key** is another identity, passphrase or token of the same kind.
* **Cron** has a home directory, `PATH`, and settings that are no secrets.
* **Kills.** `strace` kills the writing process at calls that touch the store, spread over all of them; OpenBao's server is killed while it stores. Then both values are read: each must be what it was or what it was to become. Whether the disk is asked is seen as `fsync` on a file of the store: without one, a power cut may take what the command said was stored.
* **At the same time.** All commands start together. *Lost* is what a command said it had stored and what is not there; *refused* is what it said it had not.
* **Time** is a whole command, from its start to its end, a few times on one machine: compare the ratios. [Benchmarks](benchmarks.md) has more.

## What is not compared
OpenBao is a server: it holds its keys in memory and asks every reader for a token, and its operator, not the reader, can read the store. age encrypts files and does not claim to be a store, and SOPS keeps settings in version control, where an older state is wanted. keyring's other backends ask the desktop, which a cron job does not have. pass can sign its files (`PASSWORD_STORE_SIGNING_KEY`), which was not set up here.

The libraries that encrypt Django's fields have [a table of their own](django-fields.md#the-libraries), made by `bench/compare/django_fields.py`.
"""


def main() -> None:
    """Ask, keep, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare.programs_page", description="ask other programs")
    parser.add_argument("--only", default="", metavar="WORD", help="print the answers of these programs, write nothing")
    parser.add_argument("--page", action="store_true", help="ask nothing: write the page from the kept answers")
    options = parser.parse_args()
    clean_environment()
    if options.only:
        print(json.dumps(measure(kind for kind in PROGRAMS if options.only in kind.name), indent=1))
        return
    if not options.page:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(measure(PROGRAMS), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
