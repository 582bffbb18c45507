"""The loop: one thread that waits for clients with epoll, and asks the service for each answer.

Every number that a client could drive up has a limit, here, in `connection` or in `crowd`.
"""

from __future__ import annotations

import os
import select
import socket

from strongroom.doors.agent.clocks import seconds
from strongroom.doors.agent.connection import NOT_WATCHED, RECEIVE_BYTES, Connection
from strongroom.doors.agent.control import PREFIX, Control, failed
from strongroom.doors.agent.crowd import Crowd
from strongroom.doors.agent.peers import principal_of
from strongroom.doors.agent.repeated import Known, RepeatedRequests, is_use
from strongroom.remote.messages import BadMessage, RequestHead, parse_request
from strongroom.remote.targets import split_target
from strongroom.secret import wipe
from strongroom.service.interface import Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.doors.agent.clocks import Dates
    from strongroom.doors.agent.keeper import Keeper
    from strongroom.service.service import Service
    from strongroom.vault.policy import Principal

CONNECTIONS_MAX = 4_096
SPARE_DESCRIPTORS = 64
_TICK_SECONDS = 1.0
_ACCEPTS_AT_ONCE = 64
_EVENTS_AT_ONCE = 256
_LOOKS = 60
"""So often the loop looks again before it sleeps, which takes 50 µs: to be woken on another processor takes longer, and
on a virtual machine longer than an answer."""
_LUCK_MAX = 8
_UNLUCKY_ROUNDS = 32
"""After a few times in vain it sleeps at once, and tries its luck again after so many rounds: where clients take their
time, or wait for this very processor, looking again only holds them up."""
_LOCKED = ("X-Strongroom-Error", "VaultLocked")


