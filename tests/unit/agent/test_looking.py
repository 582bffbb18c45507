"""The loop looks again before it sleeps, as long as that pays."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from strongroom.doors.agent.clocks import Dates
from strongroom.doors.agent.server import _LOOKS, _LUCK_MAX, _UNLUCKY_ROUNDS, Server

EVENT = [(7, 1)]


class Poll:
    """Stands for epoll: finds something at the look with this number of each round, or when it may wait."""

    def __init__(self, found_at: int) -> None:
        self.found_at = found_at
        self.looks = 0

    def poll(self, seconds: float, _most: int) -> list[tuple[int, int]]:
        if seconds:
            return EVENT
        self.looks += 1
        return EVENT if self.looks == self.found_at else []


class Nobody:
    """Stands for service and keeper, which have nothing to do here."""

    def wait_seconds(self) -> None:
        """For as long as one likes."""


@pytest.fixture
def server() -> Iterator[Server]:
    nobody = cast("Any", Nobody())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # a name of the kernel's choice
        listener.listen()
        made = Server(listener, nobody, nobody, Dates(), owner_uid=0, vault_name="x")
        made._poll.close()
        # Somebody is connected.
        cast("Any", made._crowd)._connections[7] = Nobody()
        yield made


def looks(server: Server, found_at: int, *, was_busy: bool = True) -> int:
    """How often a round looks before it sleeps."""
    poll = server._poll = cast("Any", Poll(found_at))
    assert server._wait(was_busy=was_busy) == EVENT
    return cast("Poll", poll).looks


def test_it_looks_while_that_pays(server: Server) -> None:
    """A client that asks again at once is found at once."""
    for _ in range(100):
        assert looks(server, found_at=3) == 3


def test_it_looks_only_behind_an_answer_and_for_somebody(server: Server) -> None:
    """An agent that was not asked sleeps, and so does one that nobody is connected to."""
    assert looks(server, found_at=3, was_busy=False) == 0
    server._crowd = cast("Any", [])
    assert looks(server, found_at=3) == 0


def test_it_stops_looking_in_vain(server: Server) -> None:
    """After a few times; and tries its luck once in a while."""
    for _ in range(100):
        looks(server, found_at=1)
    in_vain = [looks(server, found_at=0) for _ in range(4 + 3 * (_UNLUCKY_ROUNDS + 2))]
    assert in_vain[: _LUCK_MAX // 2] == [_LOOKS] * (_LUCK_MAX // 2)
    assert set(in_vain) == {0, _LOOKS}
    assert in_vain.count(_LOOKS) <= _LUCK_MAX // 2 + 3
    while not looks(server, found_at=5):
        pass
    assert [looks(server, found_at=5) for _ in range(50)] == [5] * 50
