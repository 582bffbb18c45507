"""A service behind a real Unix socket, one thread for each connection: the agent without its process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from strongroom.errors import VaultLocked
from strongroom.remote.messages import MessageReader, encode_response, parse_request
from strongroom.remote.targets import split_target
from strongroom.service.interface import Request, Response
from strongroom.service.service import Service
from strongroom.vault.policy import Principal
from strongroom.vault.vault import Vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.service.interface import AuditEntry


class Keeper:
    """Holds an open vault, as the agent does."""

    def __init__(self, vault: Vault) -> None:
        self._vault: Vault | None = vault

    @property
    def vault(self) -> Vault:
        if self._vault is None or self._vault.is_locked:
            raise VaultLocked("locked")
        return self._vault

    def lock(self) -> None:
        self._vault = None

    def status(self) -> dict[str, object]:
        return {"locked": self._vault is None}


class AuditList:
    """An audit log that is a list."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, tuple[str, ...], str]] = []

    def record_all(self, entries: Sequence[AuditEntry]) -> None:
        for _principal, operation, path, fields, outcome, _id, _now_us in entries:
            self.entries.append((operation, path, tuple(fields), outcome))


class Tester(Principal):
    """The owner under the name that the local vault's tests write with."""

    def __str__(self) -> str:
        return "tester"


class Server:
    """Listens on a socket until it is stopped; `stop` and a second `Server` are a restart."""

    def __init__(self, path: Path, keeper: Keeper, clock_us: Callable[[], int]) -> None:
        self.audit = AuditList()
        self.requests: list[tuple[str, str]] = []
        self.answer: Callable[[Request], Response | None] = lambda _request: None
        self._service = Service(keeper, owner_uid=os.getuid(), audit=self.audit)
        self._clock_us = clock_us
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = MessageReader(parse_request)
        with connection:
            while data := _receive(connection):
                reader.feed(data)
                while message := reader.next_message():
                    head, body = message
                    path, query = split_target(head.target)
                    self.requests.append((head.method, head.target))
                    request = Request(head.method, path, query, head.headers, body)
                    try:
                        response = self.answer(request)
                    except ConnectionAbortedError:
                        return  # as an agent that is killed
                    response = response or self._service.handle(request, self.principal(), self._clock_us())
                    answer = encode_response(response.status, response.headers, length=len(response.body))
                    try:
                        connection.sendall(answer + response.body)
                    except OSError:
                        return  # the client did not wait for it

    def principal(self) -> Principal:
        """Who asks."""
        return Tester(os.getuid(), os.getgid(), pid=os.getpid())

    def stop(self) -> None:
        """Close everything, as the end of the process would; a second time does nothing."""
        if self._listener.fileno() < 0:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(60)
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was first


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""
