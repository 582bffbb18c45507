"""Time spans and dates as typed: what they mean, and that everything else is refused without being repeated."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.doors.cli.spans import expiry, span, span_or_never

SPANS = {
    "1s": timedelta(seconds=1),
    "90m": timedelta(minutes=90),
    "12h": timedelta(hours=12),
    "90d": timedelta(days=90),
    "2w": timedelta(days=14),
    "365250d": timedelta(days=365_250),
}
NOT_SPANS = (
    "", "d", "0d", "-1d", "+1d", "1.5d", "1e3d", " 1d", "1d ", "90", "90D", "90y", "1d1h", "١d", "365251d",
    "9" * 12 + "s", "never", "hunter2", "1_0d",
)  # fmt: skip


@pytest.mark.parametrize("text", SPANS)
def test_a_span_is_a_number_and_a_unit(text: str) -> None:
    """s, m, h, d and w."""
    assert span(text) == SPANS[text]
    assert expiry(text) == SPANS[text]


@pytest.mark.parametrize("text", NOT_SPANS)
def test_what_is_no_span_is_refused(text: str) -> None:
    """The message names the form, and never what was typed, which may be a mistyped secret."""
    with pytest.raises(ArgumentTypeError) as caught:
        span(text)
    assert len(text) < 3 or text not in str(caught.value)


@given(st.text(max_size=20))
def test_any_text_is_a_span_a_date_or_refused(text: str) -> None:
    """No other exception, and never a moment that has passed."""
    try:
        found = expiry(text)
    except ArgumentTypeError:
        return
    assert found == "never" or found > timedelta(0)


DATES = {
    "a day": ("2090-12-31", datetime(2090, 12, 31, tzinfo=UTC)),
    "a time is UTC": ("2090-12-31T06:30", datetime(2090, 12, 31, 6, 30, tzinfo=UTC)),
    "Z": ("2090-12-31T06:30:00Z", datetime(2090, 12, 31, 6, 30, tzinfo=UTC)),
    "a zone": ("2090-12-31T06:30+02:00", datetime(2090, 12, 31, 4, 30, tzinfo=UTC)),
}


@pytest.mark.parametrize("case", DATES)
def test_a_date_is_the_moment_at_which_it_begins(case: str) -> None:
    """In UTC, unless it names a zone."""
    text, moment = DATES[case]
    left = expiry(text)
    assert isinstance(left, timedelta)
    assert abs(datetime.now(UTC) + left - moment) < timedelta(seconds=60)


@pytest.mark.parametrize(
    "text",
    ["2020-01-01", "2090-13-01", "2090-02-30", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "--"],
)
def test_dates_that_cannot_come(text: str) -> None:
    """Past ones, and ones that no calendar has."""
    with pytest.raises(ArgumentTypeError):
        expiry(text)


def test_never() -> None:
    """It is a word of its own where a date stands, and zero where a setting does."""
    assert expiry("never") == "never"
    assert span_or_never("never") == timedelta(0)
