"""The programs that keep secrets for a command line, each set up as its manual says, so that a cron job can read.

A program is asked through its own command line alone. What a stranger does to the files that it leaves (`cut` and
`paste`) is done below it. The keys are made anew in each run and end with it.
"""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from bench.agent_peers import find_program

PATIENCE_SECONDS = 120
BUILD = Path(__file__).resolve().parents[2] / "build" / "compare"


class NotHere(Exception):
    """The program, or a part of it, is not installed; or a question cannot be put to it."""


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
        secrets: what its environment must say beside, and is secret.
        keys: secrets that unlock the store, as text, where the program has them as text.
    """

    name: ClassVar[str]
    setup: ClassVar[str]

    def __init__(self, place: Path) -> None:
        self.place, self.home, self.store = place, place / "home", place / "store"
        self.home.mkdir(mode=0o700)
        # As mkdir makes it: what others may see of what is inside is up to the program.
        self.store.mkdir(mode=0o755)
        self.settings: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.keys: list[str] = []
        self.start()

    def environment(self) -> dict[str, str]:
        """What a line of a crontab has, and the settings."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), **self.settings, **self.secrets}

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


class Plain(Program):
    """What most have: NAME=value lines."""

    name, setup = "a `.env` file", "written and read by a shell"

    def start(self) -> None:
        self.path = self.store / ".env"
        self.path.touch()

    def version(self) -> str:
        return ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        script = (
            f'read -r value; rest=$(grep -v "^{name}=" {self.path}); '
            f'printf "%s\\n" "$rest" "{name}=$value" > {self.path}'
        )
        return ["sh", "-c", script], f"{value}\n"

    def getting(self, name: str) -> list[str]:
        return ["sh", "-c", f'. {self.path}; [ -n "${name}" ] && echo "${name}"']

    def cut(self, name: str) -> Any:
        return re.findall(f"^{name}=(.*)$", self.path.read_text(), re.MULTILINE)[-1]

    def paste(self, name: str, what: Any) -> None:
        self.path.write_text(re.sub(f"(?m)^{name}=.*$", f"{name}={what}", self.path.read_text()))

    def lose_key(self) -> None:
        raise NotHere("it has no key")


class Age(FilePerValue):
    """One encrypted file for each value."""

    name, setup, ending = "age", "an identity file, one `.age` file for each value", ".age"

    def start(self) -> None:
        self.program, self.keygen = need("age"), need("age-keygen")
        self.key = self.home / "key.txt"
        self.checked([self.keygen, "-o", str(self.key)])
        self.keys = re.findall("AGE-SECRET-KEY-.*", self.key.read_text())
        self.recipient = self.checked([self.keygen, "-y", str(self.key)]).strip()

    def version(self) -> str:
        return self.checked([self.program, "--version"]).strip()

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [self.program, "-e", "-r", self.recipient, "-o", str(self.file(name))], value

    def getting(self, name: str) -> list[str]:
        return [self.program, "-d", "-i", str(self.key), str(self.file(name))]

    def lose_key(self) -> None:
        self.key.unlink()
        self.checked([self.keygen, "-o", str(self.key)])


class Pass(FilePerValue):
    """GnuPG files under a directory."""

    name, setup, ending = "pass", "a GnuPG key without a passphrase", ".gpg"

    def start(self) -> None:
        self.program = need("pass")
        need("gpg")
        # The socket of gpg-agent has no room for a long path.
        self.gnupg = Path(tempfile.mkdtemp(prefix="gpg-"))
        self.settings = {"GNUPGHOME": str(self.gnupg), "PASSWORD_STORE_DIR": str(self.store)}
        self.user = "one@example.org"
        self.make_key()
        self.checked([self.program, "init", self.user])

    def make_key(self) -> None:
        """A GnuPG key of the user."""
        self.checked(["gpg", "--batch", "--passphrase", "", "--quick-gen-key", self.user])

    def end(self) -> None:
        run(["gpgconf", "--kill", "all"], self.environment())
        shutil.rmtree(self.gnupg, ignore_errors=True)

    def version(self) -> str:
        found = re.search(r"v([\d.]+)", self.checked([self.program, "version"]))
        return found[1] if found else ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [self.program, "insert", "--multiline", "--force", name], value

    def getting(self, name: str) -> list[str]:
        return [self.program, "show", name]

    def lose_key(self) -> None:
        self.end()
        self.gnupg.mkdir(mode=0o700)
        self.make_key()


class Sops(Program):
    """One JSON document whose values are encrypted one by one."""

    name, setup = "SOPS", "one JSON file, an age identity where SOPS looks for it"

    def start(self) -> None:
        self.program, self.keygen = need("sops"), need("age-keygen")
        self.key = self.home / ".config" / "sops" / "age" / "keys.txt"
        self.key.parent.mkdir(parents=True, mode=0o700)
        self.checked([self.keygen, "-o", str(self.key)])
        self.keys = re.findall("AGE-SECRET-KEY-.*", self.key.read_text())
        recipient = self.checked([self.keygen, "-y", str(self.key)]).strip()
        self.path = self.store / "secrets.json"
        self.path.write_text('{"first": "nothing"}')
        self.checked([self.program, "encrypt", "--in-place", "--age", recipient, str(self.path)])

    def version(self) -> str:
        found = re.search(r"sops ([\d.]+)", self.checked([self.program, "--version", "--disable-version-check"]))
        return found[1] if found else ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [self.program, "set", "--value-stdin", str(self.path), f'["{name}"]'], json.dumps(value)

    def getting(self, name: str) -> list[str]:
        return [self.program, "decrypt", "--extract", f'["{name}"]', str(self.path)]

    def cut(self, name: str) -> Any:
        return json.loads(self.path.read_text())[name]

    def paste(self, name: str, what: Any) -> None:
        document = json.loads(self.path.read_text())
        document[name] = what
        self.path.write_text(json.dumps(document, indent="\t"))

    def lose_key(self) -> None:
        self.key.unlink()
        self.checked([self.keygen, "-o", str(self.key)])
