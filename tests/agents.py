"""A real agent in a process of its own, for the tests that talk to it, attack it or look into its memory."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from strongroom.keys.slots.key_file import encode_key_file, new_key_file
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.locate.agent_process import SCRUBBING
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

# Much longer than anything takes here: a machine that tests may be slow, and busy with something else.
PATIENCE_SECONDS = 60.0
PASSPHRASE = b"tea with nine blue elephants"
# The cheapest that the format allows: these tests are about the agent, not about the cost of a guess.
CHEAP = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
LINUX = sys.platform.startswith("linux")
IS_ROOT = LINUX and os.geteuid() == 0


def make_vault(directory: Path, *, items: int = 1, profile: Argon2idProfile = CHEAP) -> Path:
    """A vault that PASSPHRASE opens, and the key file ``key`` beside it; ``bank/checking`` is in it."""
    os.chmod(directory, 0o700)
    path = directory / "vault.db"
    store = SqliteStore.create(str(path))
    key_file = new_key_file()
    (directory / "key").write_bytes(encode_key_file(key_file))
    (directory / "key").chmod(0o400)
    credentials = [PassphraseCredential(bytearray(PASSPHRASE), profile=profile), key_file]
    with create_vault(store, credentials, author="test") as vault:
        store.publish()
        vault.set("bank/checking", {"username": "dustin", "password": "canary-7f3a"})
        for number in range(1, items):
            vault.set(f"many/item-{number}", {"password": f"value-{number}"})
    return path


class Answer:
    """A response."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found

    def __repr__(self) -> str:
        return f"{self.status} {self.body!r}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("agent", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(str(self._path))


class AgentUnderTest:
    """An agent on ``vault.db`` in a directory; a context manager that ends it."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        prepare: Callable[[], None] | None = None,
        environment: dict[str, str] | None = None,
        socket_path: Path | None = None,
        python: str = sys.executable,
    ) -> None:
        self.directory = directory
        self.socket = socket_path or directory / "agent.sock"
        reads, writes = os.pipe()
        kept = {name: os.environ[name] for name in ("COVERAGE_PROCESS_CONFIG",) if name in os.environ}
        # Another interpreter of the same version finds the same packages.
        kept["PYTHONPATH"] = ":".join(os.path.abspath(place) for place in sys.path if place)
        state = {"HOME": str(directory), "XDG_STATE_HOME": str(directory / "state"), "PATH": "/usr/bin:/bin"}
        words = ["--vault", str(directory / "vault.db"), "--socket", str(self.socket), "--ready-fd", str(writes)]
        self.process = subprocess.Popen(
            [python, "-P", "-m", "strongroom", "agent-process", *words, *options],
            env={**kept, **SCRUBBING, **state, **(environment or {})},
            cwd=directory,
            pass_fds=[writes],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=prepare,
        )
        os.close(writes)
        self.is_ready = bool(os.read(reads, 1))
        os.close(reads)

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = _UnixConnection(self.socket)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def unlock(self, secret: bytes = PASSPHRASE, *, way: str = "typed", more: str = "") -> Answer:
        return self.ask("POST", f"/v1/strongroom/agent/unlock?way={way}{more}", secret)

    def unlocked(self) -> AgentUnderTest:
        """Unlocked with the key file, which costs nothing."""
        answer = self.unlock((self.directory / "key").read_bytes(), way="key-file")
        assert answer.status == 204, answer
        return self

    def lock(self) -> None:
        assert self.ask("POST", "/v1/strongroom/agent/lock").status == 204

    def read(self, path: str = "bank/checking", field: str = "password") -> Answer:
        return self.ask("GET", f"/v1/strongroom/raw/{path}?field={field}")

    def status(self) -> dict[str, object]:
        return self.ask("GET", "/v1/strongroom/agent/status").json()

    def resident_kib(self, what: str = "VmRSS") -> int:
        text = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{what}:\s+(\d+) kB", text)
        assert found is not None
        return int(found[1])

    def connect(self) -> socket.socket:
        """A bare connection."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Without a time-out, under which a full queue would be an error at once.
        made.connect(str(self.socket))
        made.settimeout(PATIENCE_SECONDS)
        return made

    def wait_until(self, condition: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status = self.status()
            if condition(status):
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def __enter__(self) -> AgentUnderTest:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.process.poll() is None:
            # Politely, so that it can say which of its lines were run.
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


def open_vault(directory: Path) -> Vault:
    """The vault, opened in this process."""
    from strongroom.keys.slots.key_file import decode_key_file
    from strongroom.vault.opening import open_vault as open_with

    store = SqliteStore.open(str(directory / "vault.db"))
    return open_with(store, decode_key_file(bytearray((directory / "key").read_bytes())), author="test")
