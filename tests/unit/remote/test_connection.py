"""Connections to an agent: kept, made anew, never believed blindly."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strongroom.errors import Denied, NotFound, OutcomeUnknown, StoreUnavailable, VaultLocked
from strongroom.remote.agent import RemoteVault
from strongroom.remote.connection import AgentClient, NoAgent
from strongroom.service.interface import Request, Response
from strongroom.vault.vault import Vault
from tests.unit.remote.serving import Keeper, Server
from tests.unit.vault.conftest import Clock

Script = Callable[[socket.socket], None]


def mine(uid: int) -> bool:
    return uid == os.getuid()


@contextmanager
def scripted(path: Path, *scripts: Script) -> Iterator[list[bytes]]:
    """A server that plays one script for each connection; yields what it received first on each."""
    received: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    listener.settimeout(60)

    def serve() -> None:
        for script in scripts:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                received.append(connection.recv(65536))
                script(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield received
    finally:
        thread.join(60)
        listener.close()
        assert not thread.is_alive()


def says(data: bytes) -> Script:
    return lambda connection: connection.sendall(data)


def hangs_up(_connection: socket.socket) -> None:
    """Ends the connection without a word."""


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_one_connection_serves_many_calls(server: Server, vault: RemoteVault) -> None:
    """A second read makes no second connection; another thread makes its own."""
    vault.set("a", {"x": "1"})
    for _ in range(5):
        vault.get("a")
    assert len(server._connections) == 1
    thread = threading.Thread(target=vault.get, args=("a",))
    thread.start()
    thread.join(60)
    assert len(server._connections) == 2


def test_a_restart_is_not_noticed(
    server: Server, vault: RemoteVault, keeper: Keeper, socket_path: Path, clock: Clock
) -> None:
    """Reads and writes go on over a new connection; while nobody listens the vault is locked."""
    vault.set("a", {"x": "1"})
    server.stop()
    with pytest.raises(VaultLocked, match="no agent"):
        vault.get("a")
    socket_path.unlink()
    again = Server(socket_path, keeper, clock)
    try:
        assert vault.get("a", "x").reveal() == "1"
        assert vault.set("a", {"x": "2"}).number == 2
    finally:
        again.stop()


def test_a_repeated_write_is_written_once(server: Server, vault: RemoteVault, held: Vault) -> None:
    """An agent that ends after the commit and before its answer gets the write again, and knows it."""
    dropped: list[Request] = []

    def drop_once(request: Request) -> Response | None:
        if request.method == "POST" and not dropped:
            dropped.append(request)
            server._service.handle(request, server.principal(), 1_790_000_000_000_000)
            raise ConnectionAbortedError
        return None

    server.answer = drop_once
    assert vault.set("a", {"x": "1"}).number == 1
    assert len(held.history("a")) == 1
    assert [method for method, _ in server.requests].count("POST") == 2


def test_a_change_without_an_id_is_not_repeated(server: Server, vault: RemoteVault) -> None:
    """A move whose answer is missing is unknown: it is sent once, and the caller decides."""
    vault.set("a", {"x": "1"})

    def drop(_request: Request) -> Response | None:
        raise ConnectionAbortedError

    server.answer = drop
    with pytest.raises(OutcomeUnknown):
        vault.move("a", "b")
    assert [target for method, target in server.requests if method == "POST"].count("/v1/strongroom/move") == 1


def test_a_locked_agent(vault: RemoteVault, keeper: Keeper) -> None:
    """The words are those of the command that helps."""
    keeper.lock()
    with pytest.raises(VaultLocked, match="is locked") as caught:
        vault.get("a")
    assert caught.value.advice == "strongroom unlock"


def test_a_stranger_gets_nothing(tmp_path: Path) -> None:
    """An agent that runs as somebody who is not trusted receives no byte."""
    path = tmp_path / "s"
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind(str(path))
        listener.listen()
        client = AgentClient(str(path), trusts=lambda uid: False)
        with pytest.raises(Denied, match=f"uid {os.getuid()}"):
            client.call("GET", "/secret")
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b""


def test_nobody_listens(tmp_path: Path) -> None:
    """No file, a file that is no socket, and a socket that was left behind."""
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    for name in ("absent", "file", "left", "file/below"):
        with pytest.raises(NoAgent, match="no agent listens"):
            AgentClient(str(tmp_path / name), trusts=mine).call("GET", "/")


def test_a_long_path(tmp_path: Path) -> None:
    """A path that no socket address can hold is reached through its directory."""
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    here = Path.cwd()
    os.chdir(directory)
    try:
        # The address is short from within.
        with scripted(Path("s"), says(ANSWER)):
            head, body = AgentClient(str(directory / "s"), trusts=mine).call("GET", "/")
            assert (head.status, bytes(body)) == (200, b"ok")
    finally:
        os.chdir(here)


BROKEN = {
    "another protocol": b"SSH-2.0-OpenSSH\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\n\r\nok",
    "half an answer": ANSWER[:-1],
    "half a head": ANSWER[:20],
    "an answer without end": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_answer_that_is_none(case: str, tmp_path: Path) -> None:
    """It is an error of this call, and the next call begins on a new connection."""
    client = AgentClient(str(tmp_path / "s"), trusts=mine)
    with scripted(tmp_path / "s", says(BROKEN[case]), says(ANSWER)):
        with pytest.raises(StoreUnavailable):
            client.call("GET", "/first")
        assert client.call("GET", "/second")[1] == b"ok"


def test_an_agent_that_hangs_up_twice(tmp_path: Path) -> None:
    """One repetition, then it counts as gone."""
    with scripted(tmp_path / "s", hangs_up, hangs_up) as received:
        with pytest.raises(NoAgent, match="without an answer"):
            AgentClient(str(tmp_path / "s"), trusts=mine).call("GET", "/x")
    assert len(received) == 2


def test_a_body_is_refused_before_it_was_read(tmp_path: Path) -> None:
    """The answer of an agent that does not read on is heard all the same."""
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with scripted(tmp_path / "s", says(refusal)):
        head, _ = AgentClient(str(tmp_path / "s"), trusts=mine).call("POST", "/", body=bytes(8 * 1024 * 1024))
    assert head.status == 413


def test_what_comes_unasked_ends_the_connection(tmp_path: Path) -> None:
    """Bytes after an answer are never taken for the next one."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"

    def says_too_much(connection: socket.socket) -> None:
        connection.sendall(ANSWER + forged)
        assert connection.recv(100) == b""  # the client leaves

    with scripted(tmp_path / "s", says_too_much, says(ANSWER)) as received:
        client = AgentClient(str(tmp_path / "s"), trusts=mine)
        assert client.call("GET", "/first")[1] == b"ok"
        assert client.call("GET", "/second")[1] == b"ok"
    assert len(received) == 2