class Server:
    """Serves one listening socket until `stop`.

    Args:
        listener: listens and does not block.
        owner_uid: who may do everything.
        vault_name: what a client calls the vault, to notice that it found another one's agent.
        connections_max: as many as the limit of open files allows.
    """

    def __init__(
        self,
        listener: socket.socket,
        service: Service,
        keeper: Keeper,
        dates: Dates,
        *,
        owner_uid: int,
        vault_name: str,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self.control: Control | None = None
        self.on_tick: Callable[[], None] | None = None
        self._listener = listener
        self._service = service
        self._keeper = keeper
        self._dates = dates
        self._owner_uid = owner_uid
        self._vault_name = vault_name
        self._crowd = Crowd(owner_uid, most=connections_max)
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._requests = RepeatedRequests(self._is_plain)
        self._round: list[tuple[Connection, Known]] = []
        self._is_stopping = False
        self._luck = 1
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.epoll()
        self._poll.register(self._wakeup, select.EPOLLIN)
        self._poll.register(listener.fileno(), select.EPOLLIN)
        self._next_tick = 0.0

    def wake(self) -> None:
        """Make the loop look around; may be called in any thread, and by signal handlers."""
        os.eventfd_write(self._wakeup, 1)

    def stop(self) -> None:
        """End the loop after this round."""
        self._is_stopping = True
        self.wake()

    @property
    def connection_count(self) -> int:
        """How many clients are connected."""
        return len(self._crowd)

    def run(self) -> None:
        """Serve until `stop`."""
        listening = self._listener.fileno()
        events: list[tuple[int, int]] = []
        while not self._is_stopping:
            events = self._wait(was_busy=bool(events))
            for descriptor, event in events:
                if descriptor == listening:
                    if not self._is_stopping:
                        self._accept()
                elif descriptor == self._wakeup:
                    os.eventfd_read(self._wakeup)
                else:
                    self._attend(descriptor, event)
            if self._round:
                self._answer_round()
            self._finish_unlocking()
            if seconds() >= self._next_tick:
                self._tick()
        for connection in self._crowd:
            self._close(connection)
        self._poll.close()

    def _wait(self, *, was_busy: bool) -> list[tuple[int, int]]:
        """What has happened. A client that has just been answered often asks again at once: see `_LOOKS`."""
        if was_busy and len(self._crowd):
            if self._luck > 0:
                for _ in range(_LOOKS):
                    events = self._poll.poll(0, _EVENTS_AT_ONCE)
                    if events:
                        self._luck = min(self._luck + 1, _LUCK_MAX)
                        return events
                self._luck -= 2
                if self._luck <= 0:
                    self._luck = -_UNLUCKY_ROUNDS
            else:
                self._luck += 1
        return self._poll.poll(self._wait_seconds(), _EVENTS_AT_ONCE)

    def _wait_seconds(self) -> float:
        if len(self._crowd) or self.on_tick is not None:
            return _TICK_SECONDS
        wait = self._keeper.wait_seconds()
        return 60.0 if wait is None else wait

    def _tick(self) -> None:
        now = seconds()
        self._next_tick = now + _TICK_SECONDS
        self._keeper.tick()
        if self._keeper.is_locked:
            self._requests.forget()
        if self.on_tick is not None:
            self.on_tick()
        for connection in self._crowd.overdue(now):
            self._cut(connection)

    def _cut(self, connection: Connection) -> None:
        """End a client that is too slow; one that is in the middle of a request is told."""
        if not connection.is_idle and not connection.is_sending:
            connection.respond(failed(408, "the request took too long", "ValueError"), keep_alive=False)
        self._close(connection)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                accepted, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                # The client has gone again, or there are no descriptors left: make room for the next round.
                self._make_room()
                return
            try:
                principal = principal_of(accepted)
            except OSError:
                accepted.close()
                continue
            if self._crowd.is_full:
                self._make_room()
            limit = self._crowd.body_bytes_max(principal)
            connection = Connection(accepted, principal, parse=parse_request, body_bytes_max=limit)
            self._crowd.add(connection)
            self._poll.register(connection.descriptor, select.EPOLLIN)
            # What has come with the connection is usually there already.
            self._attend(connection.descriptor, select.EPOLLIN)

    def _make_room(self) -> None:
        """Close one connection, if there is one to be closed."""
        connection = self._crowd.first_to_go()
        if connection is not None:
            self._close(connection)

    def _attend(self, descriptor: int, event: int) -> None:
        connection = self._crowd.get(descriptor)
        if connection is None:
            return
        if connection.is_waiting:
            # The client has gone; epoll would say so again and again until there is an answer.
            self._watch(connection, NOT_WATCHED)
            return
        is_alive = True
        if event & select.EPOLLOUT:
            is_alive = connection.send()
        if is_alive and event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            count = connection.receive(self._buffer)
            is_alive = count != 0
            if count > 0:
                received = self._buffer[:count]
                known = self._requests.find(received) if connection.is_idle else None
                if known is not None:
                    self._round.append((connection, known))
                    return
                connection.feed(received)
                wipe(received)
        if not is_alive:
            self._close(connection)
            return
        self._answer_all(connection)

    def _is_plain(self, path: str, headers: dict[str, str]) -> bool:
        """Whether a request is for the service alone, and for this vault."""
        return headers.get("x-strongroom-vault", "") in ("", self._vault_name) and not path.startswith(PREFIX)

    def _answer_round(self) -> None:
        """Answer the whole requests of this round that only read, and write them down at once.

        All of them came before the first is answered, so one look for commits of others serves them all.
        """
        asked = [one for one in self._round if one[0] in self._crowd]
        self._round.clear()
        now, now_us = seconds(), self._dates.now_us()
        while asked:
            responses = self._service.handle_all([(known.request, one.principal) for one, known in asked], now_us)
            for (connection, known), response in zip(asked, responses, strict=False):
                self._take_note(response, is_use=known.is_use)
                connection.used = now
                connection.respond(response, keep_alive=known.keep_alive)
                if connection.is_sending or not known.keep_alive:
                    self._answer_all(connection)
            del asked[: len(responses)]

    def _answer_all(self, connection: Connection) -> None:
        """Answer the whole requests that are there, then wait for what the connection waits for."""
        try:
            while found := connection.next_request():
                self._answer(connection, *found)
        except BadMessage as bad:
            connection.respond(failed(bad.status, bad.message, "ValueError"), keep_alive=False)
        if connection.is_done:
            self._close(connection)
            return
        if connection.buffered > RECEIVE_BYTES and self._crowd.is_too_much(connection):
            self._close(connection)
            return
        if connection.is_waiting:
            wanted = 0
        else:
            wanted = select.EPOLLOUT if connection.is_sending else select.EPOLLIN
        if wanted != connection.wanted:
            self._watch(connection, wanted)

    def _watch(self, connection: Connection, wanted: int) -> None:
        """Wait for the epoll events *wanted*; with `NOT_WATCHED` for none, not even for the client's end."""
        before, connection.wanted = connection.wanted, wanted
        if wanted == NOT_WATCHED:
            self._poll.unregister(connection.descriptor)
        elif before == NOT_WATCHED:
            self._poll.register(connection.descriptor, wanted)
        else:
            self._poll.modify(connection.descriptor, wanted)

    def _answer(self, connection: Connection, head: RequestHead, body: bytearray) -> None:
        try:
            response = self._respond(connection, head, body)
        finally:
            wipe(body)
        if response is not None:
            connection.respond(response, keep_alive=head.keep_alive, is_head=head.method == "HEAD")

    def _respond(self, connection: Connection, head: RequestHead, body: bytearray) -> Response | None:
        named = head.headers.get("x-strongroom-vault", "")
        if named and named != self._vault_name:
            return failed(421, "this is the agent of another vault", "NotFound")
        path, query = split_target(head.target)
        principal = connection.principal
        if path.startswith(PREFIX):
            if not self._is_trusted(principal) or self.control is None:
                return failed(403, "permission denied", "Denied")
            return self.control.handle(connection, head.method, path, query, body, keep_alive=head.keep_alive)
        request = Request(head.method, path, query, head.headers, body)
        response = self._service.handle(request, principal, self._dates.now_us())
        self._take_note(response, is_use=is_use(path))
        self._keeper.lock_if_asked()
        if self._keeper.is_locked:
            self._requests.forget()
        return response

    def _take_note(self, response: Response, *, is_use: bool) -> None:
        """What an answer says about the vault itself: that it was used, or that its keys are no longer good."""
        if response.status < 300:
            if is_use:
                self._keeper.lifetime.use()
        elif _LOCKED in response.headers:
            # Another program has replaced the root key: what is here opens nothing any more.
            self._keeper.lock_now("the root key was replaced meanwhile")
            self._requests.forget()

    def _is_trusted(self, principal: Principal) -> bool:
        return principal.uid in (self._owner_uid, 0)

    def _finish_unlocking(self) -> None:
        finished = None if self.control is None else self.control.finish()
        if finished is None:
            return
        connection, response, keep_alive = finished
        if connection in self._crowd:
            connection.respond(response, keep_alive=keep_alive)
            self._answer_all(connection)

    def _close(self, connection: Connection) -> None:
        if self._crowd.remove(connection):
            if connection.wanted != NOT_WATCHED:
                self._poll.unregister(connection.descriptor)
            connection.close()
