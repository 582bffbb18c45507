"""What goes in and comes out of the service, and what it needs of its surroundings."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from strongroom.service.call import Call
    from strongroom.vault.policy import Principal
    from strongroom.vault.vault import Vault

    Handler = Callable[[Call, str], "Response"]
    AuditEntry = tuple[Principal, str, str, Sequence[str], str, str, int]
    """Who asked; the operation, such as ``read``; the path of the item or folder, empty when there is none; the names
    of the fields; ``ok`` or the class of the error; the request's id; µs since 1970 UTC."""


class Request:
    """One HTTP request, read and decoded.

    One without a body may be asked again and again, of several services too: nobody changes it.

    Attributes:
        method: in capitals, such as ``GET`` or ``LIST``.
        path: percent-decoded once, without the query; begins with ``/v1/``.
        query: percent-decoded; each name once.
        headers: lower-case names.
        body: the caller wipes it afterwards.
        route: the service's own: who answers it, once that is known.
    """

    __slots__ = ("body", "headers", "method", "path", "query", "route")

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
        self.route: tuple[Handler, str] | None = None


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

    def record_all(self, entries: Sequence[AuditEntry]) -> None:
        """Write a line for each, all at once, or raise: then each answer is 500 and carries nothing."""
