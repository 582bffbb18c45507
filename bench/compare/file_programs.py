"""Programs of the comparison that are a file and a command: a `.env` file, age, and SOPS."""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import json
import re
from typing import Any

from bench.compare.programs import Done, FilePerValue, NotHere, Program, need, run


class Plain(Program):
    """What most have: NAME=value lines."""

    name, setup = "a `.env` file", "written and read by a shell"

    def start(self) -> None:
        self.path = self.store / ".env"

    def version(self) -> str:
        return ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        script = (
            f'read -r value; rest=$(grep -sv "^{name}=" {self.path}); '
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
        raise NotHere("has no key")

    def renew_key(self, name: str) -> tuple[Done, Done]:
        raise NotHere("has no key")


class Age(FilePerValue):
    """One encrypted file for each value."""

    name, setup, ending = "age", "an identity file; one `.age` file for each value", ".age"
    apt = ("age",)

    def start(self) -> None:
        self.program, self.keygen = need("age"), need("age-keygen")
        self.help_commands = [[self.program, "--help"], [self.keygen, "--help"]]
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

    def share(self, name: str, other: str) -> tuple[str, Done, Done]:
        value = self.get(name).out
        theirs = self.home / "theirs.txt"
        self.checked([self.keygen, "-o", str(theirs)])
        recipient = self.checked([self.keygen, "-y", str(theirs)]).strip()
        command, _ = self.putting(name, value)
        self.checked([*command, "-r", recipient], value)
        self.key = theirs
        return "a recipient more in its file", self.get(name), self.get(other)


class Sops(Program):
    """One JSON document whose values are encrypted one by one."""

    name, setup = "SOPS", "one JSON file; an age identity where SOPS looks for it"

    def start(self) -> None:
        self.program, self.keygen = need("sops"), need("age-keygen")
        self.binaries = [self.program]
        self.help_commands = [[self.program, "--help"], [self.program, "set", "--help"]]
        self.key = self.home / ".config" / "sops" / "age" / "keys.txt"
        self.key.parent.mkdir(parents=True, mode=0o700)
        self.recipient = self._new_key()
        self.keys = re.findall("AGE-SECRET-KEY-.*", self.key.read_text())
        self.path = self.store / "secrets.json"
        self.path.write_text('{"first": "nothing"}')
        self.checked([self.program, "encrypt", "--in-place", "--age", self.recipient, str(self.path)])

    def _new_key(self) -> str:
        self.checked([self.keygen, "-o", str(self.key)])
        return self.checked([self.keygen, "-y", str(self.key)]).strip()

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
        self._new_key()

    def share(self, name: str, other: str) -> tuple[str, Done, Done]:
        shared, value = self.store / "shared.json", self.get(name).out
        mine = self.key.read_text()
        self.key.unlink()
        recipients = f"{self.recipient},{self._new_key()}"
        shared.write_text(json.dumps({name: value}))
        self.checked([self.program, "encrypt", "--in-place", "--age", recipients, str(shared)])
        command = [self.program, "decrypt", "--extract", f'["{name}"]', str(shared)]
        got = run(command, self.environment()), self.get(other)
        self.key.write_text(mine)
        return "a file of its own", *got

    def renew_key(self, name: str) -> tuple[Done, Done]:
        old, old_recipient = self.key.read_text(), self.recipient
        self.key.unlink()
        self.recipient = self._new_key()
        new = self.key.read_text()
        self.key.write_text(old)
        words = ["rotate", "--in-place", "--add-age", self.recipient, "--rm-age", old_recipient]
        self.checked([self.program, *words, str(self.path)])
        with_old = self.get(name)
        self.key.write_text(new)
        return with_old, self.get(name)

    def record(self, name: str) -> str:
        raise NotHere("needs a PostgreSQL server and a file below /etc")
