"""What is asked of each program of the comparison for its owner: jobs, readers, records, keys, size."""

from __future__ import annotations

import re
import subprocess
import time
from importlib import metadata
from pathlib import Path
from statistics import median

from bench.compare.programs import Done, NoCommand, NotHere, Program, run, wait_for
from bench.compare.questions import FIRST, NEWER, SECOND, VALUES, Outcome

ROUNDS = 15
# Were one of these words in a program's help, the answer "no command" would be wrong, and the run ends.
WORDS = {
    "share": "policy|grant|permission", "expire": "expir|ttl", "older": r"history|rollback|undelete",
    "renew_key": "rotat|rekey", "record": "audit",
}  # fmt: skip


def has_no_command(program: Program, what: str) -> Outcome:
    """Look for words of it in the program's help.

    Raises: RuntimeError: there is one.
    """
    for command in program.help_commands:
        done = run(command, program.environment())
        found = re.search(WORDS[what], done.out + done.err, re.IGNORECASE)
        if found:
            raise RuntimeError(f"{program.name}: its help speaks of {found[0]}")
    return Outcome(False, "no command")


def without_terminal(program: Program) -> Outcome:
    """Read with no terminal, and nothing among the variables that only a person's session has."""
    environment = {name: text for name, text in program.environment().items() if name not in program.session}
    if run(program.getting(FIRST), environment).gives(VALUES[FIRST]):
        return Outcome(True, "works")
    if program.session and program.get(FIRST).gives(VALUES[FIRST]):
        return Outcome(False, "only with the address of a session's bus")
    return Outcome(False, "does not work")


def after_restart(program: Program) -> Outcome:
    """All that runs is ended; then a job reads before anybody has logged in."""
    program.reboot()
    return Outcome(True, "works") if program.get(FIRST).gives(VALUES[FIRST]) else Outcome(False, "waits for a person")


def another_reader(program: Program) -> Outcome:
    """Somebody else, who has no key of the owner's, may read one value and not the other."""
    try:
        how, allowed, refused = program.share(FIRST, SECOND)
    except NoCommand:
        return has_no_command(program, "share")
    if refused.gives(VALUES[SECOND]):
        return Outcome(False, "reads the other too")
    if not allowed.gives(VALUES[FIRST]):
        raise RuntimeError(f"{program.name} does not share: {allowed.err[-300:]}")
    return Outcome(True, how)


def read_on_record(program: Program) -> Outcome:
    """After a read, a record of the program's own has the name of what was read."""
    try:
        record = program.record(FIRST)
    except NoCommand:
        return has_no_command(program, "record")
    if re.search(rf"read\W.*{FIRST}|{FIRST}.*read\W", record):
        return Outcome(True, "yes")
    return Outcome(False, "not in this set-up")


def older_value(program: Program) -> Outcome:
    """A value is stored over another; the older one is asked for."""
    try:
        done = program.older(FIRST, "canary-before", "canary-after")
    except NoCommand:
        return has_no_command(program, "older")
    if not done.gives("canary-before"):
        raise RuntimeError(f"{program.name} does not give the older value: {done.out} {done.err[-300:]}")
    return Outcome(True, "yes")


def expired(program: Program) -> Outcome:
    """A value is stored for three seconds, read, and read until it is refused."""
    try:
        done = program.expire(FIRST, NEWER)
    except NoCommand:
        return has_no_command(program, "expire")
    if done.code:
        raise RuntimeError(f"{program.name} stores nothing that expires: {done.err[-300:]}")
    try:
        wait_for(lambda: _refused(program.get(FIRST)))
    except OSError:
        return Outcome(False, "still read")
    return Outcome(True, "refused after its time")


def _refused(done: Done) -> None:
    if done.code == 0:
        raise OSError("not yet")


def key_replaced(program: Program) -> Outcome:
    """A new key takes the old one's place; the store is read with the old one, and with the new one."""
    try:
        with_old, with_new = program.renew_key(FIRST)
    except NoCommand:
        return has_no_command(program, "renew_key")
    if not with_new.gives(VALUES[FIRST]):
        raise RuntimeError(f"{program.name} cannot be read with its new key: {with_new.err[-300:]}")
    return Outcome(False, "the old one still opens") if with_old.gives(VALUES[FIRST]) else Outcome(True, "yes")


def installed_size(program: Program) -> Outcome:
    """The files that its packages bring, and those they need; a Debian without extras, and Python, are there."""
    total = sum(map(_size, program.binaries))
    if program.apt:
        total += debian_bytes(program.apt)
    total += sum(_distribution_bytes(name) for name in python_closure(program.pip))
    python = " beside Python" if program.pip else ""
    return Outcome(None, f"{total / 1e6:.1f} MB{python}" if total else "nothing")


def _size(path: str) -> int:
    return Path(path).resolve().stat().st_size


def python_closure(names: tuple[str, ...]) -> set[str]:
    """These distributions, and those that they need here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            if name in (re.sub(r"[-_.]+", "-", one).lower() for one in names):
                raise NotHere(name) from None
            continue  # needed on other systems or Pythons only, and so not installed
        found.add(name)
        waiting += [re.split(r"[\s;<>=!~\[(]", need)[0] for need in needs if "extra ==" not in need]
    return found


def _distribution_bytes(name: str) -> int:
    files = metadata.files(name) or []
    paths = {Path(str(one.locate())) for one in files if one.suffix != ".pyc"}
    return sum(path.stat().st_size for path in paths if path.is_file())


def debian_bytes(names: tuple[str, ...]) -> int:
    """What dpkg says that these packages take, with what they need and every Debian does not have anyway."""
    names_of = ("Package", "Installed-Size", "Essential", "Priority")
    shown = "".join(f"${{{name}}}\t" for name in names_of) + "${Depends}, ${Pre-Depends}\n"
    asked = subprocess.run(["dpkg-query", "-W", "-f", shown], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in asked.stdout.splitlines()]
    sizes = {row[0]: int(row[1] or 0) * 1024 for row in rows}
    needs = {row[0]: re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", row[4]) for row in rows}
    base = _closure([row[0] for row in rows if row[2] == "yes" or row[3] in ("required", "important")], needs)
    wanted = _closure(list(names), needs)
    if not set(names) <= wanted & set(sizes):
        raise NotHere(f"Debian's packages {', '.join(names)}")
    return sum(sizes[name] for name in wanted - base)


def _closure(names: list[str], needs: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in needs and name not in found:
            found.add(name)
            waiting += needs[name]
    return found


def take_turns(programs: list[Program]) -> dict[str, Outcome]:
    """How long one read takes, as a process: all programs in turn, so many rounds; ratios round by round."""
    taken: dict[str, list[float]] = {program.name: [] for program in programs}
    for _ in range(ROUNDS):
        for program in programs:
            start = time.perf_counter()
            done = program.get(FIRST)
            taken[program.name].append(time.perf_counter() - start)
            if not done.gives(VALUES[FIRST]):
                raise RuntimeError(f"{program.name} does not read: {done.err[-300:]}")
    ours = taken[programs[0].name]
    answers = {}
    for name, times in taken.items():
        ratio = median(one / other for one, other in zip(times, ours, strict=True))
        spread = f"{median(times) * 1000:.0f} ms ({min(times) * 1000:.0f} to {max(times) * 1000:.0f})"
        answers[name] = Outcome(None, spread if times is ours else f"{spread}, {ratio:.2g} times ours")
    return answers

