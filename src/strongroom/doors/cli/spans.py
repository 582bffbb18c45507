"""Time spans and dates as people type them: ``90d``, ``12h``, ``2026-12-31``, ``never``."""

from __future__ import annotations

from argparse import ArgumentTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import Literal

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAYS_MAX = 365_250
_FORMS = "takes a time span such as 90d, 12h or 2w"


def span(text: str) -> timedelta:
    """A whole number and one of the units s, m, h, d, w.

    Raises: ArgumentTypeError: something else, nothing at all, or more than 1,000 years.
    """
    from datetime import timedelta

    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) < 12 and unit in _SECONDS):
        raise ArgumentTypeError(_FORMS)
    seconds = int(number) * _SECONDS[unit]
    if not 0 < seconds <= _DAYS_MAX * _SECONDS["d"]:
        raise ArgumentTypeError("takes a time span of a second to 1,000 years")
    return timedelta(seconds=seconds)


def span_or_never(text: str) -> timedelta:
    """As `span`; ``never`` is zero, as `Vault.configure` takes it."""
    if text != "never":
        return span(text)
    from datetime import timedelta

    return timedelta(0)


def span_or_zero(text: str) -> timedelta:
    """As `span`; ``0`` is none at all."""
    if text != "0":
        return span(text)
    from datetime import timedelta

    return timedelta(0)


def expiry(text: str) -> timedelta | Literal["never"]:
    """How long a value holds: a span, a date or time to come, or ``never``.

    A date is the moment at which it begins; without a time zone it is UTC.

    Raises: ArgumentTypeError: something else, or a moment that has passed.
    """
    if text == "never":
        return "never"
    if "-" not in text:
        return span(text)
    from datetime import UTC, datetime, timedelta

    left = _moment(text) - datetime.now(UTC)
    if left <= timedelta(0):
        raise ArgumentTypeError("takes a date to come")
    return left


def moment(text: str) -> int:
    """A date or time such as ``2026-12-31``, in seconds since 1970; without a time zone it is UTC.

    Raises: ArgumentTypeError: something else.
    """
    if "-" not in text:
        raise ArgumentTypeError("takes a date such as 2026-12-31, or a time such as 2026-12-31T12:00")
    return int(_moment(text).timestamp())


def _moment(text: str) -> datetime:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{_FORMS}, a date such as 2030-12-31, or never") from None
