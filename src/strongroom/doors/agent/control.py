"""The agent's own requests: status, unlock, lock, stop. For the vault's owner and root alone.

Source: docs/format.md#agent.
"""

from __future__ import annotations

from strongroom.doors.agent.clocks import Lifetime
from strongroom.doors.agent.ways import WAYS, Opening
from strongroom.errors import StrongroomError
from strongroom.locate.expected import Expected
from strongroom.service.interface import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.doors.agent.connection import Connection
    from strongroom.doors.agent.keeper import Keeper, Unlocking

PREFIX = "/v1/strongroom/agent/"
SECRET_BYTES_MAX = 64 * 1024
SECONDS_MAX = 10 * 365 * 86_400
_STATUSES = {"Denied": 429, "WrongKey": 400, "ValueError": 400}


class Control:
    """Answers the requests below `PREFIX`.

    Args:
        keeper: holds the vault.
        location: the vault's.
        environment: what lies at hand, as it was before it was wiped.
        about: what `status` shows beside the keeper's.
        wake: makes the loop look for unlockings that have ended; called in any thread.
        stop: lets go of keys and socket, and ends the loop.
    """

    def __init__(
        self,
        keeper: Keeper,
        location: str,
        environment: Mapping[str, str],
        *,
        about: Callable[[], dict[str, object]],
        wake: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._keeper = keeper
        self._location = location
        self._environment = environment
        self._about = about
        self._wake = wake
        self._stop = stop
        self._waiting: tuple[Unlocking, Connection, bool] | None = None

    def handle(
        self,
        connection: Connection,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytearray,
        *,
        keep_alive: bool,
    ) -> Response | None:
        """Answer one request; None when the answer comes later.

        Args:
            connection: an owner's.
            body: taken over by an unlocking, which wipes it.
        """
        action = path.removeprefix(PREFIX)
        if method == "GET" and action == "status":
            from json import dumps

            return plain(200, bytearray(dumps({**self._about(), **self._keeper.status()}).encode()))
        if method not in ("POST", "PUT"):
            return failed(405, "there is no such request to the agent", "ValueError")
        if action == "lock":
            self._keeper.lock_now("somebody locked it")
            return plain(204)
        if action == "stop":
            self._stop()
            return plain(204)
        if action == "unlock":
            return self._unlock(connection, query, body, keep_alive=keep_alive)
        return failed(404, "there is no such request to the agent", "NotFound")

    def _unlock(
        self, connection: Connection, query: dict[str, str], body: bytearray, *, keep_alive: bool
    ) -> Response | None:
        way = query.get("way", "")
        try:
            if way not in WAYS or len(body) > SECRET_BYTES_MAX:
                raise ValueError("there is no such way to unlock")
            lifetime = Lifetime(_seconds(query, "for"), _seconds(query, "idle"))
            counter = query.get("expect_counter")
            expected = Expected(
                counter=None if counter is None else _number(counter), fingerprint=query.get("expect_vault")
            )
            opening = Opening(
                self._location,
                way,
                bytearray(body),
                self._environment,
                expected=expected,
            )
            attempt = self._keeper.begin_unlocking(opening.open, self._wake, lifetime, connection.principal)
        except ValueError as error:
            return failed(400, str(error), "ValueError")
        except StrongroomError as error:
            return refused(error)
        connection.is_waiting = True
        self._waiting = attempt, connection, keep_alive
        return None

    def finish(self) -> tuple[Connection, Response, bool] | None:
        """The answer to an unlocking that has ended, whom it is for, and whether the connection stays."""
        if self._waiting is None or not self._waiting[0].is_over:
            return None
        attempt, connection, keep_alive = self._waiting
        self._waiting = None
        try:
            self._keeper.finish_unlocking(attempt)
        except StrongroomError as error:
            return connection, refused(error), keep_alive
        return connection, plain(204), keep_alive


def plain(status: int, body: bytearray | None = None) -> Response:
    """A response without an error."""
    return Response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")], body or bytearray())


def failed(status: int, message: str, kind: str, advice: str = "") -> Response:
    """An error as every endpoint reports it."""
    from strongroom.vault.audit_file import quoted

    hint = f',"advice":"{quoted(advice)}"' if advice else ""
    response = plain(status, bytearray(f'{{"errors":["{quoted(message)}"]{hint}}}\n'.encode()))
    response.headers.append(("X-Strongroom-Error", kind))
    return response


def refused(error: StrongroomError) -> Response:
    """An error of the vault, for its owner."""
    kind = type(error).__name__
    return failed(_STATUSES.get(kind, 500), error.message, kind, error.advice)


def _seconds(query: dict[str, str], name: str) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    seconds = _number(text)
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"{name} is out of range")
    return float(seconds)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError("a number is expected")
    return int(text)
