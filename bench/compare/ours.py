"""strongroom among the programs of the comparison: with a key file, and with a passphrase that an agent was told."""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from bench.compare.programs import Done, NotHere, Program, need, run, wait_for

PASSPHRASE = "tea-with-nine-blue-elephants"
# A user that every Debian has, and that owns nothing. Grants to nobody (65534) are refused.
OTHER = "daemon"


class Strongroom(Program):
    """A vault with a key file."""

    name, setup = "strongroom: key file", "a vault in a file; a key file"
    pip = ("strongroom",)
    agent: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.program = [need("strongroom")]
        self.help_commands = [[*self.program, "--help"]]
        self.path, self.key = self.store / "vault.db", self.home / "key"
        # Below the home is also what this machine remembers of the vault: an attacker of the store does not have it.
        self.settings = {"STRONGROOM_VAULT": str(self.path), "XDG_STATE_HOME": str(self.home / "state")}
        self.items: dict[str, bytes] = {}
        self.unlocking()

    def unlocking(self) -> None:
        """Make the vault, and what opens it."""
        self.settings["STRONGROOM_KEY_FILE"] = str(self.key)
        # No agent of somebody else's is asked.
        self.settings["STRONGROOM_AGENT_SOCKET"] = str(self.home / "no-agent.sock")
        self.checked([*self.program, "init", "--key-file", str(self.key), "--no-recovery-code"])

    def version(self) -> str:
        return self.checked([*self.program, "--version"]).split()[-1]

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [*self.program, "set", name, "password"], value

    def getting(self, name: str) -> list[str]:
        return [*self.program, "get", name, "password"]

    def owner(self, *words: str) -> str:
        """What a command prints that needs a key of its own."""
        return self.checked([*self.program, *words])

    def _rows(self, statement: str, *arguments: Any) -> list[Any]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(statement, arguments).fetchall()
        finally:
            connection.close()

    def put(self, name: str, value: str) -> Done:
        done = super().put(name, value)
        new = {row[0] for row in self._rows("SELECT DISTINCT item FROM versions")} - set(self.items.values())
        if len(new) == 1:
            self.items[name] = new.pop()
        return done

    def cut(self, name: str) -> Any:
        item = self.items[name]
        versions = self._rows("SELECT number, body FROM versions WHERE item = ?", item)
        return item, versions, self._rows("SELECT body FROM nodes WHERE id = ?", item)[0]

    def paste(self, name: str, what: Any) -> None:
        taken_from, versions, node = what
        item = self.items[name]
        with sqlite3.connect(self.path) as connection:
            connection.execute("DELETE FROM versions WHERE item = ?", (item,))
            connection.executemany("INSERT INTO versions VALUES (?, ?, ?)", [(item, *row) for row in versions])
            if item == taken_from:
                connection.execute("UPDATE nodes SET body = ? WHERE id = ?", (node[0], item))
        connection.close()

    def lose_key(self) -> None:
        other = self.home / "other"
        self.settings["STRONGROOM_VAULT"] = str(other / "vault.db")
        other.mkdir(mode=0o700)
        self.checked([*self.program, "init", "--key-file", str(other / "key"), "--no-recovery-code"])
        self.settings |= {"STRONGROOM_VAULT": str(self.path), "STRONGROOM_KEY_FILE": str(other / "key")}

    def serve(self) -> None:
        """Start the agent and wait until it answers; it may be locked still."""
        socket = Path(self.settings["STRONGROOM_AGENT_SOCKET"])
        words = [*self.program, "agent", "--socket", str(socket)]
        self.agent = subprocess.Popen(
            words, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for(self._answers)

    def _answers(self) -> None:
        if self.agent is None or self.agent.poll() is not None:
            raise RuntimeError("the agent has ended")
        done = run([*self.program, "agent", "status"], self.environment())
        if done.code not in (0, 3) or "none runs" in done.out:
            raise OSError(done.out + done.err)

    def end_for_a_while(self) -> None:
        if self.agent is not None:
            self.agent.send_signal(signal.SIGTERM)
            self.agent.wait(60)
            self.agent = None

    def end(self) -> None:
        self.end_for_a_while()

    def share(self, name: str, other: str) -> tuple[str, Done, Done]:
        if os.geteuid():
            raise NotHere("only root can become another user")
        self.owner("grant", "add", "other", "--user", OTHER, "--read", name)
        if self.agent is None:
            self.serve()
        self.home.chmod(0o755)
        socket = self.settings["STRONGROOM_AGENT_SOCKET"]
        # Others may connect as soon as the agent knows of the grant.
        wait_for(lambda: self._or_raise(os.stat(socket).st_mode & 0o006 == 0o006))
        curl = [need("setpriv"), f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups",
                need("curl"), "-sSf", "--unix-socket", socket]  # fmt: skip
        address = "http://agent/v1/strongroom/raw/{}?field=password"
        asked = [run([*curl, address.format(one)], self.environment()) for one in (name, other)]
        return "a grant, through its agent", asked[0], asked[1]

    def _or_raise(self, is_done: bool) -> None:
        if not is_done:
            raise OSError("not yet")

    def older(self, name: str, before: str, after: str) -> Done:
        self.put(name, before)
        number = json.loads(self.checked([*self.program, "log", name, "--json"]))[-1]["version"]
        self.put(name, after)
        return run([*self.getting(name), "--version", str(number)], self.environment())

    def expire(self, name: str, value: str) -> Done:
        command, stdin = self.putting(name, value)
        return run([*command, "--expires", "3s"], self.environment(), stdin)

    def renew_key(self, name: str) -> tuple[Done, Done]:
        new = str(self.home / "new-key")
        identity = json.loads(self.owner("slot", "list", "--json"))[0]["id"]
        self.owner("slot", "add", "key-file", new)
        self.settings["STRONGROOM_KEY_FILE"] = new
        self.owner("slot", "remove", identity, "--yes")
        self.settings["STRONGROOM_KEY_FILE"] = str(self.key)
        with_old = self.get(name)
        self.settings["STRONGROOM_KEY_FILE"] = new
        return with_old, self.get(name)

    def record(self, name: str) -> str:
        self.get(name)
        return self.owner("audit")


class StrongroomAgent(Strongroom):
    """A vault with a passphrase, which a person has told its agent once."""

    name, setup = "strongroom: agent", "a vault in a file; a passphrase, told to its agent"

    def unlocking(self) -> None:
        self.settings["STRONGROOM_AGENT_SOCKET"] = str(self.home / "agent.sock")
        self.keys = [PASSPHRASE]
        self.checked([*self.program, "init", "--passphrase", "--no-recovery-code"], PASSPHRASE + "\n")
        self.again()

    def again(self) -> None:
        self.serve()
        self.checked([*self.program, "unlock"], PASSPHRASE + "\n")

    def owner(self, *words: str) -> str:
        return self.checked([*self.program, *words, "--passphrase-fd", "0"], PASSPHRASE + "\n")

    def server_pid(self) -> int | None:
        return self.agent.pid if self.agent else None

    def lose_key(self) -> None:
        self.end_for_a_while()
        self.serve()
        run([*self.program, "unlock"], self.environment(), "another one\n")

    def renew_key(self, name: str) -> tuple[Done, Done]:
        new, old = "more-tea-with-ten-grey-elephants", self.home / "old-passphrase"
        identity = json.loads(self.owner("slot", "list", "--json"))[0]["id"]
        old.write_text(PASSPHRASE + "\n")
        # Two secrets: the old one on a descriptor of its own, the new one on standard input.
        add = 'old=$1; shift; exec "$@" slot add passphrase --passphrase-fd 3 3< "$old"'
        self.checked(["sh", "-c", add, "sh", str(old), *self.program], new + "\n")
        self.checked([*self.program, "slot", "remove", identity, "--yes", "--passphrase-fd", "0"], new + "\n")
        self.end_for_a_while()
        self.serve()
        run([*self.program, "unlock"], self.environment(), PASSPHRASE + "\n")
        with_old = self.get(name)
        # After a wrong passphrase the agent hears none for a second.
        wait_for(lambda: self._or_raise(run([*self.program, "unlock"], self.environment(), new + "\n").code == 0))
        return with_old, self.get(name)
