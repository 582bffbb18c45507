"""HTTP/1.1 as the agent speaks it: bytes in, messages out, and back. No sockets, no JSON.

Both ends use this file: the agent reads requests and writes responses, the client the
other way round. It is a subset on purpose, bounded before anything is stored: one length
rule (``Content-Length``, given once), no chunks, no folded lines, no bare newlines.
`docs/format.md#agent` names the limits.
"""

from __future__ import annotations

from typing import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

# A path of 4,096 bytes and a field name of 1,024, every byte of them percent-encoded, fit in.
START_LINE_BYTES_MAX: Final = 16 * 1024
HEADER_LINE_BYTES_MAX: Final = 8 * 1024
HEADERS_MAX: Final = 64
# Start line and headers together: what a client that never ends its headers can make the agent keep.
HEAD_BYTES_MAX: Final = 32 * 1024
# An item of 16 MiB in base64, and what surrounds it.
BODY_BYTES_MAX: Final = 24 * 1024 * 1024

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

REASONS: Final = {
    200: "OK", 202: "Accepted", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 411: "Length Required", 412: "Precondition Failed",
    413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed",
    421: "Misdirected Request", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}  # fmt: skip

_END = b"\r\n\r\n"
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TOKEN_BYTES = bytes(sorted(_TOKEN))
# Visible ASCII: what a request target consists of once it is percent-encoded.
_VISIBLE = bytes(range(0x21, 0x7F))
# What a header's value may hold: visible characters, space, tab and the upper half.
_VALUE = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
# Said once or refused: two readers that pick different ones would disagree about the message.
_ONCE = frozenset(("content-length", "transfer-encoding", "host", "expect", "x-vault-token", "authorization"))


class BadMessage(Exception):
    """What came is not a message of this subset; the connection is of no further use.

    Args:
        status: the HTTP status that says so to a client.
        message: one line without anything that the peer sent.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RequestHead:
    """A request without its body.

    Attributes:
        method: as sent, such as ``GET`` or ``LIST``.
        target: percent-encoded, begins with ``/``; see `targets.split_target`.
        headers: values by lower-case name; several of one name are joined with ``, ``.
        length: bytes of body that follow.
        keep_alive: whether the connection serves another request after this one.
        expects_continue: whether the client waits for `CONTINUE` before it sends the body.
    """

    __slots__ = ("expects_continue", "headers", "keep_alive", "length", "method", "target")

    def __init__(self, method: str, target: str, headers: dict[str, str], length: int, *, keep_alive: bool) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.length = length
        self.keep_alive = keep_alive
        self.expects_continue = headers.get("expect", "").lower() == "100-continue"


class ResponseHead:
    """A response without its body; the attributes as in `RequestHead`."""

    __slots__ = ("headers", "keep_alive", "length", "status")

    def __init__(self, status: int, headers: dict[str, str], length: int, *, keep_alive: bool) -> None:
        self.status = status
        self.headers = headers
        self.length = length
        self.keep_alive = keep_alive


H = TypeVar("H", bound="RequestHead | ResponseHead")


class MessageReader(Generic[H]):
    """Collects bytes and hands out whole messages.

    Args:
        parse: `parse_request` or `parse_response`.
        body_bytes_max: the longest body that is accepted.

    Attributes:
        head: of the message whose body is still coming in; None before its head is complete.
    """

    __slots__ = ("_body_bytes_max", "_buffer", "_parse", "_searched", "head")

    def __init__(self, parse: Callable[[bytes], H], *, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self._parse = parse
        self._body_bytes_max = body_bytes_max
        self._buffer = bytearray()
        self._searched = 0
        self.head: H | None = None

    @property
    def buffered(self) -> int:
        """How many bytes are held that belong to no message yet."""
        return len(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take in what was received; ask `next_message` after each call.

        Nothing is checked here: receive at most 64 KiB at a time.
        """
        self._buffer += data

    def next_message(self) -> tuple[H, bytearray] | None:
        """The next whole message; None while bytes are missing.

        Returns: its head, and its body, which the caller wipes.
        Raises: BadMessage: as soon as it is clear that this will never be one.
        """
        head = self.head or self._read_head()
        if head is None:
            return None
        self.head = head
        length = head.length
        buffer = self._buffer
        if len(buffer) < length:
            return None
        self.head = None
        if len(buffer) == length:
            # The usual case: the body is all there is, and need not be copied.
            self._buffer = bytearray()
            return head, buffer
        body = buffer[:length]
        self._drop(length)
        return head, body

    def _read_head(self) -> H | None:
        buffer = self._buffer
        end = buffer.find(_END, max(self._searched - len(_END) + 1, 0))
        if end < 0:
            self._searched = len(buffer)
            _check_unfinished(buffer)
            return None
        if end > HEAD_BYTES_MAX:
            raise BadMessage(431, "the headers are too large")
        head = self._parse(bytes(buffer[:end]))
        if head.length > self._body_bytes_max:
            raise BadMessage(413, f"the body is longer than {self._body_bytes_max} bytes")
        self._searched = 0
        self._drop(end + len(_END))
        return head

    def _drop(self, count: int) -> None:
        """Forget the first *count* bytes, and leave no second copy of them behind the rest."""
        buffer = self._buffer
        buffer[:count] = bytes(count)
        del buffer[:count]

    def wipe(self) -> None:
        """Overwrite and forget what is buffered."""
        self._buffer[:] = bytes(len(self._buffer))
        self._buffer = bytearray()
        self._searched = 0
        self.head = None


