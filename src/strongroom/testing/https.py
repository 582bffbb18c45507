"""An HTTPS server for one test, and the proof that a client verifies what servers show it."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from strongroom.testing.certificates import TestingAuthority

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from strongroom.crypto.x509.tls import Context

BODY = b"served by strongroom.testing\n"
HOST = "127.0.0.1"
_SECONDS = 10


class _Handler(BaseHTTPRequestHandler):
    """Answers every request alike."""

    timeout = _SECONDS

    def do_GET(self) -> None:
        """One small page."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


class _Server(ThreadingHTTPServer):
    context: Context
    daemon_threads = True

    def finish_request(self, request: object, client_address: object) -> None:
        # In the connection's own thread: a handshake that hangs holds nobody else up.
        request.settimeout(_SECONDS)  # type: ignore[attr-defined]
        with self.context.wrap_socket(request, server_side=True) as connection:  # type: ignore[arg-type]
            super().finish_request(connection, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """That clients hang up is what these tests are about."""


class HttpsServer:
    """Serves one page at a port of its own; a context manager.

    Args:
        context: a server's.

    Attributes:
        url: ``https://localhost:PORT/``.
    """

    def __init__(self, context: Context) -> None:
        self._server = _Server((HOST, 0), _Handler)
        self._server.context = context
        self.port: int = self._server.server_address[1]
        self.url = f"https://localhost:{self.port}/"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def assert_client_verifies(
    connect: Callable[[str], object], authority: TestingAuthority, *, revocation: bool = False
) -> None:
    """Prove that a client, which trusts *authority*, reaches a good server and refuses every bad one.

    Args:
        connect: gets a URL and fetches it; raises whatever it likes when it refuses.
        authority: whose root the client trusts.
        revocation: whether the client looks at `TestingAuthority.revocation_list` as well.

    Raises: AssertionError: it does not; the message names the certificate that it took.
    """
    with HttpsServer(authority.server_context()) as good:
        try:
            connect(good.url)
        except Exception as error:
            raise AssertionError("the client does not reach a server with a good certificate") from error
    bad = {
        "that ended weeks ago": authority.expired(),
        "of another host": authority.issue("another-host.test"),
        "of a client": authority.issue(profile="client"),
        "of an authority that it does not trust": TestingAuthority().issue(),
    }
    if revocation:
        bad["that was revoked"] = authority.revoked()
    for words, issued in bad.items():
        with HttpsServer(authority.server_context(issued)) as server:
            try:
                connect(server.url)
            except Exception as refusal:
                if isinstance(refusal, AssertionError):
                    raise
                continue
        raise AssertionError(f"the client took a certificate {words}: it does not verify")
