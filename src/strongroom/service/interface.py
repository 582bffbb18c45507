"""What goes in and comes out of the service, and what it needs of its surroundings."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from strongroom.vault.policy import Principal
    from strongroom.vault.vault import Vault


class Request:
    """One HTTP request, read and decoded.

    Attributes:
        method: in capitals, such as ``GET`` or ``LIST``.
        path: percent-decoded once, without the query; begins with ``/v1/``.
        query: percent-decoded; each name once.
        headers: lower-case names.
        body: the caller wipes it afterwards.
    """

    __slots__ = ("body", "headers", "method", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | bytearray = b"",
    ) -> None:
        self.method = method
        self.path = path
        self.query = query or {}
        self.headers = headers or {}
        self.body = body


class Response:
    """What to send back.

    Attributes:
        headers: beside ``Content-Length``, which the sender adds.
        body: wiped by the sender once it was sent.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytearray) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


class Keeper(Protocol):
    """Who holds the open vault, and can lock it."""

    @property
    def vault(self) -> Vault:
        """The open vault.

        Raises: VaultLocked: there is none at the moment.
        """

    def lock(self) -> None:
        """Wipe the keys; they have to be brought again."""

    def status(self) -> Mapping[str, object]:
        """What may be shown to the vault's owner, ready for JSON; answers when locked as well."""


class AuditSink(Protocol):
    """Where every answer is written down before it is given."""

    def record(
        self,
        principal: Principal,
        operation: str,
        path: str,
        fields: Sequence[str],
        outcome: str,
        request_id: str,
        now_us: int,
    ) -> None:
        """Write one line, or raise: then the answer is 500 and carries nothing.

        Args:
            operation: such as ``read``, ``write``, ``list``.
            path: the item or folder; empty when the request has none.
            fields: names of the fields that are read or written.
            outcome: ``ok``, or the class of the error.
        """
