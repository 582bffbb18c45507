"""Refused requests of others: the first ones are written down, the rest is counted."""

from __future__ import annotations

from strongroom.doors.agent.refusals import (
    AT_ONCE,
    AT_ONCE_OF_ALL,
    EVERY_SECONDS,
    EVERY_SECONDS_OF_ALL,
    TELLING_SECONDS,
    TOLD_MAX,
    Refusals,
)

DAY = 86_400


def test_one_user_gets_so_many_and_then_a_trickle() -> None:
    """A hundred at once, then one more every ten seconds, and the hundred again only after a long silence."""
    refusals = Refusals(0)
    assert sum(refusals.admits(7, 1.0) for _ in range(1_000)) == AT_ONCE
    assert refusals.admits(8, 1.0)
    assert not refusals.admits(7, 1.0 + EVERY_SECONDS - 0.01)
    assert refusals.admits(7, 1.0 + EVERY_SECONDS)
    assert not refusals.admits(7, 1.0 + EVERY_SECONDS)
    later = 1.0 + DAY
    assert sum(refusals.admits(7, later) for _ in range(1_000)) == AT_ONCE


def test_what_was_not_written_down_is_counted() -> None:
    """Once a minute, by user, and only once."""
    refusals = Refusals(0)
    for _ in range(AT_ONCE + 5):
        refusals.admits(7, 1.0)
    for _ in range(AT_ONCE + 9):
        refusals.admits(8, 1.0)
    assert not refusals.is_due(TELLING_SECONDS - 1)
    assert refusals.is_due(TELLING_SECONDS)
    assert refusals.take_counts(TELLING_SECONDS) == [(8, 9), (7, 5)]
    assert not refusals.is_due(3 * TELLING_SECONDS)
    assert refusals.take_counts(3 * TELLING_SECONDS) == []


def test_a_crowd_of_users_fills_no_disk_and_no_memory() -> None:
    """Thousands of users who each ask ten times a day: the lines and what is kept stay bounded, nobody is lost."""
    refusals = Refusals(0)
    lines = told = 0
    for turn in range(20):
        now = turn * DAY / 10
        lines += sum(refusals.admits(uid, now) for uid in range(8_000))
        assert len(refusals._users) <= 1_024
        assert len(refusals._counts) <= 1_025
        counts = refusals.take_counts(now)
        assert len(counts) <= TOLD_MAX + 1
        told += sum(count for _uid, count in counts)
    assert lines + told == 20 * 8_000
    assert AT_ONCE_OF_ALL < lines <= AT_ONCE_OF_ALL + 2 * DAY / EVERY_SECONDS_OF_ALL


def test_a_user_who_comes_back_is_known_while_it_matters() -> None:
    """A crowd does not give somebody who has used up an allowance a new one."""
    refusals = Refusals(0)
    for _ in range(AT_ONCE):
        assert refusals.admits(7, 1.0)
    for uid in range(10_000, 20_000):
        refusals.admits(uid, 1.0)
    assert not refusals.admits(7, 2.0)
