"""Ways for a request to end early that are no error of the vault."""

from __future__ import annotations


class Refused(Exception):
    """The request itself is wrong.

    Args:
        status: the HTTP status.
        message: for the caller; nothing of the body.
    """

    def __init__(self, status: int, message: str, *, kind: str = "ValueError") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind


class NoContent(Exception):
    """KV v2's answer where there is an envelope, or nothing at all, on a 404.

    Args:
        content: what its envelope holds; None for an empty body.
    """

    def __init__(self, content: dict[str, object] | None) -> None:
        super().__init__("nothing there")
        self.content = content
