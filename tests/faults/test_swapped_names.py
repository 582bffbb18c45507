"""A name that leads elsewhere after it was looked at: swapped for a link or a pipe between every two calls.

strace stops a command after each call that names a file; while it stands still, the file is
exchanged. Beside that an attacker who knows no such moments exchanges as fast as it can.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.forking import Commands
from tests.faults.output_names import READ, RESTORE, WRITE
from tests.faults.test_planted_names import Place, base, commands
from tests.faults.vault_trials import IS_WHOLE

__all__ = ["base", "commands"]

pytestmark = strace.needs_strace()

CALLS = ("openat", "newfstatat", "lstat", "stat", "access", "link", "rename", "unlink", "mkdir", "readlink", "chmod")
# What may be said after such a thing: done, not found, denied, damaged, unsafe, there already, unknown, unavailable.
CODES = (0, 4, 5, 7, 9, 10, 11, 15)
SAMPLE = 4
# For what may hang, which is ended then; the others have as long as they may need where much else runs.
PATIENCE_SECONDS = 3.0
TARGETS = {
    "vault.db": (READ, WRITE, RESTORE),
    "vault.db-wal": (WRITE,),
    "vault.db-journal": (RESTORE,),
    "key": (READ,),
    "other.key": ("slot add key-file {home}/other.key",),
    "new.db": ("backup {home}/new.db",),
    "state/strongroom/#.anchor": (WRITE,),
    "state/strongroom/lock": (WRITE,),
    "vault.db.inbox": ("deposit add-key camera inbox/* --out {home}/camera.key",),
    "camera.key": ("deposit add-key camera inbox/* --out {home}/camera.key",),
    "config/systemd/user/strongroom-agent.service": ("agent install --user --yes",),
    "outside/rendered": ("render {outside}/template -o {outside}/rendered",),
    "outside/exported": ("export bank --format env -o {outside}/exported",),
}
# Only whoever may write to the directory can put a pipe there just after it was looked at, and SQLite, which
# opens these files itself, waits at it. Refused is what lies there before. docs/threat-model.md says so.
MAY_HANG = {(f"vault.db{ending}", "pipe") for ending in ("-wal", "-shm", "-journal")}
# Exchanges two names as fast as it can; where one is missing, the other is moved there and a new link made.
_EXCHANGE = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
path, other, victim = (os.fsencode(name) for name in sys.argv[1:])
print("ready", flush=True)
while os.getppid() == int(os.environ["PARENT"]):
    if libc.renameat2(-100, path, -100, other, 2):
        for make in (lambda: os.rename(other, path), lambda: os.symlink(victim, other)):
            try:
                make()
            except OSError:
                continue
"""
# As a command would be that knows nothing of all this: it looks, and then opens what it has looked at.
_CARELESS = """
import os, stat, sys
path = sys.argv[-1]
if not os.path.lexists(path) or stat.S_ISREG(os.lstat(path).st_mode):
    with open(path, "w") as file:
        file.write("a secret")
"""


def plant(place: Place, path: Path, kind: str) -> Path:
    """What takes the name's place, beside it."""
    other = path.with_name(f"{path.name}.swapped")
    if kind == "pipe":
        os.mkfifo(other, 0o600)
    else:
        other.symlink_to(place.victim if kind == "link" else place.nothing)
    return other


def swap(path: Path, other: Path) -> None:
    """Exchange the two; where there is nothing at *path*, the other one is now there."""
    if os.path.lexists(path):
        between = path.with_name(f"{path.name}.between")
        path.rename(between)
        other.rename(path)
        between.rename(other)
    else:
        other.rename(path)


