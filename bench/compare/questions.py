"""What is asked of each program of the comparison: a stranger at its store, a job without a terminal, a kill.

Each question is a function of a program with two values in it; it says what came of it, and whether that holds what
somebody who keeps passwords there would expect.
"""

from __future__ import annotations

import base64
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.compare.more_programs import OpenBao
from bench.compare.programs import Done, NotHere, Program, run

FIRST, SECOND = "CHECKING_ACCOUNT", "SAVINGS_ACCOUNT"
VALUES = {FIRST: "canary-one-7f3c9a21", SECOND: "canary-two-b81e44d6"}
NEWER = "canary-new-55d0e7aa"
CHANGES, KILLS, WRITERS, READS = 16, 12, 4, 5
FILE_CALLS = (
    "openat",
    "write",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "ftruncate",
    "fsync",
    "fdatasync",
)


class Outcome(NamedTuple):
    """What came of a question; *held* is None where nothing was promised or tried."""

    held: bool | None
    word: str


def seen(done: Done, expected: str, **others: str) -> Outcome:
    """Whether a read refuses, or which value it gives."""
    for what, value in others.items():
        if done.gives(value):
            return Outcome(False, f"hands out the {what} value")
    if done.code:
        return Outcome(True, "refuses")
    return (
        Outcome(True, "gives the right value") if done.gives(expected) else Outcome(False, "hands out something else")
    )


def restart(program: Program) -> None:
    """Let a server read what lies in its store now."""
    if isinstance(program, OpenBao):
        program.again()


def files(program: Program) -> list[Path]:
    """All files of the store."""
    return sorted(path for path in program.store.rglob("*") if path.is_file() and not path.is_symlink())


def value_at_rest(program: Program) -> Outcome:
    """A stored value, as it is or in base64, in any file of the store."""
    raw = VALUES[FIRST].encode()
    found = any(raw in path.read_bytes() or base64.b64encode(raw) in path.read_bytes() for path in files(program))
    return Outcome(False, "readable") if found else Outcome(True, "not there")


def name_at_rest(program: Program) -> Outcome:
    """The name of a value, in a file of the store or in its path."""
    name = FIRST.encode()
    found = any(name in path.read_bytes() or FIRST in str(path) for path in files(program))
    return Outcome(False, "readable") if found else Outcome(True, "not there")


def readable_by_others(program: Program) -> Outcome:
    """A file of the store that another user of the machine can open, under the usual umask 022."""
    for path in files(program):
        above = [one for one in path.parents if one != program.store and program.store in one.parents]
        if path.stat().st_mode & stat.S_IROTH and all(one.stat().st_mode & stat.S_IXOTH for one in above):
            mode = oct(path.stat().st_mode)[-4:]
            return Outcome(False, f"mode {mode}")
    return Outcome(True, "mode 0600")


def changed_bytes(program: Program) -> Outcome:
    """One byte of the store is another: so many times, all over its files, each time from the start."""
    kept = program.place / "kept"
    program.end_for_a_while()
    shutil.copytree(program.store, kept)
    sizes = [(path.relative_to(program.store), path.stat().st_size) for path in files(program)]
    total = sum(size for _, size in sizes)
    count = 4 if isinstance(program, OpenBao) else CHANGES
    words = {"refused": 0, "did not matter": 0, "another value": 0}
    for number in range(count):
        place = (2 * number + 1) * total // (2 * count)
        path = sizes[-1][0]
        for one, size in sizes:
            if place < size:
                path = one
                break
            place -= size
        content = bytearray((program.store / path).read_bytes())
        content[place] ^= 1
        (program.store / path).write_bytes(content)
        try:
            restart(program)
            answers = [(program.get(name), value) for name, value in VALUES.items()]
        except (OSError, subprocess.SubprocessError):
            answers = [(Done(1, "", ""), "")]  # its server does not even start
        if any(done.code == 0 and not done.gives(value) for done, value in answers):
            words["another value"] += 1
        else:
            words["refused" if any(done.code for done, _ in answers) else "did not matter"] += 1
        program.end_for_a_while()
        put_store_back(program, kept)
    shutil.rmtree(kept)
    restart(program)
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
    done = program.get(FIRST)
    program.paste(FIRST, one)
    program.paste(SECOND, two)
    return seen(done, VALUES[FIRST], other=VALUES[SECOND])


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
    restart(program)
    stored(program, FIRST, NEWER)
    program.end_for_a_while()
    put_store_back(program, kept)
    shutil.rmtree(kept)
    restart(program)
    return seen(program.get(FIRST), NEWER, old=VALUES[FIRST])


