"""What strace sees of a program of the comparison: what is started, which files are touched, and a kill in between."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from bench.compare.programs import NotHere, Program, run, wait_for

CHANGING = "write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,ftruncate,fsync,fdatasync"
# Each call that may change a file begins so much later: the kills fall between the calls, and not all before or after.
DELAY_MICROSECONDS = 20_000
PATIENCE_SECONDS = 120.0


class Kill(NamedTuple):
    """One writing process: how long it was at the store's files, and whether it was killed there."""

    seconds: float
    happened: bool


def strace() -> str:
    """Where strace is.

    Raises: NotHere: nowhere.
    """
    found = shutil.which("strace")
    if found is None:
        raise NotHere("strace")
    return found


@contextmanager
def watched(pid: int, words: list[str]) -> Iterator[None]:
    """All threads of a server are traced, from before the block begins."""
    tracer = subprocess.Popen([*words, "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _is_traced(pid))
        yield
    finally:
        # It may wait for ever for threads of a server that was killed while it held them; let go, they end.
        tracer.kill() if _has_ended(pid) else tracer.terminate()
        try:
            tracer.wait(5)
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.wait(PATIENCE_SECONDS)


def _is_traced(pid: int) -> None:
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        if re.search(r"^TracerPid:\s+0$", status.read_text(), re.MULTILINE):
            raise OSError("not yet")


def _has_ended(pid: int) -> bool:
    return bool(re.search(r"^State:\s+[ZX]", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))


def traced(program: Program, command: list[str], stdin: str = "") -> list[str]:
    """The lines of strace for a command, and for what its server does meanwhile."""
    with tempfile.TemporaryDirectory() as directory:
        calls = f"trace=execve,openat,umask,connect,{CHANGING}"
        words = [strace(), "-f", "-y", "-v", "-qq", "-s", "4096", "-e", calls, "-o"]
        of_command, of_server = Path(directory, "command"), Path(directory, "server")
        run_it = [*words, str(of_command), *command]
        pid = program.server_pid()
        if pid is None:
            done = run(run_it, program.environment(), stdin)
        else:
            with watched(pid, [*words, str(of_server)]):
                done = run(run_it, program.environment(), stdin)
        if done.code:
            raise RuntimeError(f"not to be traced: {done.err[-200:]}")
        return [line for path in sorted(Path(directory).iterdir())
                for line in path.read_text(errors="replace").splitlines()]  # fmt: skip


class Touch:
    """Reads what strace says, all of it, and knows when a file of the store was first opened to be changed."""

    def __init__(self, pipe: Path, store: Path) -> None:
        os.mkfifo(pipe)
        self.store, self.happened, self.at = str(store), Event(), 0.0
        # Open in both directions: neither end waits for the other, and the last words are ours.
        self.descriptor = os.open(pipe, os.O_RDWR)
        self.reader = Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        with os.fdopen(os.dup(self.descriptor), encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line == "the end\n":
                    return
                is_change = self.store in line and not ("openat(" in line and "O_RDONLY" in line)
                if is_change and not self.happened.is_set():
                    self.at = time.monotonic()
                    self.happened.set()

    def end(self) -> None:
        """Read no more."""
        os.write(self.descriptor, b"\nthe end\n")
        self.reader.join()
        os.close(self.descriptor)


def killed_write(program: Program, command: list[str], stdin: str, after: float | None) -> Kill:
    """Let a slow command write, and kill what writes: so long *after* it has opened a file of the store to write.

    Without *after* it is left to end, and only timed.
    """
    with tempfile.TemporaryDirectory() as directory:
        pipe = Path(directory, "pipe")
        words = [strace(), "-f", "-y", "-qq", "-o", str(pipe), "-e", f"trace=openat,{CHANGING}",
                 "-e", f"inject={CHANGING}:delay_enter={DELAY_MICROSECONDS}"]  # fmt: skip
        touch = Touch(pipe, program.store)
        server = program.server_pid()
        try:
            if server is None:
                return _watch(program, [*words, *command], stdin, touch, after)
            with watched(server, words):
                return _watch(program, command, stdin, touch, after)
        finally:
            touch.end()


def _watch(program: Program, command: list[str], stdin: str, touch: Touch, after: float | None) -> Kill:
    server = program.server_pid()
    with tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        process = subprocess.Popen(command, env=program.environment(), stdin=given, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if after is None or not touch.happened.wait(0.002):
                time.sleep(0.001)
                continue
            left = touch.at + after - time.monotonic()
            if left > 0:
                time.sleep(min(left, 0.005))
                continue
            if server is None:
                os.killpg(process.pid, signal.SIGKILL)
                return Kill(after, True)
            os.kill(server, signal.SIGKILL)
            while not _has_ended(server) and time.monotonic() < deadline:
                time.sleep(0.002)
            return Kill(after, True)
        return Kill(time.monotonic() - touch.at if touch.happened.is_set() else 0.0, False)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
