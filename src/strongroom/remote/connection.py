"""A connection to an agent: one for each thread, kept, and made anew after a fork or a restart.

Linux and macOS only; ``_socket`` instead of ``socket``, which costs as much as a whole read.
"""

from __future__ import annotations

import _socket
import os
import sys
from _socket import (
    MSG_PEEK,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)
from _thread import _local  # what threading.local is, without the rest of that module
from functools import lru_cache

from strongroom.errors import Denied, OutcomeUnknown, StoreUnavailable, VaultLocked
from strongroom.remote.messages import (
    HEAD_BYTES_MAX,
    BadMessage,
    MessageReader,
    ResponseHead,
    encode_request,
    parse_response,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATIENCE_SECONDS = 60
"""How long an agent may take for one answer: it may be waiting for a write of another program."""

_RECEIVED_BYTES = 64 * 1024
_END = b"\r\n\r\n"
# Windows has neither, and no agent.
_AF_UNIX: int = getattr(_socket, "AF_UNIX", 0)
_MSG_DONTWAIT: int = getattr(_socket, "MSG_DONTWAIT", 0)
_SUN_PATH_BYTES = 103  # what every system's socket addresses can hold, without the NUL


# Answers begin alike; what is shared here is not changed.
_parse_again = lru_cache(64)(parse_response)


class NoAgent(VaultLocked):
    """Nobody listens at the socket; its file may still be there."""


class AgentClient:
    """Sends requests to the agent at one socket, from any number of threads.

    Args:
        path: the socket.
        trusts: whether an agent that runs as this uid may be asked.
    """

    def __init__(self, path: str, *, trusts: Callable[[int], bool]) -> None:
        self.path = path
        self._trusts = trusts
        self._kept = _local()

    def call(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | bytearray | None = None,
        *,
        may_repeat: bool = True,
    ) -> tuple[ResponseHead, bytearray]:
        """One request and its response, whatever its status.

        Args:
            target: percent-encoded.
            body: sent as it is; the caller wipes it.
            may_repeat: whether the agent may get the request twice; it is repeated, once, when the
                connection ends before any answer.

        Returns: the head, and the body, which the caller wipes.
        Raises:
            NoAgent: nobody listens.
            Denied: a stranger does.
            StoreUnavailable: no answer in time, or not one of this protocol.
            OutcomeUnknown: the connection ended after the request was sent, and it may not be repeated.
        """
        length = None if body is None else len(body)
        return self.send(encode_request(method, target, headers, length=length), body, may_repeat=may_repeat)

    def send(
        self, request: bytes, body: bytes | bytearray | None = None, *, may_repeat: bool = True
    ) -> tuple[ResponseHead, bytearray]:
        """As `call`, with a request that is encoded already."""
        try:
            answer = self._exchange(request, body, may_repeat=may_repeat)
            if not answer[0].keep_alive or self._kept.connection.has_more:
                self.close()
        except BaseException:
            # A half-read answer must never be taken for the next one's.
            self.close()
            raise
        return answer

    def _exchange(
        self, request: bytes, body: bytes | bytearray | None, *, may_repeat: bool
    ) -> tuple[ResponseHead, bytearray]:
        try:
            return self._take(may_repeat=may_repeat).exchange(request, body)
        except _Ended:
            # The agent ended, or was started anew, meanwhile.
            self.close()
            if not may_repeat:
                raise OutcomeUnknown(
                    "the agent ended before it answered: the change may or may not have been made",
                    advice="look whether it is there, then repeat it",
                ) from None
        try:
            return self._connect().exchange(request, body)
        except _Ended:
            raise NoAgent(f"the agent at {self.path} ends connections without an answer") from None

    def _take(self, *, may_repeat: bool) -> _Connection:
        """This thread's connection, or a new one if the agent has closed it or this is a child process.

        What may be repeated need not look whether the agent has closed it: it finds out.
        """
        connection: _Connection | None = getattr(self._kept, "connection", None)
        if connection is not None:
            if connection.pid == os.getpid() and (may_repeat or connection.is_idle()):
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> _Connection:
        self._kept.connection = None
        connection = _Connection(self.path)
        try:
            uid = peer_uid(connection.socket)
            if not self._trusts(uid):
                raise Denied(
                    f"the agent at {self.path} runs as uid {uid}, who is neither you, root, nor the vault's owner",
                    advice="nothing was sent to it; see who made it: ls -l " + self.path,
                )
        except BaseException:
            connection.close()
            raise
        self._kept.connection = connection
        return connection

    def close(self) -> None:
        """Close this thread's connection; the others' close when their threads end."""
        connection: _Connection | None = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if connection is not None:
            connection.close()


class _Ended(Exception):
    """The connection ended before the first byte of an answer."""


class _Connection:
    """One connected socket and what was received on it."""

    __slots__ = ("_reader", "_received", "_view", "pid", "socket")

    def __init__(self, path: str) -> None:
        self.socket = connect(path)
        self.pid = os.getpid()
        self._reader = MessageReader(_parse_again)
        self._received = bytearray(_RECEIVED_BYTES)
        self._view = memoryview(self._received)

    @property
    def has_more(self) -> bool:
        """Whether something came behind the last answer, which nobody has asked for."""
        return bool(self._reader.buffered)

    def is_idle(self) -> bool:
        """Whether the agent still holds the other end, and has sent nothing unasked."""
        if self._reader.buffered:
            return False
        try:
            self.socket.recv(1, MSG_PEEK | _MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def exchange(self, request: bytes, body: bytes | bytearray | None) -> tuple[ResponseHead, bytearray]:
        """Send one request and read its answer."""
        try:
            self.socket.sendall(request)
            if body:
                self.socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            # An agent that refuses a body answers before it has read all of it.
            pass
        except BlockingIOError:
            raise _no_answer() from None
        return self._read()

    def _read(self) -> tuple[ResponseHead, bytearray]:
        reader, view = self._reader, self._view
        while True:
            try:
                count = self.socket.recv_into(view)
            except BlockingIOError:
                raise _no_answer() from None
            except ConnectionResetError:
                count = 0
            if count and reader.head is None and not reader.buffered:
                answer = self._whole(count)
                if answer is not None:
                    return answer
            if not count:
                if reader.head is None and not reader.buffered:
                    raise _Ended
                raise StoreUnavailable("the agent ended in the middle of its answer", is_transient=True)
            part = view[:count]
            reader.feed(part)
            part[:] = bytes(count)
            try:
                message = reader.next_message()
            except BadMessage as error:
                raise StoreUnavailable(f"the agent gave an answer that is none: {error.message}") from None
            if message is not None:
                return message

    def _whole(self, count: int) -> tuple[ResponseHead, bytearray] | None:
        """The answer, when the first *count* bytes that came are all of it, as is usual; None leaves them alone."""
        end = self._received.find(_END, 0, count)
        if end < 0 or end > HEAD_BYTES_MAX:
            return None
        try:
            head = _parse_again(bytes(self._view[:end]))
        except BadMessage:
            return None
        start = end + len(_END)
        if start + head.length != count:
            return None
        body = bytearray(self._view[start:count])
        self._view[:count] = bytes(count)
        return head, body

    def close(self) -> None:
        """Close the socket and wipe what was received."""
        self.socket.close()
        self._reader.wipe()

    def __del__(self) -> None:
        # A thread that used the vault has ended; without a socket it was never connected.
        if hasattr(self, "socket"):
            self.socket.close()


def _no_answer() -> StoreUnavailable:
    return StoreUnavailable(f"the agent did not answer within {PATIENCE_SECONDS} seconds", is_transient=True)


def connect(path: str) -> socket:
    """A connected socket, on which nothing has been sent.

    Raises:
        NoAgent: nobody listens there.
        Denied: this user may not connect.
        StoreUnavailable: the agent is too busy, or the system refuses.
    """
    if not _AF_UNIX:
        raise NoAgent("agents need Unix sockets, which this system does not have")
    made = socket(_AF_UNIX, SOCK_STREAM)
    try:
        for option in (SO_RCVTIMEO, SO_SNDTIMEO):
            made.setsockopt(SOL_SOCKET, option, _timeval(PATIENCE_SECONDS))
        _connect(made, path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        made.close()
        raise NoAgent(f"no agent listens at {path}", advice="strongroom unlock") from None
    except PermissionError:
        made.close()
        raise Denied(f"you may not connect to the agent at {path}") from None
    except OSError as error:
        made.close()
        raise StoreUnavailable(
            f"cannot reach the agent at {path}: {(error.strerror or str(error)).lower()}", is_transient=True
        ) from None
    return made


def _connect(made: socket, path: str) -> None:
    encoded = os.fsencode(path)
    if len(encoded) <= _SUN_PATH_BYTES:
        made.connect(encoded)
        return
    # An address has room for 107 bytes; a descriptor of the directory makes a short one.
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        made.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
    finally:
        os.close(directory)


def _timeval(seconds: int) -> bytes:
    # struct timeval: two longs of the machine.
    size = 8 if sys.maxsize > 2**32 else 4
    return seconds.to_bytes(size, sys.byteorder) + bytes(size)


def peer_uid(connected: socket) -> int:
    """Who serves the other end, by the kernel's word at the moment when it began to listen.

    Raises: Denied: the system does not say.
    Source: unix(7), SO_PEERCRED; unix(4) of macOS, LOCAL_PEERCRED.
    """
    if sys.platform == "linux":
        from _socket import SO_PEERCRED

        # struct ucred: pid, uid, gid, 4 bytes each.
        return int.from_bytes(connected.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], sys.byteorder)
    if sys.platform == "darwin":
        # struct xucred: version, uid, number of groups, groups; SOL_LOCAL and LOCAL_PEERCRED.
        return int.from_bytes(connected.getsockopt(0, 1, 76)[4:8], sys.byteorder)
    raise Denied("this system does not say who serves a socket")
