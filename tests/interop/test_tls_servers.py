"""`vault.tls` in the servers that people use: each serves the renewed certificate without a restart."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest
from cryptography import x509

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from tests.certificates import free_port

Serving = Callable[[ssl.SSLContext, int], AbstractContextManager[None]]
PATIENCE_SECONDS = 60.0


@contextmanager
def http_server(context: ssl.SSLContext, port: int) -> Iterator[None]:
    """Python's own, with a listening socket that was wrapped once."""
    server = HTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def uvicorn_server(context: ssl.SSLContext, port: int) -> Iterator[None]:
    import uvicorn

    async def page(scope: dict[str, object], receive: object, send: Callable[..., object]) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
            await send({"type": "http.response.body", "body": b"served"})  # type: ignore[misc]

    config = uvicorn.Config(page, port=port, log_level="error", lifespan="off", ssl_context_factory=lambda *_: context)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def aiohttp_server(context: ssl.SSLContext, port: int) -> Iterator[None]:
    from aiohttp import web

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="served")

    async def serve() -> None:
        application = web.Application()
        application.router.add_get("/", page)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        await asyncio.to_thread(done.wait)
        await runner.cleanup()

    done = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


SERVERS: dict[str, Serving] = {"http.server": http_server, "uvicorn": uvicorn_server, "aiohttp": aiohttp_server}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_shows_the_renewed_certificate(name: str) -> None:
    """To each new connection, through the context that it was given at its start."""
    port = free_port()
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        vault.ca.create(("localhost",))
        context, client = vault.tls("localhost"), vault.tls_client()
        with SERVERS[name](context, port):
            first = shown(port, client)
            assert shown(port, client) == first
            context._due = 0.0  # type: ignore[attr-defined]
            assert shown(port, client) != first


def shown(port: int, client: ssl.SSLContext) -> int:
    """The serial number of the certificate behind a page that was served."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            raw = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
            break
        except OSError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.05)
    with raw, client.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in connection.recv(1000)
        der = connection.getpeercert(True)
        assert der is not None
        return x509.load_der_x509_certificate(der).serial_number
