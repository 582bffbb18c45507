"""One HTTP request to a place that is known: over TLS, bounded in time and size, following nobody elsewhere.

Of the standard library alone. There are no proxies, no cookies, no passwords out of ``~/.netrc`` and no redirects, so
that what stands in ``Authorization`` reaches no other host. Nothing here knows what OAuth is.
"""

from __future__ import annotations

import http.client
import io
import socket
from time import monotonic
from urllib.parse import SplitResult, urlencode, urlsplit

from strongroom.credentials.hidden import HiddenBytes, HiddenFields
from strongroom.errors import ServiceUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Signing(Protocol):
        """What puts a client's own credential into a request, as Authlib does."""

        def prepare(self, method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
            """The request with it."""


URL_CHARACTERS_MAX = 4_096
_BODY_PIECE = 16_384
_CONNECT_SECONDS = 10.0


def split_url(url: str) -> SplitResult:
    """*url*, if a secret may be sent there: ``https``, or ``http`` to this machine itself.

    Raises: ValueError: another scheme or none, a password or a fragment in it, or characters no URL has.
    """
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("a URL is printable ASCII without spaces")
    parts = urlsplit(url)
    if parts.port == 0 or not parts.hostname or "@" in parts.netloc or "#" in url:
        raise ValueError("a URL here names a host, and no user, password or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("a URL here begins with https:// (http:// for this machine alone)")
    return parts


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port: what two URLs of one server have in common."""
    return parts.scheme, str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)


def is_loopback(host: str) -> bool:
    """Whether *host*, as written, is this machine itself."""
    first, *rest = host.split(".")
    is_v4 = first == "127" and len(rest) == 3 and all(part.isdecimal() and len(part) <= 3 for part in rest)
    return host in ("localhost", "::1") or is_v4


class Answer:
    """What came back.

    Attributes:
        headers: names in lower case; of several with one name, the last.
    """

    __slots__ = ("body", "headers", "status_code")

    def __init__(self, status_code: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.body = body

    def json(self) -> object:
        """The body as JSON. Raises: ValueError: it is none."""
        import json

        return json.loads(self.body)

    def raise_for_status(self) -> None:
        """As Authlib asks for it. Raises: ServiceUnavailable: the status is no success."""
        if self.status_code >= 400:
            raise ServiceUnavailable(f"it answered with status {self.status_code}")

    def __repr__(self) -> str:
        return f"<Answer {self.status_code}, {len(self.body)} bytes>"


class Transport:
    """Makes requests, each over a connection of its own.

    Args:
        seconds: for one request in all, from looking up the name to the last byte.
        bytes_max: of an answer's body.
    """

    def __init__(self, *, seconds: float = 30.0, bytes_max: int = 65_536) -> None:
        self._seconds = seconds
        self._bytes_max = bytes_max

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Signing) -> Answer:
        """A form, as Authlib's clients send theirs.

        Raises: ServiceUnavailable, ValueError: as `send`.
        """
        # Hidden from whoever prints the variables of this frame, where a request fails.
        data = HiddenFields(data)
        url, headers, body = _signed(url, data, headers, auth)
        return self.send("POST", url, headers, body)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """One request, one answer.

        Raises:
            ServiceUnavailable: nobody answered in time, or with too much, or with a redirect.
            ValueError: nothing secret may be sent to this URL.
        """
        parts = split_url(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            return self._exchange(parts, method, target, headers, body)
        except ServiceUnavailable:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Only its class: the text may repeat what came back, or what was sent.
            raise ServiceUnavailable(
                f"{parts.hostname} did not answer ({type(error).__name__})", is_transient=True
            ) from None

    def _exchange(
        self, parts: SplitResult, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        deadline = monotonic() + self._seconds
        host = str(parts.hostname)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(host, parts.port)
        connected: socket.socket | None = None
        try:
            # As http.client's own connect() asks for it, which would give each of the addresses all the time.
            connection._create_connection = lambda place, *_more: _dialled(place, deadline)  # type: ignore[attr-defined]
            connection.connect()
            connected = connection.sock
            connection.sock = _Timed(connected, deadline)
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            if 300 <= answer.status < 400:
                raise ServiceUnavailable(f"{host} answered with a redirect, which is not followed")
            found = bytearray()
            while piece := answer.read1(_BODY_PIECE):
                found += piece
                if len(found) > self._bytes_max:
                    raise ServiceUnavailable(f"{host} answered with more than {self._bytes_max} bytes")
            shown = {name.lower(): value for name, value in answer.getheaders()}
            if answer.length:
                raise ServiceUnavailable(f"the answer of {host} ended before its end", is_transient=True)
            return Answer(answer.status, shown, HiddenBytes(found))
        finally:
            connection.close()
            if connected is not None:
                connected.close()


def _dialled(place: tuple[str, int], deadline: float) -> socket.socket:
    """A connection to the first of a host's addresses that answers, before the time is up for all of them."""
    failure: OSError = TimeoutError()
    for _family, _kind, _protocol, _name, address in socket.getaddrinfo(*place, type=socket.SOCK_STREAM):
        left = deadline - monotonic()
        if left <= 0:
            break
        try:
            found = socket.create_connection((str(address[0]), int(address[1])), min(left, _CONNECT_SECONDS))
        except OSError as error:
            failure = error
        else:
            # For the handshake of TLS, which comes next.
            found.settimeout(max(min(deadline - monotonic(), _CONNECT_SECONDS), 0.001))
            return found
    raise failure


def _signed(
    url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Signing
) -> tuple[str, HiddenFields, HiddenBytes]:
    url, signed, body = auth.prepare("POST", url, dict(headers), urlencode(data))
    return url, HiddenFields(signed), HiddenBytes(body.encode("ascii"))


class _Timed:
    """A connected socket that is of no use after a deadline, however little arrives at a time."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def _limit(self) -> socket.socket:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket

    def sendall(self, data: bytes) -> None:
        self._limit().sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self))

    def receive(self, buffer: memoryview) -> int:
        return self._limit().recv_into(buffer)

    def close(self) -> None:
        """Nothing: http.client closes it before it has read the body of an answer that ends the connection."""


class _Reading(io.RawIOBase):
    """The reading side, for http.client."""

    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # http.client gives no other
        return self._timed.receive(buffer)
