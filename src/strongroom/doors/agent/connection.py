"""One client: bytes in, whole requests out, a response back. Bounded at every step; nothing blocks."""

from __future__ import annotations

import select
import socket
from functools import lru_cache

from strongroom.doors.agent.clocks import seconds
from strongroom.remote.messages import CONTINUE, MessageReader, RequestHead, encode_response
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.service.interface import Response
    from strongroom.vault.policy import Principal

RECEIVE_BYTES = 64 * 1024
NOT_WATCHED = -1
"""No epoll events at all: a connection that the client has ended while its request is worked on."""
_JOINED_BYTES_MAX = 16 * 1024

IDLE_SECONDS = 600.0
"""A connection that was kept open without a request."""
REQUEST_SECONDS = 20.0
"""From a request's first byte to its last; a slow one is cut off."""
RESPONSE_SECONDS = 30.0
"""From the first byte of a response that the client does not take, to its last."""


@lru_cache(512)
def _encode_again(status: int, headers: tuple[tuple[str, str], ...], length: int, keep_alive: bool) -> bytes:
    """`encode_response`; answers begin alike, and a header holds nothing secret."""
    return encode_response(status, headers, length=length, keep_alive=keep_alive)


class Connection:
    """One connection.

    Attributes:
        principal: who is at the other end.
        is_waiting: its request is being worked on elsewhere; nothing is read meanwhile.
        deadline: in `clocks.seconds`; when it passes the connection is cut.
        used: when its last request came.
        wanted: the epoll events that it waits for, or `NOT_WATCHED`.
    """

    __slots__ = (
        "_is_continued", "_is_last", "_out", "_reader", "_sending", "deadline", "descriptor", "is_waiting", "principal",
        "socket", "used", "wanted",
    )  # fmt: skip

    def __init__(
        self,
        connection: socket.socket,
        principal: Principal,
        *,
        parse: Callable[[bytes], RequestHead],
        body_bytes_max: int,
    ) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.descriptor = connection.fileno()
        self.principal = principal
        self.is_waiting = False
        self.wanted = select.EPOLLIN
        self.used = seconds()
        self.deadline = self.used + REQUEST_SECONDS
        self._reader = MessageReader(parse, body_bytes_max=body_bytes_max)
        self._out: list[memoryview] = []
        self._sending: bytearray | None = None
        self._is_continued = False
        self._is_last = False

    @property
    def buffered(self) -> int:
        """Bytes held for this client, in either direction."""
        return self._reader.buffered + sum(map(len, self._out))

    @property
    def is_sending(self) -> bool:
        """Whether a response is only partly sent."""
        return bool(self._out)

    @property
    def is_idle(self) -> bool:
        """Whether it has no request under way."""
        return not (self._out or self.is_waiting or self._reader.buffered or self._reader.head)

    @property
    def is_done(self) -> bool:
        """Whether the last response has been sent."""
        return self._is_last and not self._out and not self.is_waiting

    def receive(self, buffer: memoryview) -> int:
        """Take up what has come into *buffer*, of `RECEIVE_BYTES`; the caller wipes it.

        Returns: how many bytes; 0 when the client has gone, -1 when nothing has come.
        """
        try:
            return self.socket.recv_into(buffer)
        except BlockingIOError:
            return -1
        except OSError:
            return 0

    def feed(self, received: memoryview) -> None:
        """Take in a part of a request."""
        if self.is_idle:
            self.deadline = seconds() + REQUEST_SECONDS
        self._reader.feed(received)

    def next_request(self) -> tuple[RequestHead, bytearray] | None:
        """The next whole request, when nothing of the one before is left to do.

        Returns: its head, and its body, which the caller wipes.
        Raises: BadMessage: it will never be one.
        """
        if self._out or self.is_waiting or self._is_last:
            return None
        found = self._reader.next_message()
        if found is None:
            head = self._reader.head
            if head is not None and head.expects_continue and not self._is_continued:
                self._is_continued = True
                self._out.append(memoryview(CONTINUE))
                self.send()
            return None
        self._is_continued = False
        self.used = seconds()
        return found

    def respond(self, response: Response, *, keep_alive: bool, is_head: bool = False) -> None:
        """Begin to send *response*, whose body is wiped when it is out.

        Args:
            is_head: it answers HEAD, which has no body.
        """
        self.is_waiting = False
        self._is_last = not keep_alive
        body = response.body
        head = _encode_again(response.status, tuple(response.headers), len(body), keep_alive)
        if len(body) <= _JOINED_BYTES_MAX and not is_head:
            self._send_short(head, body)
            return
        self._sending = body
        self._out = [memoryview(head)]
        if not is_head:
            self._out.append(memoryview(body))
        self.deadline = seconds() + RESPONSE_SECONDS
        self.send()

    def _send_short(self, head: bytes, body: bytearray) -> None:
        """One buffer and one send(2), which is cheaper than two and sendmsg(2), for what nearly every answer is."""
        joined = bytearray(len(head) + len(body))
        joined[: len(head)] = head
        joined[len(head) :] = body
        wipe(body)
        try:
            count = self.socket.send(joined)
        except BlockingIOError:
            count = 0
        except OSError:
            self._is_last = True
            count = len(joined)
        if count == len(joined):
            wipe(joined)
            self.deadline = seconds() + (IDLE_SECONDS if self.is_idle else REQUEST_SECONDS)
            return
        self._sending = joined
        self._out = [memoryview(joined)[count:]]
        self.deadline = seconds() + RESPONSE_SECONDS

    def send(self) -> bool:
        """Go on sending; False when the client has gone."""
        out = self._out
        try:
            while out:
                count = self.socket.send(out[0]) if len(out) == 1 else self.socket.sendmsg(out)
                while out and count >= len(out[0]):
                    count -= len(out[0])
                    out.pop(0).release()
                if count:
                    out[0] = out[0][count:]
        except BlockingIOError:
            return True
        except OSError:
            self._forget_response()
            self._is_last = True
            return False
        self._forget_response()
        self.deadline = seconds() + (REQUEST_SECONDS if not self.is_idle else IDLE_SECONDS)
        return True

    def _forget_response(self) -> None:
        while self._out:
            self._out.pop().release()
        if self._sending is not None:
            wipe(self._sending)
            self._sending = None

    def close(self) -> None:
        """Let go of the client, and overwrite what was received or not yet sent."""
        self._forget_response()
        self._reader.wipe()
        self.socket.close()
