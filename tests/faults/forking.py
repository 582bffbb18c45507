"""Many command lines, each in a process of its own, without starting an interpreter for each.

A server that has loaded strongroom forks a child for each; the child is the command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile

_SERVER = """
import json, os, sys
import strongroom.doors.cli.running, strongroom.doors.cli.arguments, strongroom.doors.cli.opening
import strongroom.locate.opening, strongroom.vault.vault, strongroom.vault.verifying, strongroom.locate.anchor
from strongroom.doors.cli import main

for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if not child:
        os.setsid()
        os.environ.clear()
        os.environ.update(job["environment"])
        os.chdir(job["directory"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(job[name], os.O_WRONLY), number)
        os.closerange(3, 64)
        main(job["words"])
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Done:
    """A command that has ended, or was ended."""

    def __init__(self, words: list[str], code: int, out: bytes, err: str) -> None:
        self.words = words
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"{' '.join(self.words)}: exit {self.code}: {self.err}"


class Commands:
    """Runs command lines; a context manager."""

    def __enter__(self) -> Commands:
        needed = {name: os.environ[name] for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", **needed},
        )  # fmt: skip
        return self

    def __exit__(self, *_exc: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def run(
        self, words: list[str], environment: dict[str, str], directory: Path, *, patience_seconds: float = 60.0
    ) -> Done:
        """One command line; one that takes longer is killed, and its code is -9.

        Args:
            environment: all of it.
            directory: in which it runs.
        """
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with TemporaryFile() as out, TemporaryFile() as err:
            job = {
                "words": words,
                "environment": environment,
                "directory": str(directory),
                "out": f"/proc/{os.getpid()}/fd/{out.fileno()}",
                "err": f"/proc/{os.getpid()}/fd/{err.fileno()}",
            }
            print(json.dumps(job), file=self._server.stdin, flush=True)
            child = int(self._server.stdout.readline())
            deadline = time.monotonic() + patience_seconds
            while _is_alive(child):
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    break
                time.sleep(0.002)
            code = int(self._server.stdout.readline())
            texts = [os.pread(file.fileno(), 1_000_000, 0) for file in (out, err)]
        return Done(words, code, texts[0], texts[1].decode("utf-8", "backslashreplace"))


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False
