"""More of `bench.compare.programs`: keyring with its encrypted file, OpenBao with its server, and strongroom."""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from configparser import RawConfigParser
from importlib.util import find_spec
from typing import Any

from bench.agent_peers import wait_for
from bench.compare.programs import BUILD, NotHere, Program, need, run

CRYPTFILE = ("keyring==25.7.0", "keyrings.cryptfile==1.3.9", "argon2-cffi", "pycryptodome")


def importable() -> str:
    """The directory that has keyrings.cryptfile; "" when Python finds it by itself.

    Raises: NotHere: it can be neither found nor installed.
    """
    try:
        if find_spec("keyrings.cryptfile"):
            return ""
    except ModuleNotFoundError:
        pass  # not even its parent is there: below it is installed
    target = BUILD / "keyrings.cryptfile"
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
        if subprocess.run([*pip, "--target", str(target), *CRYPTFILE], capture_output=True, check=False).returncode:
            raise NotHere("keyrings.cryptfile")
    return str(target)


class Keyring(Program):
    """The keyring library's encrypted file, for machines without a desktop."""

    name, setup = "keyring", "`keyrings.cryptfile`, its passphrase in the environment"

    def start(self) -> None:
        self.path = self.store / "cryptfile_pass.cfg"
        self.settings = {
            "PYTHON_KEYRING_BACKEND": "keyrings.cryptfile.cryptfile.CryptFileKeyring",
            "KEYRING_PROPERTY_FILE_PATH": str(self.path), "PYTHONPATH": importable(),
        }  # fmt: skip
        self.secrets = {"KEYRING_PROPERTY_KEYRING_KEY": "tea-with-nine-blue-elephants"}
        self.keys = list(self.secrets.values())

    def version(self) -> str:
        return self.checked(
            [sys.executable, "-c", "import importlib.metadata as m; print(m.version('keyring'))"]
        ).strip()

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [sys.executable, "-m", "keyring", "set", "shop", name], value

    def getting(self, name: str) -> list[str]:
        return [sys.executable, "-m", "keyring", "get", "shop", name]

    def _read(self) -> RawConfigParser:
        parser = RawConfigParser()
        parser.read(self.path)
        return parser

    def _option(self, name: str) -> str:
        return name.replace("_", "_5F")

    def cut(self, name: str) -> Any:
        return self._read()["shop"][self._option(name)]

    def paste(self, name: str, what: Any) -> None:
        parser = self._read()
        parser["shop"][self._option(name)] = what
        with self.path.open("w") as file:
            parser.write(file)

    def lose_key(self) -> None:
        self.secrets = {"KEYRING_PROPERTY_KEYRING_KEY": "another one"}


class OpenBao(Program):
    """A server with the KV engine, version 2, and Raft storage; one unseal key."""

    name, setup = "OpenBao", "a server of its own, Raft storage, a token in a file"
    server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.program = need("bao")
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self.port, cluster = one.getsockname()[1], two.getsockname()[1]
        self.settings = {"BAO_ADDR": f"http://127.0.0.1:{self.port}"}
        self.config = self.home / "config.hcl"
        self.config.write_text(
            f'storage "raft" {{\n path = "{self.store}"\n node_id = "one"\n}}\n'
            f'listener "tcp" {{\n address = "127.0.0.1:{self.port}"\n tls_disable = true\n}}\n'
            f'cluster_addr = "http://127.0.0.1:{cluster}"\napi_addr = "http://127.0.0.1:{self.port}"\n'
        )
        self.serve()
        answer = self.checked([self.program, "operator", "init", "-key-shares=1", "-key-threshold=1", "-format=json"])
        made = json.loads(answer)
        self.unseal_key, token = made["unseal_keys_b64"][0], made["root_token"]
        self.keys = [self.unseal_key, token]
        (self.home / ".vault-token").write_text(token)
        self.unseal()
        wait_for(lambda: self._or_raise([self.program, "secrets", "enable", "-path=secret", "kv-v2"]))
        wait_for(lambda: self._or_raise([self.program, "kv", "put", "secret/first", "value=nothing"]))

    def _or_raise(self, command: list[str]) -> None:
        done = run(command, self.environment())
        if done.code:
            raise OSError(done.err[-300:])

    def serve(self) -> None:
        """Start the server and wait until it listens."""
        with (self.home / "server.log").open("ab") as log:
            command = [self.program, "server", f"-config={self.config}"]
            self.server = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)
        wait_for(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close())

    def unseal(self) -> None:
        """Give the server its key, and wait until it is the leader."""
        wait_for(lambda: self._or_raise([self.program, "operator", "unseal", self.unseal_key]))

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.server is not None:
            self.server.send_signal(how)
            self.server.wait(60)
            self.server = None

    def end_for_a_while(self) -> None:
        self.end()

    def again(self) -> None:
        """Start on what lies in the store now."""
        self.serve()
        self.unseal()

    def version(self) -> str:
        found = re.search(r"v([\d.]+)", self.checked([self.program, "version"]))
        return found[1] if found else ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [self.program, "kv", "put", f"secret/{name}", "value=-"], value

    def getting(self, name: str) -> list[str]:
        return [self.program, "kv", "get", "-field=value", f"secret/{name}"]

    def cut(self, name: str) -> Any:
        raise NotHere("its storage is a log of pages, which nothing here can edit")

    def lose_key(self) -> None:
        (self.home / ".vault-token").write_text("s.another")


class Strongroom(Program):
    """A vault with a key file."""

    name, setup = "strongroom", "a vault in a file, a key file"

    def start(self) -> None:
        found = need("strongroom")
        self.program = [found]
        self.path, self.key = self.store / "vault.db", self.home / "key"
        self.settings = {"STRONGROOM_VAULT": str(self.path), "STRONGROOM_KEY_FILE": str(self.key)}
        # Also where this machine remembers what it has seen: an attacker of the store does not have it.
        self.settings["XDG_STATE_HOME"] = str(self.home / "state")
        self.checked([*self.program, "init", "--key-file", str(self.key), "--no-recovery-code"])
        self.items: dict[str, bytes] = {}

    def version(self) -> str:
        return self.checked([*self.program, "--version"]).split()[-1]

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [*self.program, "set", name, "password"], value

    def getting(self, name: str) -> list[str]:
        return [*self.program, "get", name, "password"]

    def put(self, name: str, value: str) -> Any:
        done = super().put(name, value)
        with sqlite3.connect(self.path) as connection:
            there = {row[0] for row in connection.execute("SELECT DISTINCT item FROM versions")}
        connection.close()
        new = there - set(self.items.values())
        if len(new) == 1:
            self.items[name] = new.pop()
        return done

    def cut(self, name: str) -> Any:
        connection = sqlite3.connect(self.path)
        item = self.items[name]
        versions = connection.execute("SELECT number, body FROM versions WHERE item = ?", (item,)).fetchall()
        node = connection.execute("SELECT body FROM nodes WHERE id = ?", (item,)).fetchone()
        connection.close()
        return item, versions, node

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


def clean_environment() -> None:
    """Leave out what this shell says to the programs that are asked."""
    for name in [name for name in os.environ if name.startswith(("STRONGROOM_", "BAO_", "VAULT_", "KEYRING_"))]:
        del os.environ[name]
