"""What is asked of each program of the comparison about its files: by a thief, and by a stranger who changes them.

Each question is a function of a program with two values in it; it says what came of it, and whether that holds what
somebody who keeps passwords there would expect. `owner_questions` and `mishaps` have the others.
"""

from __future__ import annotations

import base64
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.compare.programs import Done, Program

FIRST, SECOND = "CHECKING_ACCOUNT", "SAVINGS_ACCOUNT"
VALUES = {FIRST: "canary-one-7f3c9a21", SECOND: "canary-two-b81e44d6"}
NEWER = "canary-new-55d0e7aa"
CHANGES = 16


class Outcome(NamedTuple):
    """What came of a question; *held* is None where nothing was promised or tried."""

    held: bool | None
    word: str


Question = Callable[[Program], Outcome]


def seen(done: Done, expected: str, **others: str) -> Outcome:
    """Whether a read refuses, or which value it gives."""
    for what, value in others.items():
        if done.gives(value):
            return Outcome(False, f"gives the {what} value")
    if done.code:
        return Outcome(True, "refuses")
    return Outcome(True, "gives the right value") if done.gives(expected) else Outcome(False, "gives something else")


def stored(program: Program, name: str, value: str) -> None:
    """Store a value that must be stored."""
    done = program.put(name, value)
    if done.code:
        raise RuntimeError(f"{program.name} did not store: {done.err[-300:]}")


def files(program: Program) -> list[Path]:
    """All files of the store."""
    return sorted(path for path in program.store.rglob("*") if path.is_file() and not path.is_symlink())


def value_at_rest(program: Program) -> Outcome:
    """A stored value, as it is or in base64, in any file of the store."""
    raw = VALUES[FIRST].encode()
    found = any(raw in path.read_bytes() or base64.b64encode(raw) in path.read_bytes() for path in files(program))
    return Outcome(False, "readable") if found else Outcome(True, "not there")


def name_at_rest(program: Program) -> Outcome:
    """The name of a value in a file of the store or in its path, also as ConfigParser writes it."""
    names = [FIRST.lower(), FIRST.replace("_", "_5F").lower()]
    texts = [path.read_bytes().decode("latin-1").lower() + str(path).lower() for path in files(program)]
    found = any(name in text for name in names for text in texts)
    return Outcome(False, "readable") if found else Outcome(True, "not there")


def readable_by_others(program: Program) -> Outcome:
    """A file of the store that another user of the machine can open, under the usual umask 022."""
    for path in files(program):
        above = [one for one in path.parents if program.store in one.parents]
        if path.stat().st_mode & stat.S_IROTH and all(one.stat().st_mode & stat.S_IXOTH for one in above):
            return Outcome(False, f"mode {oct(path.stat().st_mode)[-4:]}")
    return Outcome(True, "owner only")


def disk_taken(program: Program) -> Outcome:
    """Who has a copy of the whole disk, the home with its keys too, and nothing that runs, reads."""
    program.reboot()
    done = program.get(FIRST)
    return Outcome(False, "reads it") if done.gives(VALUES[FIRST]) else Outcome(True, "cannot read")


def changed_bytes(program: Program) -> Outcome:
    """One byte of the store is another: so many times, all over what is not zero, each time from the start."""
    kept = program.place / "kept"
    program.end_for_a_while()
    shutil.copytree(program.store, kept)
    contents = [(path.relative_to(program.store), path.read_bytes()) for path in files(program)]
    places = [(path, place) for path, content in contents for place, byte in enumerate(content) if byte]
    words = {"refused": 0, "did not matter": 0, "another value": 0}
    for number in range(CHANGES):
        path, place = places[(2 * number + 1) * len(places) // (2 * CHANGES)]
        content = bytearray((program.store / path).read_bytes())
        content[place] ^= 1
        (program.store / path).write_bytes(content)
        try:
            program.again()
            answers = [(program.get(name), value) for name, value in VALUES.items()]
        except (OSError, RuntimeError, subprocess.SubprocessError):
            answers = [(Done(1, "", ""), "")]  # its server does not even start
        if any(done.code == 0 and not done.gives(value) for done, value in answers):
            words["another value"] += 1
        else:
            words["refused" if any(done.code for done, _ in answers) else "did not matter"] += 1
        program.end_for_a_while()
        put_store_back(program, kept)
    shutil.rmtree(kept)
    return Outcome(not words["another value"], ", ".join(f"{count} {word}" for word, count in words.items() if count))


def put_store_back(program: Program, kept: Path) -> None:
    """Let the store be what it was, with everything else as it is."""
    shutil.rmtree(program.store)
    shutil.copytree(kept, program.store)


def swapped(program: Program) -> Outcome:
    """The stored forms of two values change places."""
    one, two = program.cut(FIRST), program.cut(SECOND)
    program.paste(FIRST, two)
    program.paste(SECOND, one)
    return seen(program.get(FIRST), VALUES[FIRST], other=VALUES[SECOND])


def one_put_back(program: Program) -> Outcome:
    """A value is changed; then what lay there for it before is put back."""
    old = program.cut(FIRST)
    stored(program, FIRST, NEWER)
    program.paste(FIRST, old)
    return seen(program.get(FIRST), NEWER, old=VALUES[FIRST])


def all_put_back(program: Program) -> Outcome:
    """A value is changed; then the whole store is put back, as from a backup."""
    kept = program.place / "kept"
    program.end_for_a_while()
    shutil.copytree(program.store, kept)
    program.again()
    stored(program, FIRST, NEWER)
    program.end_for_a_while()
    put_store_back(program, kept)
    try:
        program.again()
    except (OSError, RuntimeError):
        return Outcome(True, "refuses")
    return seen(program.get(FIRST), NEWER, old=VALUES[FIRST])


def wrong_key(program: Program) -> Outcome:
    """The program has another key, or another token, of the same kind."""
    program.lose_key()
    return seen(program.get(FIRST), "", stored=VALUES[FIRST])