ERRORS = {
    "no words": (404, b"", "", NotFound, "there is no a"),
    "not JSON": (404, b"<html>", "NotFound", NotFound, "there is no a"),
    "an unknown class": (500, b'{"errors":["m"]}', "SystemExit", StoreUnavailable, "m"),
    "a status that nobody gives": (418, b"", "", StoreUnavailable, "the agent answered 418"),
    "Vault's own 403": (403, b'{"errors":["1 error occurred:\\n\\t* denied\\n\\n"]}', "", Denied, "you may not"),
    "sealed": (503, b'{"errors":["Vault is sealed"]}', "", VaultLocked, "is locked"),
    "misuse": (400, b'{"errors":["m"]}', "ValueError", ValueError, "m"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_become_the_vaults_own(server: Server, vault: RemoteVault, case: str) -> None:
    """Class and words of each answer; only classes of ours are ever made."""
    status, body, name, kind, words = ERRORS[case]
    headers = [("X-Strongroom-Error", name)] if name else []
    server.answer = lambda _request: Response(status, headers, bytearray(body))
    with pytest.raises(kind, match=words):
        vault.get("a")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":{}}', b'{"data":{"data":{},"metadata":{}}}', b"{" * 500])
def test_an_answer_that_is_no_item(server: Server, vault: RemoteVault, body: bytes) -> None:
    """Something else under 200 is an error that names the remedy."""
    server.answer = lambda _request: Response(200, [], bytearray(body))
    for call in (lambda: vault.get("a"), lambda: vault.history("a"), vault.list, vault.walk, vault.settings):
        with pytest.raises(StoreUnavailable):
            call()