def _check_unfinished(buffer: bytearray) -> None:
    if len(buffer) > HEAD_BYTES_MAX:
        raise BadMessage(431, "the headers are too large")
    if len(buffer) > START_LINE_BYTES_MAX and buffer.find(b"\r\n", 0, START_LINE_BYTES_MAX + 2) < 0:
        raise BadMessage(414, "the first line is too long")


def parse_request(head: bytes) -> RequestHead:
    """Read a request's first line and headers.

    Args:
        head: everything before the empty line, at most `HEAD_BYTES_MAX` bytes.

    Raises: BadMessage: malformed, too long, or with a body of unknown length.
    Source: RFC 9112, sections 3, 5 and 6; stricter where it allows leniency.
    """
    first, _, rest = head.partition(b"\r\n")
    if len(first) > START_LINE_BYTES_MAX:
        raise BadMessage(414, "the first line is too long")
    words = first.split(b" ")
    if len(words) != 3 or not words[0] or words[0].translate(None, _TOKEN_BYTES):
        raise BadMessage(400, "malformed request line")
    method, target, protocol = words
    if target[:1] != b"/" or target.translate(None, _VISIBLE) or b"#" in target:
        raise BadMessage(400, "malformed request target")
    headers = _parse_headers(rest)
    if protocol == b"HTTP/1.1":
        keep_alive = headers.get("connection", "").lower() != "close"
    elif protocol == b"HTTP/1.0":
        keep_alive = False
    else:
        raise BadMessage(505, "only HTTP/1.1 is spoken here")
    if "transfer-encoding" in headers:
        raise BadMessage(411, "a body needs a Content-Length")
    return RequestHead(str(method, "ascii"), str(target, "ascii"), headers, _length(headers), keep_alive=keep_alive)


def parse_response(head: bytes) -> ResponseHead:
    """Read a response's first line and headers.

    Args:
        head: everything before the empty line, at most `HEAD_BYTES_MAX` bytes.

    Raises: BadMessage: malformed, too long, or with a body of unknown length.
    Source: RFC 9112, sections 4, 5 and 6.
    """
    first, _, rest = head.partition(b"\r\n")
    if first[:9] != b"HTTP/1.1 " or len(first) > START_LINE_BYTES_MAX:
        raise BadMessage(502, "malformed status line")
    status = first[9:12]
    if not status.isdigit() or first[12:13] not in (b"", b" "):
        raise BadMessage(502, "malformed status line")
    headers = _parse_headers(rest)
    if "transfer-encoding" in headers or ("content-length" not in headers and status != b"204"):
        raise BadMessage(502, "a response needs a Content-Length")
    keep_alive = headers.get("connection", "").lower() != "close"
    return ResponseHead(int(status), headers, _length(headers), keep_alive=keep_alive)


def _parse_headers(lines: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    if not lines:
        return headers
    split = lines.split(b"\r\n")
    if len(split) > HEADERS_MAX:
        raise BadMessage(431, f"more than {HEADERS_MAX} headers")
    for line in split:
        if len(line) > HEADER_LINE_BYTES_MAX:
            raise BadMessage(431, "a header is too long")
        raw_name, colon, raw_value = line.partition(b":")
        # A space before the colon or at the line's start is how requests are smuggled; neither is a token's.
        if not colon or not raw_name or raw_name.translate(None, _TOKEN_BYTES) or raw_value.translate(None, _VALUE):
            raise BadMessage(400, "malformed header")
        name = str(raw_name, "ascii").lower()
        value = str(raw_value.strip(b" \t"), "latin-1")
        if name in headers:
            if name in _ONCE:
                raise BadMessage(400, f"{name} is given twice")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _length(headers: dict[str, str]) -> int:
    text = headers.get("content-length")
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise BadMessage(400, "malformed Content-Length")
    if len(text) > 10:
        raise BadMessage(413, "the body is too long")
    return int(text)


def encode_request(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), *, length: int | None = None
) -> bytes:
    """A request without its body.

    Args:
        method: a token.
        target: percent-encoded already.
        headers: beside ``Host`` and ``Content-Length``, which are added.
        length: of the body in bytes; None when there is none.

    Raises: ValueError: something holds a character that would change the message.
    """
    lines = [f"{method} {target} HTTP/1.1", "Host: strongroom"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    lines.extend(f"{name}: {value}" for name, value in headers)
    return _encode(lines)


def encode_response(
    status: int, headers: Iterable[tuple[str, str]] = (), *, length: int, keep_alive: bool = True
) -> bytes:
    """A response without its body; 204 has no length.

    Args:
        status: three digits.
        headers: beside ``Content-Length`` and ``Connection``, which are added.
        length: of the body in bytes.
        keep_alive: whether the connection stays open.

    Raises: ValueError: a header holds a character that would change the message.
    """
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
    if status != 204:
        lines.append(f"Content-Length: {length}")
    if not keep_alive:
        lines.append("Connection: close")
    lines.extend(f"{name}: {value}" for name, value in headers)
    return _encode(lines)


def _encode(lines: list[str]) -> bytes:
    text = "\r\n".join(lines)
    if text.count("\r") != len(lines) - 1 or text.count("\n") != len(lines) - 1 or "\0" in text:
        raise ValueError("a line of the message holds a line break or a NUL")
    return (text + "\r\n\r\n").encode("latin-1")
