"""What is asked of each program of the comparison when it is watched, killed, and run many times at once."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from bench.compare.programs import Program
from bench.compare.questions import FIRST, SECOND, VALUES, Outcome, put_store_back
from bench.compare.tracing import killed_write, traced

KILLS, TRIES, WRITERS = 32, 160, 8
# Its multiples, less the whole parts, are spread evenly however many are taken.
GOLDEN = 0.618034
WRITES = re.compile(r"p?write(?:64)?\(\d+<(/[^>]*)>")
CREATES = re.compile(r'openat\([^"]*"([^"]+)", [A-Z_|]*O_CREAT[A-Z_|]*, 0(\d+)\)')
ADDRESS = re.compile(r'connect\(.*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")')


def write_lines(program: Program) -> list[str]:
    """What strace sees of a write."""
    command, stdin = program.putting(FIRST, VALUES[FIRST])
    return traced(program, command, stdin)


def on_show(program: Program) -> Outcome:
    """The value, or a key, among the arguments and variables of any process, at a write and at a read."""
    lines = write_lines(program) + traced(program, program.getting(FIRST))
    started = "\n".join(line for line in lines if "execve(" in line)
    found = [what for what, texts in {"value": [VALUES[FIRST]], "key": program.keys}.items()
             if any(text in started for text in texts)]  # fmt: skip
    return Outcome(False, f"the {' and the '.join(found)}") if found else Outcome(True, "nothing")


def plaintext_written(program: Program) -> Outcome:
    """The value in what is written to any file while it is stored."""
    for line in write_lines(program):
        found = WRITES.search(line)
        if found and VALUES[FIRST] in line and not found[1].startswith(("/dev/", "/proc/")):
            return Outcome(False, "into a temporary file" if str(program.store) not in found[1] else "into the store")
    return Outcome(True, "no")


def created_readable(program: Program) -> Outcome:
    """A file of the store that others can open from the moment it is made, though its mode may change later."""
    with tempfile.TemporaryDirectory(prefix="compare-") as directory:
        Path(directory).chmod(0o755)
        empty = type(program)(Path(directory))
        try:
            mask = umask_of(empty.server_pid())
            for line in write_lines(empty):
                if changed := re.search(r"\bumask\(0(\d+)\)", line):
                    mask = int(changed[1], 8)
                if not (made := CREATES.search(line)) or not made[1].startswith(str(empty.store)):
                    continue
                above = [one for one in Path(made[1]).parents if empty.store in one.parents]
                is_reached = all(one.exists() and one.stat().st_mode & 0o001 for one in above)
                if int(made[2], 8) & ~mask & 0o004 and is_reached:
                    return Outcome(False, f"made with mode {int(made[2], 8) & ~mask:04o}")
        finally:
            empty.end()
    return Outcome(True, "owner only")


def umask_of(server: int | None) -> int:
    """The umask of the server, or of a command that starts now."""
    status = Path("/proc", str(server or "self"), "status").read_text(encoding="utf-8")
    found = re.search(r"^Umask:\s+(\d+)", status, re.MULTILINE)
    return int(found[1], 8) if found else 0o022


def synced(program: Program) -> Outcome:
    """Whether the disk was asked to keep the store before the command said that it is done."""
    asked = re.compile(r"\b(?:fsync|fdatasync)\(\d+<" + re.escape(str(program.store)))
    is_asked = any(asked.search(line) for line in write_lines(program))
    return Outcome(is_asked, "yes" if is_asked else "no")


def other_machines(program: Program) -> Outcome:
    """Addresses of other machines that a write or a read connects to."""
    lines = write_lines(program) + traced(program, program.getting(FIRST))
    found = {one or other for line in lines for one, other in ADDRESS.findall(line)}
    far = sorted(one for one in found if not one.startswith("127.") and one != "::1")
    return Outcome(False, ", ".join(far)) if far else Outcome(True, "none")


def killed(program: Program) -> Outcome:
    """Kill -9, spread evenly over the time that a write is at the store's files; then both values are read.

    Each of the two must be what it was, or what it was to become; a store that lost one is put back for the next kill.
    """
    spans = []
    for number in range(3):
        command, stdin = program.putting(FIRST, f"timed-{number}")
        spans.append(killed_write(program, command, stdin, None).seconds)
    span, now = median(spans), "timed-2"
    program.end_for_a_while()
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(directory, "kept")
        shutil.copytree(program.store, kept)
        program.again()
        lost = happened = 0
        for number in range(TRIES):
            if happened == KILLS:
                break
            new = f"killed-{number}"
            command, stdin = program.putting(FIRST, new)
            if not killed_write(program, command, stdin, span * (number * GOLDEN % 1)).happened:
                now = new if program.get(FIRST).gives(new) else now
                continue
            happened += 1
            is_whole, now = look(program, now, new)
            if not is_whole:
                lost += 1
                program.end_for_a_while()
                put_store_back(program, kept)
                program.again()
                now = "timed-2"
    if happened < KILLS:
        raise RuntimeError(f"{program.name}: only {happened} of {TRIES} writes were still there to be killed")
    return Outcome(not lost, f"{lost} of {happened} lost a value" if lost else f"none of {happened} lost a value")


def look(program: Program, old: str, new: str) -> tuple[bool, str]:
    """After a kill: whether both values are there, and which one the first is."""
    if program.server_pid() is not None:
        program.end_for_a_while()
        try:
            program.again()
        except (OSError, RuntimeError, subprocess.SubprocessError):
            return False, old
    first, second = program.get(FIRST), program.get(SECOND)
    now = new if first.gives(new) else old
    return first.gives(now) and second.gives(VALUES[SECOND]), now


def at_once(program: Program) -> Outcome:
    """So many processes store a value each, at the same time; what was said to be stored must be there."""
    names = [f"WRITER_{number}" for number in range(WRITERS)]
    started = []
    for name in names:
        command, stdin = program.putting(name, f"value-of-{name}")
        with tempfile.TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            started.append(subprocess.Popen(command, env=program.environment(), stdin=given, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL, start_new_session=True))  # fmt: skip
    told = [name for name, process in zip(names, started, strict=True) if process.wait(300) == 0]
    lost = sum(not program.get(name).gives(f"value-of-{name}") for name in told)
    refused = len(names) - len(told)
    words = [f"{lost} of {len(told)} lost"] if lost else ["all there" if not refused else f"{len(told)} there"]
    return Outcome(not lost and not refused, ", ".join(words + ([f"{refused} refused"] if refused else [])))
