"""What a program of the comparison is: a store of its own, commands that write and read, and what else can be tried.

A program is asked through its own command line alone. What a stranger does to the files that it leaves (`cut` and
`paste`) is done below it. The keys are made anew in each run and end with it. The programs themselves are in
`file_programs`, `pass_program`, `keyrings`, `openbao` and `ours`.
"""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from bench.agent_peers import find_program

PATIENCE_SECONDS = 120
BUILD = Path(__file__).resolve().parents[2] / "build" / "compare"


class NotHere(Exception):
    """The program, or a part of it, is not installed; or a question cannot be put to it."""


class NoCommand(Exception):
    """The program has no command for what is asked."""


class Done:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def gives(self, value: str) -> bool:
        """Whether it printed the value, and said that all was well."""
        return self.code == 0 and self.out.rstrip("\n") == value


def run(command: list[str], environment: dict[str, str], stdin: str = "") -> Done:
    """Run a command in a session of its own, without a terminal."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
        )
        try:
            process.communicate(stdin.encode(), timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0), err.seek(0)
        return Done(process.returncode, out.read().decode(errors="replace"), err.read().decode(errors="replace"))


def wait_for(attempt: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Call *attempt* until it raises no OSError.

    Raises: OSError: what it raised last, after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def need(name: str) -> str:
    """Where a program is.

    Raises: NotHere: nowhere.
    """
    found = find_program(name)
    if found is None:
        raise NotHere(name)
    return found


class Program:
    """One of them, with a store of its own in *place*.

    Attributes:
        settings: what its environment must say; no secret is among it.
        session: what only a person who is logged in has in the environment.
        keys: secrets that unlock the store, as text, where the program has them as text.
        help_commands: what prints all that it has commands for.
        apt, pip, binaries: what has to be installed for it: Debian's packages, Python's, and single files.
        with_open_entries: the same program with a store whose entries a stranger can reach one by one.
    """

    name: ClassVar[str]
    setup: ClassVar[str]
    apt: ClassVar[tuple[str, ...]] = ()
    pip: ClassVar[tuple[str, ...]] = ()
    with_open_entries: ClassVar[type[Program] | None] = None

    def __init__(self, place: Path) -> None:
        self.place, self.home, self.store = place, place / "home", place / "store"
        self.home.mkdir(mode=0o700)
        # As mkdir makes it: what others may see of what is inside is up to the program.
        self.store.mkdir(mode=0o755)
        self.settings: dict[str, str] = {}
        self.session: dict[str, str] = {}
        self.keys: list[str] = []
        self.help_commands: list[list[str]] = []
        self.binaries: list[str] = []
        try:
            self.start()
        except BaseException:
            self.end()
            raise

    def environment(self) -> dict[str, str]:
        """What a line of a crontab has, and the settings."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.settings, **self.session}

    def checked(self, command: list[str], stdin: str = "") -> str:
        """What a command of the set-up prints.

        Raises: RuntimeError: it failed.
        """
        done = run(command, self.environment(), stdin)
        if done.code:
            raise RuntimeError(f"{self.name}: {command[:3]} ended with {done.code}: {done.err[-300:]}")
        return done.out

    def put(self, name: str, value: str) -> Done:
        """Store a value."""
        command, stdin = self.putting(name, value)
        return run(command, self.environment(), stdin)

    def get(self, name: str) -> Done:
        """Read it."""
        return run(self.getting(name), self.environment())

    def version(self) -> str:
        """What the program calls itself."""
        raise NotImplementedError

    def start(self) -> None:
        """Make the keys and an empty store."""
        raise NotImplementedError

    def end(self) -> None:
        """End what was started, for good."""

    def end_for_a_while(self) -> None:
        """Let nothing of the program run while its files are changed."""
        self.end()

    def again(self) -> None:
        """Let it run, unlocked, on what lies in the store now."""

    def reboot(self) -> None:
        """Let only that run which the machine starts by itself."""
        self.end_for_a_while()

    def server_pid(self) -> int | None:
        """The process that writes the store, where the command is not it."""
        return None

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        """The command that stores, and what it reads."""
        raise NotImplementedError

    def getting(self, name: str) -> list[str]:
        """The command that prints the value."""
        raise NotImplementedError

    def cut(self, name: str) -> Any:
        """What lies in the store for the name."""
        raise NotImplementedError

    def paste(self, name: str, what: Any) -> None:
        """Let it lie there for this name."""
        raise NotImplementedError

    def lose_key(self) -> None:
        """Give the program another key of the same kind."""
        raise NotImplementedError

    def share(self, name: str, other: str) -> tuple[str, Done, Done]:
        """Let somebody else read *name* alone: by what, and what they get for *name* and for *other*.

        Raises: NoCommand: it cannot.
        """
        raise NoCommand

    def older(self, name: str, before: str, after: str) -> Done:
        """Store *before*, then *after*, and read *before*.

        Raises: NoCommand: it cannot.
        """
        raise NoCommand

    def expire(self, name: str, value: str) -> Done:
        """Store a value that nobody may read after some seconds.

        Raises: NoCommand: it cannot.
        """
        raise NoCommand

    def renew_key(self, name: str) -> tuple[Done, Done]:
        """Replace the key, and re-encrypt what is there: what a read with the old key gives, and one with the new.

        Raises: NoCommand: it cannot.
        """
        raise NoCommand

    def record(self, name: str) -> str:
        """Read *name*, and what the program's record says then; "" when it keeps none in this set-up.

        Raises: NoCommand: it cannot.
        """
        raise NoCommand


class FilePerValue(Program):
    """Stores that are a directory of files, one for each value."""

    ending = ""

    def file(self, name: str) -> Path:
        """Where the value is."""
        return self.store / (name + self.ending)

    def cut(self, name: str) -> Any:
        return self.file(name).read_bytes()

    def paste(self, name: str, what: Any) -> None:
        self.file(name).write_bytes(what)


def clean_environment() -> None:
    """Leave out what this shell says to the programs that are asked, and have files made as they usually are."""
    os.umask(0o022)
    prefixes = ("STRONGROOM_", "BAO_", "VAULT_", "KEYRING_", "PYTHON_KEYRING_", "SOPS_", "PASSWORD_STORE_", "DBUS_")
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        del os.environ[name]