def wrong_key(program: Program) -> Outcome:
    """The program has another key, or another token, of the same kind."""
    program.lose_key()
    return seen(program.get(FIRST), "", stored=VALUES[FIRST])


def without_terminal(program: Program) -> Outcome:
    """Read with no terminal, and no secret among the variables of the crontab."""
    environment = {name: text for name, text in program.environment().items() if name not in program.secrets}
    done = run(program.getting(FIRST), environment)
    if done.gives(VALUES[FIRST]):
        return Outcome(True, "works")
    return Outcome(False, "only with the secret in the crontab" if program.secrets else "does not work")


def traced(program: Program, name: str, value: str, directory: Path) -> list[str]:
    """The lines of strace while a value is stored, by the command and by its server."""
    if shutil.which("strace") is None:
        raise NotHere("strace")
    words = ["strace", "-f", "-y", "-v", "-qq", "-s", "4096", "-e", f"trace=execve,{','.join(FILE_CALLS)}"]
    command, stdin = program.putting(name, value)
    server = None
    if isinstance(program, OpenBao) and program.server is not None:
        attach = [*words, "-o", str(directory / "server"), "-p", str(program.server.pid)]
        server = subprocess.Popen(attach, stderr=subprocess.PIPE)
        time.sleep(1)
    done = run([*words, "-o", str(directory / "command"), *command], program.environment(), stdin)
    if server is not None:
        server.send_signal(signal.SIGINT)
        server.communicate()
    if done.code:
        raise NotHere(f"not to be traced: {done.err[-100:]}")
    return [line for path in directory.iterdir() for line in path.read_text(errors="replace").splitlines()]


def on_show(program: Program) -> Outcome:
    """The value, or a key, among the arguments and variables of any process, at a write and at a read."""
    with tempfile.TemporaryDirectory() as directory:
        lines = traced(program, FIRST, VALUES[FIRST], Path(directory))
    with tempfile.TemporaryDirectory() as directory:
        trace = Path(directory, "trace")
        words = ["strace", "-f", "-v", "-qq", "-s", "4096", "-e", "trace=execve", "-o", str(trace)]
        run([*words, *program.getting(FIRST)], program.environment())
        lines += trace.read_text(errors="replace").splitlines()
    started = "\n".join(line for line in lines if "execve(" in line)
    found = [what for what, texts in {"value": [VALUES[FIRST]], "key": program.keys}.items()
             if any(text in started for text in texts)]  # fmt: skip
    return Outcome(False, f"the {' and the '.join(found)}") if found else Outcome(True, "nothing")


def plaintext_written(program: Program) -> Outcome:
    """The value in what is written to any file while it is stored."""
    with tempfile.TemporaryDirectory() as directory:
        lines = traced(program, FIRST, VALUES[FIRST], Path(directory))
    for line in lines:
        found = re.search(r"p?write(?:64)?\(\d+<(/[^>]*)>", line)
        if found and VALUES[FIRST] in line and not found[1].startswith(("/dev/", "/proc/")):
            return Outcome(False, "into a temporary file" if str(program.store) not in found[1] else "into the store")
    return Outcome(True, "no")


def synced(program: Program) -> Outcome:
    """Whether the disk was asked to keep the store before the command said that it is done."""
    with tempfile.TemporaryDirectory() as directory:
        lines = traced(program, FIRST, VALUES[FIRST], Path(directory))
    is_asked = any(re.search(r"\b(?:fsync|fdatasync)\(\d+<" + re.escape(str(program.store)), line) for line in lines)
    return Outcome(is_asked, "yes" if is_asked else "no")


