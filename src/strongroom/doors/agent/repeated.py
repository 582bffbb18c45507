"""Requests that come again and again, read once: a program reads the same few values all day.

Only whole messages that read, without a body and without a token, are kept; the caller forgets them
when the vault is locked, since they name items.
"""

from __future__ import annotations

from strongroom.remote.messages import BadMessage, parse_request
from strongroom.remote.targets import split_target
from strongroom.service.interface import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT_MAX = 1024
_KEPT_BYTES = 1024
_FIRST = b"GET "
_END = b"\r\n\r\n"
_NEVER_KEPT = ("x-vault-token", "authorization", "expect")
_UNCOUNTED = ("/v1/sys/", "/v1/strongroom/status")
"""Requests that do not count as use of the vault: a monitor's."""


def is_use(path: str) -> bool:
    """Whether a request for *path* counts as use of the vault."""
    return not path.startswith(_UNCOUNTED)


class Known:
    """A whole request, and what the connection makes of it.

    Attributes:
        request: shared by all who ask the same; nobody changes it.
        is_use: see `is_use`.
    """

    __slots__ = ("is_use", "keep_alive", "request")

    def __init__(self, request: Request, *, keep_alive: bool) -> None:
        self.request = request
        self.keep_alive = keep_alive
        self.is_use = is_use(request.path)


class RepeatedRequests:
    """Messages and what they ask for.

    Args:
        is_kept: whether a request with this path and these headers may be answered without another look at it.
    """

    __slots__ = ("_is_kept", "_known")

    def __init__(self, is_kept: Callable[[str, dict[str, str]], bool]) -> None:
        self._is_kept = is_kept
        self._known: dict[bytes, Known] = {}

    def find(self, received: memoryview) -> Known | None:
        """What *received* asks for, when it is one whole message of the kind that is kept; None for everything else."""
        # A request with a secret in its body is not even copied.
        if len(received) > _KEPT_BYTES or received[:4] != _FIRST or received[-4:] != _END:
            return None
        message = bytes(received)
        return self._known.get(message) or self._read(message)

    def _read(self, message: bytes) -> Known | None:
        if message.find(_END) != len(message) - len(_END):
            return None
        try:
            head = parse_request(message[: -len(_END)])
            path, query = split_target(head.target)
        except BadMessage:
            # Whoever reads it with more care says what is wrong.
            return None
        if head.length or not head.headers.keys().isdisjoint(_NEVER_KEPT) or not self._is_kept(path, head.headers):
            return None
        if len(self._known) >= _KEPT_MAX:
            self.forget()
        known = Known(Request(head.method, path, query, head.headers), keep_alive=head.keep_alive)
        self._known[message] = known
        return known

    def forget(self) -> None:
        """Keep nothing of what was asked for."""
        self._known.clear()
