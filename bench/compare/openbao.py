"""OpenBao among the programs of the comparison: its server with Raft storage, and with PostgreSQL below it."""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from typing import Any

from bench.compare.programs import Done, Program, need, run, wait_for
from bench.postgres_server import Server


class OpenBaoInPostgres(Program):
    """A server with the KV engine, version 2, and one unseal key; a stranger can edit its rows in PostgreSQL."""

    name, setup = "OpenBao", "a server of its own, PostgreSQL storage; a token in a file"
    server: subprocess.Popen[bytes] | None = None
    postgres: Server | None = None
    audit = ""

    def storage(self) -> str:
        """What the server's settings say of its storage."""
        self.postgres = Server()
        self.postgres.__enter__()
        self.database = f"postgresql:///postgres?{self.postgres.place}"
        return f'storage "postgresql" {{\n connection_url = "{self.database}"\n}}\n'

    def start(self) -> None:
        self.program = need("bao")
        self.binaries = [self.program]
        self.help_commands = [[self.program, "--help"]]
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self.port, cluster = one.getsockname()[1], two.getsockname()[1]
        self.settings = {"BAO_ADDR": f"http://127.0.0.1:{self.port}"}
        self.config = self.home / "config.hcl"
        self.config.write_text(
            self.storage() + f'listener "tcp" {{\n address = "127.0.0.1:{self.port}"\n tls_disable = true\n}}\n'
            f'cluster_addr = "http://127.0.0.1:{cluster}"\napi_addr = "http://127.0.0.1:{self.port}"\n'
        )
        self.serve()
        answer = self.checked([self.program, "operator", "init", "-key-shares=1", "-key-threshold=1", "-format=json"])
        made = json.loads(answer)
        self.unseal_key, token = made["unseal_keys_b64"][0], made["root_token"]
        self.keys = [self.unseal_key, token]
        self.token = self.home / ".vault-token"
        self.token.touch(mode=0o600)
        self.token.write_text(token)
        self.unseal()
        self.patient("secrets", "enable", "-path=secret", "kv-v2")
        self.patient("kv", "put", "secret/first", "value=nothing")
        self.items: dict[str, str] = {}

    def patient(self, *words: str) -> None:
        """Try a command until the server leads itself, and does it."""
        wait_for(lambda: self._or_raise([self.program, *words]))

    def _or_raise(self, command: list[str]) -> None:
        done = run(command, self.environment())
        if self.server is None or self.server.poll() is not None:
            raise RuntimeError("the server has ended")
        if done.code:
            raise OSError(done.err[-300:])

    def serve(self) -> None:
        """Start the server and wait until it listens."""
        with (self.home / "server.log").open("ab") as log:
            command = [self.program, "server", f"-config={self.config}"]
            self.server = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)
        wait_for(self._connect)

    def _connect(self) -> None:
        if self.server is None or self.server.poll() is not None:
            raise RuntimeError("the server has ended")
        socket.create_connection(("127.0.0.1", self.port), 1).close()

    def unseal(self) -> None:
        """Give the server its key."""
        self.patient("operator", "unseal", self.unseal_key)

    def server_pid(self) -> int | None:
        return self.server.pid if self.server else None

    def end_for_a_while(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)
            self.server = None

    def end(self) -> None:
        self.end_for_a_while()
        if self.postgres is not None:
            self.postgres.__exit__(None, None, None)
            self.postgres = None

    def again(self) -> None:
        self.serve()
        self.unseal()
        # Unsealed it is soon, and leads itself only then; a token is known from then on.
        self.patient("token", "lookup")

    def reboot(self) -> None:
        self.end_for_a_while()
        self.serve()

    def version(self) -> str:
        found = re.search(r"v([\d.]+)", self.checked([self.program, "version"]))
        return found[1] if found else ""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [self.program, "kv", "put", f"secret/{name}", "value=-"], value

    def getting(self, name: str) -> list[str]:
        return [self.program, "kv", "get", "-field=value", f"secret/{name}"]

    def _execute(self, statement: str, *arguments: Any) -> list[Any]:
        import psycopg

        with psycopg.connect(self.database) as connection:
            found = connection.execute(statement.encode(), arguments)
            return found.fetchall() if found.description else []

    def put(self, name: str, value: str) -> Done:
        if self.postgres is None:
            return super().put(name, value)
        before = self._rows()
        done = super().put(name, value)
        changed = {place for place, body in self._rows().items() if before.get(place) != body and "logical" in place[0]}
        self.items[name] = next(place[0].rpartition("/versions")[0] for place in changed if "/versions" in place[0])
        self.rows = getattr(self, "rows", {})
        self.rows.setdefault(name, set()).update(changed)
        return done

    def _rows(self) -> dict[tuple[str, str], bytes]:
        found = self._execute("SELECT path, key, value FROM openbao_kv_store")
        return {(path, key): bytes(value) for path, key, value in found}

    def cut(self, name: str) -> Any:
        rows = self._rows()
        return {place: rows.get(place) for place in sorted(self.rows[name])}

    def paste(self, name: str, what: Any) -> None:
        self.end_for_a_while()
        mine = sorted(self.rows[name])
        if set(what) <= set(mine):
            targets = dict(what)
        else:
            targets = dict(zip(mine, what.values(), strict=False))
        for (path, key), body in targets.items():
            self._execute("UPDATE openbao_kv_store SET value = %s WHERE path = %s AND key = %s", body, path, key)
        self.again()

    def lose_key(self) -> None:
        self.token.write_text("s.another")

    def _as(self, token: str, name: str) -> Done:
        return run(self.getting(name), self.environment() | {"BAO_TOKEN": token})

    def share(self, name: str, other: str) -> tuple[str, Done, Done]:
        rule = f'path "secret/data/{name}" {{\n capabilities = ["read"]\n}}\n'
        self.checked([self.program, "policy", "write", "theirs", "-"], rule)
        token = self.checked([self.program, "token", "create", "-policy=theirs", "-field=token"]).strip()
        return "a policy, and a token of their own", self._as(token, name), self._as(token, other)

    def older(self, name: str, before: str, after: str) -> Done:
        self.put(name, before)
        number = self.checked([self.program, "kv", "metadata", "get", "-format=json", f"secret/{name}"])
        version = json.loads(number)["data"]["current_version"]
        self.put(name, after)
        return run([*self.getting(name)[:-1], f"-version={version}", f"secret/{name}"], self.environment())

    def expire(self, name: str, value: str) -> Done:
        self.checked([self.program, "kv", "metadata", "put", "-delete-version-after=3s", f"secret/{name}"])
        return self.put(name, value)

    def renew_key(self, name: str) -> tuple[Done, Done]:
        rotate = [self.program, "operator", "rotate-keys"]
        begun = json.loads(self.checked([*rotate, "-init", "-key-shares=1", "-key-threshold=1", "-format=json"]))
        nonce = begun.get("nonce") or begun["data"]["nonce"]
        answer = json.loads(self.checked([*rotate, f"-nonce={nonce}", "-format=json", "-"], self.unseal_key))
        new = (answer.get("keys_base64") or answer.get("data", {}).get("keys_base64") or answer["unseal_keys_b64"])[0]
        self.checked([self.program, "operator", "rotate"])
        self.end_for_a_while()
        self.serve()
        run([self.program, "operator", "unseal", self.unseal_key], self.environment())
        with_old = self.get(name)
        self.unseal_key = new
        self.unseal()
        self.patient("token", "lookup")
        return with_old, self.get(name)

    def record(self, name: str) -> str:
        log = self.home / "audit.log"
        with self.config.open("a") as file:
            file.write(f'audit "file" "to-file" {{\n options = {{\n  file_path = "{log}"\n }}\n}}\n')
        self.end_for_a_while()
        self.again()
        self.get(name)
        return log.read_text()


class OpenBao(OpenBaoInPostgres):
    """The same with Raft storage, which is what its manual recommends."""

    setup = "a server of its own, Raft storage; a token in a file"
    with_open_entries = OpenBaoInPostgres

    def storage(self) -> str:
        return (
            f'storage "raft" {{\n path = "{self.store}"\n node_id = "one"\n'
            # As its manual has it for production: the server leads itself sooner.
            " performance_multiplier = 1\n}\n"
        )