class Trial:
    """One command, and one name that is swapped while it runs."""

    def __init__(self, root: Path, base: Path, name: str, command: str, script: str = "") -> None:
        self.root = root
        self.base = base
        self.name = name
        self.command = command
        self.script = script

    def place(self) -> tuple[Place, Path]:
        made = Place(self.root / os.urandom(4).hex(), self.base)
        (made.home / "config" / "systemd" / "user").mkdir(parents=True, mode=0o700)
        (path,) = made.paths(self.name)
        return made, path

    def start(self, place: Place, options: list[str], *, quiet: str = "-qq") -> subprocess.Popen[bytes]:
        words = [word.format(home=place.home, outside=place.root / "outside") for word in self.command.split()]
        program = ["-c", self.script, *words] if self.script else ["-m", "strongroom", *words]
        return subprocess.Popen(
            ["strace", "-D", "-f", quiet, *options, sys.executable, *program],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=place.environment(), cwd=place.home,
        )  # fmt: skip

    def points(self) -> list[tuple[str, int]]:
        """Every call of an undisturbed run that names the file or what lies beside it under its name."""
        place, path = self.place()
        trace = self.root / "trace"
        process = self.start(place, ["-P", str(path), "-e", f"trace={','.join(CALLS)}", "-o", str(trace)], quiet="-q")
        process.communicate(timeout=60)
        # The tracer is nobody's child, and writes this line last.
        ended = re.compile(rf"^{process.pid} +\+\+\+ ", re.MULTILINE)
        wait_for(lambda: trace.exists() and ended.search(trace.read_text(errors="replace")), "the trace's end")
        counts = Counter(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
        shutil.rmtree(place.root)
        trace.unlink()
        return [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]

    def attempt(self, call: str, number: int, kind: str) -> tuple[bool, list[str]]:
        """Whether there was such a moment, and what is wrong afterwards."""
        place, path = self.place()
        other = plant(place, path, kind)
        before = place.snapshot()
        trace = self.root / "moment"
        options = ["-P", str(path), "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGSTOP:when={number}"]
        process = self.start(place, [*options, "-o", str(trace)])
        # Under a tracer it stands still at each call; that it was stopped is what the tracer writes.
        wait_for(lambda: has_stopped(trace) or state(process.pid) == "Z", "a stop")
        stood_still = has_stopped(trace)
        if stood_still:
            swap(path, other)
            os.kill(process.pid, signal.SIGCONT)
        try:
            may_hang = (self.name, kind) in MAY_HANG
            said, _ = process.communicate(timeout=PATIENCE_SECONDS if may_hang else 60.0)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        findings = []
        if place.snapshot() != before:
            findings.append("a victim was changed")
        is_ended = process.returncode == -signal.SIGKILL and may_hang
        if not self.script and not is_ended and process.returncode not in CODES:
            findings.append(f"exit {process.returncode}: {said.decode(errors='replace')}")
        shutil.rmtree(place.root)
        trace.unlink()
        return stood_still, [f"{kind} at {self.name} after {call} {number} of {self.command}: {f}" for f in findings]


def has_stopped(trace: Path) -> bool:
    return trace.exists() and "stopped by SIGSTOP" in trace.read_text(errors="replace")


def state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.002)


@pytest.mark.parametrize(("name", "command"), [(name, command) for name, found in TARGETS.items() for command in found])
def test_a_swap_after_each_look(base: Path, tmp_path: Path, name: str, command: str) -> None:
    """Nothing is written where a link leads, nothing hangs, and the exit code is one of those that fit.

    A run takes some moments of each command; STRONGROOM_FAULTS_WHOLE=1 takes all, with every kind.
    """
    trial = Trial(tmp_path, base, name, command)
    points = trial.points()
    assert points, "nothing looks at this name"
    kinds = ("link", "pipe", "dangling")
    chosen = points if IS_WHOLE else points[:: max(1, len(points) // SAMPLE)]
    findings, stops = [], 0
    for number, (call, when) in enumerate(chosen):
        for kind in kinds if IS_WHOLE else (kinds[number % 2],):
            stood_still, found = trial.attempt(call, when, kind)
            stops += stood_still
            findings += found
    assert findings == []
    # Random names make a run a call longer or shorter than the one that was counted.
    assert stops


@pytest.mark.parametrize("kind", ["link", "dangling"])
def test_a_careless_program_is_found_out(base: Path, tmp_path: Path, kind: str) -> None:
    """Look, then open: at one of its moments the swap has it write where the link leads."""
    trial = Trial(tmp_path, base, "backup.db", "x {home}/backup.db", _CARELESS)
    found = [trial.attempt(call, when, kind)[1] for call, when in trial.points()]
    assert any("a victim was changed" in line for lines in found for line in lines)


RACED = {name: found[0] for name, found in TARGETS.items() if name not in ("vault.db-journal", "vault.db")} | {
    "vault.db": RESTORE
}


@contextmanager
def attacker(place: Place, path: Path, victim: Path) -> Iterator[None]:
    """Somebody who exchanges a name for a link to *victim*, again and again."""
    other = path.with_name(f"{path.name}.swapped")
    other.symlink_to(victim)
    with subprocess.Popen(
        [sys.executable, "-S", "-c", _EXCHANGE, str(path), str(other), str(victim)],
        stdout=subprocess.PIPE, env={"PARENT": str(os.getpid())}, cwd=place.root,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("name", RACED)
def test_swaps_at_any_moment(base: Path, commands: Commands, tmp_path: Path, name: str) -> None:
    """The name is exchanged thousands of times while commands run: no victim is changed, no bug is reported."""
    findings = []
    for number in range(40 if IS_WHOLE else 4):
        place = Place(tmp_path / str(number), base)
        (place.home / "config" / "systemd" / "user").mkdir(parents=True, mode=0o700)
        (path,) = place.paths(name)
        before = place.snapshot()
        with attacker(place, path, place.nothing if number % 2 else place.victim):
            done = place.run(commands, RACED[name])
        if place.snapshot() != before:
            findings.append(f"a victim was changed: {done}")
        if done.code not in CODES:
            findings.append(str(done))
        shutil.rmtree(place.root)
    assert findings == []
