"""A person's machine: a home directory, a shell at a terminal, and somebody who answers its questions.

Pages are run on it by the tests, and pictures of the screen are made with it. Nothing outside of
its directory is written, and what it started has ended when it is closed.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
# Much longer than anything takes here: the machine may be slow, and busy with something else.
PATIENCE_SECONDS = 240.0
COLUMNS = 110
PASSPHRASE = "tea with nine blue elephants"
PASSWORD = "correct-Horse-27-battery"
# A word of the question: what is typed. The first that fits.
ANSWERS = {"make a recovery code": "n", "passphrase": PASSPHRASE, "username": "dustin", "[y/n]": "y", "": PASSWORD}
_MARK = "STRONGROOM_PAGE"
# Everything a page says at a Python prompt is one program, that remembers: a block a line, an answer a line.
_INTERPRETER = """
import json, os, sys, traceback
names = {"__name__": "__main__"}
with os.fdopen(int(sys.argv[1]), "w", buffering=1) as replies:
    for line in sys.stdin:
        title, code = json.loads(line)
        try:
            exec(compile(code, title, "exec"), names)
            replies.write("\\n")
        except BaseException:
            replies.write(json.dumps(traceback.format_exc()) + "\\n")
"""


class Machine:
    """A home directory and a shell in it, which remembers where it is and what was exported; a context manager."""

    def __init__(self, directory: Path, programs: Mapping[str, Path] | None = None) -> None:
        """*directory* is empty, and its owner's alone; *programs* can be called by their names, beside the usual."""
        self.home = directory / "home"
        self.home.mkdir(mode=0o700)
        self._state = directory / "state"
        self._state.write_text(f"cd {shlex.quote(str(self.home))}\n")
        binaries = directory / "bin"
        binaries.mkdir()
        # The installed script may be another Python's, or of another checkout.
        python = f'exec "{sys.executable}"'
        for name, line in {
            "strongroom": f"{python} -m strongroom", "pip": f"{python} -m pip", "python": python, "python3": python,
        }.items():
            (binaries / name).write_text(f'#!/bin/sh\n{line} "$@"\n')
            (binaries / name).chmod(0o755)
        for name, path in (programs or {}).items():
            (binaries / name).symlink_to(path)
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{binaries}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "src"),
            "CHECKOUT": str(ROOT),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "USER": "dustin",
            "PAGER": "cat",
            "PIP_NO_INDEX": "1",  # a page may ask for what is installed already, and brings nothing new
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "GIT_CONFIG_NOSYSTEM": "1",
            _MARK: str(directory),
        }
        self._python: subprocess.Popen[str] | None = None
        self._replies: IO[str] | None = None

    def shell(self, text: str, answers: Mapping[str, str] = ANSWERS) -> tuple[int, str]:
        """Run *text* with ``sh -e`` at a terminal; its exit status, and all that was on the screen."""
        state = shlex.quote(str(self._state))
        keep = f"{{ export -p; printf 'cd \"%s\"\\n' \"$PWD\"; }} > {state}"
        script = f". {state}\ntrap {shlex.quote(keep)} EXIT\nset -e\n{text}\n"
        screen, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        process = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=terminal, stdout=terminal, stderr=terminal, env=self.environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(terminal)
        try:
            seen = _converse(screen, answers)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            status = process.wait(PATIENCE_SECONDS)
            os.close(screen)
        return status, seen

    def python(self, title: str, code: str) -> str:
        """Run *code* in the page's one Python program, without a terminal; a traceback, or nothing."""
        if self._python is None:
            mine, theirs = os.pipe()
            _status, exported = self.shell("env -0; pwd")
            *variables, directory = exported.replace("\r", "").rstrip("\n").split("\0")
            self._python = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", _INTERPRETER, str(theirs)], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, text=True,
                env=dict(line.split("=", 1) for line in variables), cwd=directory, pass_fds=(theirs,),
                start_new_session=True,
            )  # fmt: skip
            os.close(theirs)
            self._replies = os.fdopen(mine)
        assert self._python.stdin is not None
        assert self._replies is not None
        self._python.stdin.write(json.dumps([title, code]) + "\n")
        self._python.stdin.flush()
        if not select.select([self._replies], [], [], PATIENCE_SECONDS)[0]:
            return f"{title} does not end"
        reply = self._replies.readline()
        if not reply:
            return f"{title} ended the program"
        return str(json.loads(reply)) if reply.strip() else ""

    def close(self) -> None:
        """End what was started here: the Python program, the vault's agent, and whatever else still runs."""
        if self._python is not None:
            assert self._python.stdin is not None
            assert self._replies is not None
            self._python.stdin.close()
            self._python.wait(PATIENCE_SECONDS)
            self._replies.close()
        self.shell("strongroom agent stop || true")
        for process in _marked(f"{_MARK}={self.environment[_MARK]}"):
            os.kill(process, signal.SIGKILL)

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def _converse(screen: int, answers: Mapping[str, str]) -> str:
    """Read what is on the screen until nobody has the terminal any more, and answer each question once."""
    seen = b""
    answered = 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while select.select([screen], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            data = os.read(screen, 65536)
        except OSError:  # EIO: the last process that had the terminal has ended
            return _as_seen(seen.decode("utf-8", "replace"))
        seen += data
        # A question ends in a blank, and a hidden one is asked when echo is off already.
        question = seen[answered:].rpartition(b"\n")[2]
        if question.endswith((b": ", b"] ")):
            asked = question.decode("utf-8", "replace").lower()
            answered = len(seen)
            os.write(screen, next(typed for word, typed in answers.items() if word in asked).encode() + b"\n")
    raise TimeoutError(f"it does not end; the screen says {seen.decode('utf-8', 'replace')}")


def _as_seen(written: str) -> str:
    """What is left on the screen: without colours, and without what a progress bar has written over."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", written).replace("\r\n", "\n")
    return re.sub(r"[^\n]*\r", "", plain)


def _marked(variable: str) -> list[int]:
    """Processes that were started with *variable* in their environment, or by one that was."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:  # it has ended, or is another user's
            continue
        if variable.encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return found
