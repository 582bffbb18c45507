"""Talking to the agent about itself: status, unlock, lock, stop."""

from __future__ import annotations

import os

from strongroom import errors
from strongroom.remote.connection import AgentClient, NoAgent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.locate.expected import Expected
    from strongroom.remote.messages import ResponseHead

_PREFIX = "/v1/strongroom/agent/"


class AgentControl:
    """The agent of one vault, whether it runs or not.

    Args:
        location: from `opening.location_of`.
    """

    def __init__(self, location: str) -> None:
        self.location = location

    def _clients(self) -> list[AgentClient]:
        from functools import partial

        from strongroom.locate.agent_sockets import candidates, may_serve

        return [
            AgentClient(path, trusts=partial(may_serve, socket=path, location=self.location))
            for path in candidates(self.location)
        ]

    def is_left_behind(self) -> bool:
        """Whether a socket's file lies there, so that an agent must have been killed."""
        return any(os.path.lexists(client.path) for client in self._clients())

    def call(self, method: str, action: str, query: str = "", body: bytearray | None = None) -> bytearray:
        """One request to the agent.

        Args:
            query: percent-encoded, with its question mark.
            body: wiped by the caller.

        Raises:
            NoAgent: none runs.
            StrongroomError: what the agent answered.
        """
        from strongroom.locate.agent_sockets import VAULT_HEADER, socket_id

        headers = [(VAULT_HEADER, socket_id(self.location))]
        nobody = NoAgent("no agent runs for this vault", advice="start one: strongroom unlock")
        for client in self._clients():
            try:
                head, answer = client.call(method, _PREFIX + action + query, headers, body, may_repeat=False)
            except NoAgent:
                continue
            finally:
                client.close()
            if head.status < 300:
                return answer
            raise _error(head, answer)
        raise nobody

    def status(self) -> dict[str, object]:
        """What the agent says of itself, ready for JSON.

        Raises: NoAgent: none runs.
        """
        from json import loads

        shown: dict[str, object] = loads(bytes(self.call("GET", "status")))
        return shown

    def unlock(
        self, way: str, secret: bytearray, *, life: int | None, idle: int | None, expected: Expected
    ) -> None:
        """Have the agent open the vault.

        Args:
            way: one of ``doors.agent.ways.WAYS``.
            secret: as that way takes it; wiped by the caller.
            life, idle: seconds until the keys go.
            expected: what the caller knows of the vault.

        Raises: StrongroomError: as `strongroom.locate.opening.open`.
        """
        given = {
            "for": life,
            "idle": idle,
            "expect_counter": expected.counter,
            "expect_vault": expected.fingerprint,
        }
        query = "".join(f"&{name}={value}" for name, value in given.items() if value is not None)
        self.call("POST", "unlock", f"?way={way}{query}", secret)


def _error(head: ResponseHead, answer: bytearray) -> errors.StrongroomError:
    """The error that the agent names, with its words: it tells only the owner."""
    from json import loads

    try:
        said = loads(bytes(answer))
        message, advice = str(said["errors"][0]), str(said.get("advice", ""))
    except (ValueError, KeyError, IndexError, TypeError):
        message, advice = f"the agent answered {head.status}", ""
    kind = getattr(errors, head.headers.get("x-strongroom-error", ""), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.StrongroomError)):
        kind = errors.StrongroomError
    found: errors.StrongroomError = kind(message, advice=advice)
    return found
