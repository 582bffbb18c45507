"""Time spans and dates as the µs that are stored. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta


def microseconds(span: timedelta) -> int:
    """*span* as µs.

    Raises: ValueError: it is negative, or longer than 1,000 years: calendars end in 9999.
    """
    from datetime import timedelta

    if span < timedelta(0):
        raise ValueError("a time span cannot be negative")
    if span > timedelta(days=365_250):
        raise ValueError("a time span is at most 1,000 years")
    return span // timedelta(microseconds=1)


def deadline(now: int, span: timedelta | None) -> int:
    """When *span* from *now* is over, in µs; 0 when there is none."""
    return 0 if span is None else now + microseconds(span)
