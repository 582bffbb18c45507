"""Nobody lengthens the agent's life, or revives what has expired, by setting a clock."""

from __future__ import annotations

import time

import pytest

from strongroom.doors.agent import clocks
from strongroom.doors.agent.clocks import Dates, Lifetime


class Machine:
    """A machine's two clocks, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.boot = 1000.0
        self.wall = 1_790_000_000.0
        monkeypatch.setattr(clocks, "seconds", lambda: self.boot)
        monkeypatch.setattr(time, "time_ns", lambda: int(self.wall * 1e9))

    def passes(self, seconds: float) -> None:
        self.boot += seconds
        self.wall += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_the_date_never_goes_back(machine: Machine) -> None:
    """Set back by a year it goes on from where it was; set forward it follows."""
    dates = Dates()
    start = dates.now_us()
    assert start == 1_790_000_000_000_000
    machine.wall -= 365 * 86_400
    machine.passes(10)
    assert dates.now_us() == start + 10_000_000
    machine.wall += 366 * 86_400
    assert dates.now_us() == start + 86_400_000_000 + 10_000_000


def test_the_date_is_not_before_what_was_written(machine: Machine) -> None:
    """After a restart with the clock set back, the newest commit says that it is later."""
    dates = Dates()
    dates.not_before(1_790_000_500_000_000)
    assert dates.now_us() == 1_790_000_500_000_000
    machine.passes(7)
    assert dates.now_us() == 1_790_000_507_000_000
    dates.not_before(1)
    assert dates.now_us() == 1_790_000_507_000_000


def test_a_whole_life_ends_though_it_is_used(machine: Machine) -> None:
    """The wall clock has no say in it."""
    lifetime = Lifetime(60)
    for _ in range(59):
        machine.passes(1)
        machine.wall -= 100
        lifetime.use()
        assert not lifetime.is_over()
    machine.passes(1)
    assert lifetime.is_over()
    assert lifetime.left() == 0


def test_an_idle_life_is_lengthened_by_use_alone(machine: Machine) -> None:
    """And not revived by a use that comes too late."""
    lifetime = Lifetime(None, 60)
    machine.passes(59)
    lifetime.use()
    machine.passes(59)
    assert lifetime.left() == 1
    machine.passes(2)
    assert lifetime.is_over()
    lifetime.use()
    assert lifetime.is_over()


def test_the_earlier_end_counts(machine: Machine) -> None:
    """Of both; without any there is none."""
    assert Lifetime(100, 30).left() == 30
    assert Lifetime(20, 30).left() == 20
    assert Lifetime().left() is None
    machine.passes(1e9)
    assert not Lifetime().is_over()