def killed(program: Program) -> Outcome:
    """Kill -9 at each kind of call that touches the store; afterwards the old value or the new one must be there."""
    if isinstance(program, OpenBao):
        return server_killed(program)
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(directory, "kept")
        shutil.copytree(program.place, kept)
        (Path(directory) / "trace").mkdir()
        points = touching(traced(program, FIRST, NEWER, Path(directory, "trace")), program.store)
        if len(points) > KILLS:
            points = [points[number * len(points) // KILLS] for number in range(KILLS)]
        lost = happened = 0
        for call, number in points:
            shutil.rmtree(program.place)
            shutil.copytree(kept, program.place)
            command, stdin = program.putting(FIRST, NEWER)
            trace = Path(directory, "killed")
            kill = ["strace", "-f", "-q", "-o", str(trace), "-e", f"trace={call}",
                    "-e", f"inject={call}:signal=SIGKILL:when={number}"]  # fmt: skip
            run([*kill, *command], program.environment(), stdin)
            happened += "killed by SIGKILL" in trace.read_text(errors="replace")
            answers = program.get(FIRST), program.get(SECOND)
            is_there = answers[0].gives(VALUES[FIRST]) or answers[0].gives(NEWER)
            lost += not (is_there and answers[1].gives(VALUES[SECOND]))
        shutil.rmtree(program.place)
        shutil.copytree(kept, program.place)
    return Outcome(not lost, f"{lost} of {happened} kills lost a value" if lost else f"{happened} kills, none lost")


def touching(lines: list[str], store: Path) -> list[tuple[str, int]]:
    """Which calls touch the store: each name, and the how-manieth of its process it is, without repetitions."""
    counts: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, int], None] = {}
    for line in lines:
        made = re.match(r"(\d+)\s+(\w+)\(", line)
        if made and made[2] in FILE_CALLS:
            counts[made[1], made[2]] = number = counts.get((made[1], made[2]), 0) + 1
            is_read = made[2] == "openat" and "O_RDONLY" in line
            if str(store) in line and not is_read:
                found[made[2], number] = None
    return list(found)


def server_killed(program: OpenBao) -> Outcome:
    """The same for a server: killed as soon as it has said that a value is stored, and while it stores another."""
    lost = 0
    for number in range(3):
        value = f"{NEWER}-{number}"
        stored(program, FIRST, value)
        command, stdin = program.putting(SECOND, VALUES[SECOND])
        writing = subprocess.Popen(command, env=program.environment(), stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        assert writing.stdin is not None
        writing.stdin.write(stdin.encode())
        writing.stdin.close()
        time.sleep(0.05 * (number + 1))
        program.end(signal.SIGKILL)
        writing.kill()
        writing.wait()
        program.again()
        lost += not (program.get(FIRST).gives(value) and program.get(SECOND).gives(VALUES[SECOND]))
    return Outcome(not lost, f"{lost} of 3 kills lost a value" if lost else "3 kills of its server, none lost")


def at_once(program: Program) -> Outcome:
    """So many processes store two values each, at the same time; what was said to be stored must be there."""
    names = [f"WRITER_{number}" for number in range(WRITERS * 2)]
    started = []
    for name in names:
        command, stdin = program.putting(name, f"value-of-{name}")
        with tempfile.TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            started.append(subprocess.Popen(command, env=program.environment(), stdin=given, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL, start_new_session=True))  # fmt: skip
    stored_names = [name for name, process in zip(names, started, strict=True) if process.wait(300) == 0]
    lost = sum(not program.get(name).gives(f"value-of-{name}") for name in stored_names)
    refused = len(names) - len(stored_names)
    words = [f"{lost} of {len(stored_names)} lost"] if lost else ["all there"]
    return Outcome(not lost and not refused, ", ".join(words + ([f"{refused} refused"] if refused else [])))


def stored(program: Program, name: str, value: str) -> None:
    """Store a value that must be stored."""
    done = program.put(name, value)
    if done.code:
        raise RuntimeError(f"{program.name} did not store: {done.err[-300:]}")


def read_seconds(program: Program) -> float:
    """How long one read takes, as a process: the median."""
    taken = []
    for _ in range(READS):
        start = time.perf_counter()
        if not program.get(FIRST).gives(VALUES[FIRST]):
            raise RuntimeError(f"{program.name} does not read")
        taken.append(time.perf_counter() - start)
    return median(taken)


Question = Callable[[Program], Outcome]
# In the order of the table. What needs strace, or starts a server many times, takes long: the tests ask the others.
QUICK: dict[str, Question] = {
    "a value in the store's files": value_at_rest,
    "a name in the store's files": name_at_rest,
    "other users of the machine read the files": readable_by_others,
    "two values swapped in the store": swapped,
    "one value's older ciphertext put back": one_put_back,
    "the whole store put back to an older state": all_put_back,
    "another key": wrong_key,
    "from cron, without a terminal": without_terminal,
}
SLOW: dict[str, Question] = {
    "one byte of the store changed": changed_bytes,
    f"{WRITERS * 2} values stored at the same time": at_once,
    "on show to `ps`: arguments, variables": on_show,
    "plaintext written to a disk": plaintext_written,
    "the disk is asked to keep it": synced,
    "kill -9 while a value is stored": killed,
}
QUESTIONS = QUICK | SLOW
