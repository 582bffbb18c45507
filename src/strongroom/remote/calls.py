"""One call of the vault as one request to the agent: headers, JSON bodies, errors raised."""

from __future__ import annotations

from strongroom.errors import VaultLocked
from strongroom.items import FIELD_NAME_BYTES_MAX, check_name, parse_path
from strongroom.remote.messages import encode_request
from strongroom.remote.targets import quote
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from strongroom.items import Version
    from strongroom.remote.connection import AgentClient
    from strongroom.remote.messages import ResponseHead

    Headers = Iterable[tuple[str, str]]
    Body = bytearray | Mapping[str, object]

STRICT_HEADER = ("X-Strongroom-Strict", "1")
"""Asks for the vault's own errors where KV v2 has none, such as for a deletion of nothing."""


RESERVED_HEADER = ("X-Strongroom-Reserved", "1")
"""Says that the client itself names a reserved path, not its user."""


_READS_MAX = 256


class Calls:
    """What `RemoteVault` sends.

    Args:
        client: the connections.
        location: the vault's, for messages.
        vault_name: see `RemoteVault`.
    """

    def __init__(self, client: AgentClient, location: str, vault_name: str) -> None:
        self._client = client
        self.location = location
        self.is_closed = False
        self._headers = [STRICT_HEADER]
        if vault_name:
            self._headers.append(("X-Strongroom-Vault", vault_name))
        self._reads: dict[tuple[str, str], bytes] = {}

    def reserved(self) -> Calls:
        """The same calls, about reserved paths.

        Raises: VaultLocked: these were closed.
        """
        self._refuse_closed()
        twin = Calls(self._client, self.location, "")
        twin._headers = [*self._headers, RESERVED_HEADER]
        return twin

    def _refuse_closed(self) -> None:
        if self.is_closed:
            raise VaultLocked(f"{self.location} was closed", advice="open it again")

    def send(
        self,
        method: str,
        target: str,
        body: Body | None = None,
        headers: Headers = (),
        *,
        what: str,
        once: bool = False,
    ) -> tuple[ResponseHead, bytearray]:
        """A request whose answer is a success.

        Args:
            body: JSON; wiped here.
            what: was asked for; for messages.
            once: the agent must not get it twice.

        Returns: the head, and the body, which the caller wipes.
        Raises: StrongroomError, ValueError: as the vault itself.
        """
        data = _encoded(body)
        try:
            self._refuse_closed()
            head, answer = self._client.call(method, target, (*self._headers, *headers), data, may_repeat=not once)
        finally:
            if data is not None:
                wipe(data)
        if head.status < 400:
            return head, answer
        from strongroom.remote.answers import failure

        raise failure(head, answer, what)

    def read(self, path: str, field: str) -> tuple[ResponseHead, bytearray]:
        """One field of the current version, as raw bytes: what programs do all day.

        Returns, raises: as `send`; also ValueError, as `Vault.get`.
        """
        request = self._reads.get((path, field)) or self._encode_read(path, field)
        self._refuse_closed()
        head, answer = self._client.send(request)
        if head.status < 400:
            return head, answer
        from strongroom.remote.answers import failure

        raise failure(head, answer, path)

    def _encode_read(self, path: str, field: str) -> bytes:
        request = encode_request("GET", raw_target(path, field), self._headers)
        if len(self._reads) >= _READS_MAX:
            self._reads.clear()
        self._reads[path, field] = request
        return request

    def data(self, method: str, target: str, body: Body | None = None, headers: Headers = (), *, what: str) -> str:
        """The JSON text of ``data`` in the answer.

        Raises: as `send`.
        """
        from strongroom.remote.answers import data_of

        return data_of(self.send(method, target, body, headers, what=what)[1])

    def write(self, method: str, target: str, body: Body, headers: Headers = (), *, what: str) -> Version:
        """A write with a request id, and the version that it made.

        Raises: as `send`.
        """
        from strongroom.remote.answers import written

        return written(self.data(method, target, body, headers, what=what))

    def do(self, method: str, target: str, body: Body | None = None, *, what: str) -> None:
        """A change that has no request id, and therefore is sent once.

        Raises: as `send`.
        """
        self.send(method, target, body, what=what, once=True)

    def close(self) -> None:
        """End this thread's connection, and refuse further calls."""
        self.is_closed = True
        self._client.close()


def raw_target(path: str, field: str) -> str:
    """The target of a read of one field.

    Raises: ValueError: the path or the name is none.
    """
    parse_path(path)
    check_name(field, "field name", FIELD_NAME_BYTES_MAX)
    return f"/v1/strongroom/raw/{quote(path)}?field={quote(field)}"


def _encoded(body: Body | None) -> bytearray | None:
    if body is None or isinstance(body, bytearray):
        return body
    import json

    return bytearray(json.dumps(body, allow_nan=False).encode("ascii"))
