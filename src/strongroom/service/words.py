"""Numbers, truth values, durations and lists, as Vault's clients spell them. Pure."""

from __future__ import annotations

import re
from datetime import timedelta

from strongroom.service.refusals import Refused

_AMOUNT = re.compile(r"([0-9]{1,18})(ns|us|µs|ms|s|m|h|d)")
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}


def parse_request_id(value: object) -> bytes:
    """32 hex digits as 16 bytes.

    Raises: Refused: it is anything else.
    """
    if not isinstance(value, str) or len(value) != 32 or not set(value).issubset("0123456789abcdef"):
        raise Refused(400, "a request id is 32 hex digits")
    return bytes.fromhex(value)


def fingerprint(value: str) -> str:
    """64 hex digits.

    Raises: Refused: it is anything else.
    """
    if len(value) != 64 or not set(value).issubset("0123456789abcdef"):
        raise Refused(400, "a fingerprint is 64 hex digits")
    return value


def whole_number(value: object, what: str, *, least: int = 0) -> int:
    """A number, or its digits in a string, as Vault's command line sends them.

    Raises: Refused: it is neither.
    """
    if isinstance(value, str) and 0 < len(value) < 20:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            value = int(value)
    if type(value) is not int or not least <= value < 1 << 63:
        raise Refused(400, f"error parsing {what}")
    return value


def names_of(value: object, what: str) -> list[str]:
    """A list of strings.

    Raises: Refused: it is anything else.
    """
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Refused(400, f"{what} is a list of names")
    return value


def flag(value: object) -> bool:
    """A truth value, or a word for one.

    Raises: Refused: it is neither.
    """
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "false": False, "0": False, "": False}
    if not isinstance(value, str) or value.lower() not in words:
        raise Refused(400, "a truth value is true or false")
    return words[value.lower()]


def duration_us(value: object) -> int:
    """Whole seconds, or amounts with units such as ``1h30m``, in µs.

    Raises: Refused: it is neither.
    """
    if isinstance(value, str) and value and not value.isdigit():
        amounts = _AMOUNT.findall(value)
        if "".join(number + unit for number, unit in amounts) == value:
            return sum(int(number) * _NANOSECONDS[unit] for number, unit in amounts) // 1000
        raise Refused(400, "a duration is seconds, or amounts with units such as 1h30m")
    return whole_number(value, "duration") * 1_000_000


def time_span(microseconds: int) -> timedelta:
    """A number of µs as a time span.

    Raises: Refused: more than a calendar has.
    """
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError:
        raise Refused(400, "a time span is at most 1,000 years") from None


def duration_text(microseconds: int) -> str:
    """A duration as Vault writes it: ``0s``, ``1h0m0s``, ``1.5s``."""
    seconds, rest = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds}.{rest:06d}".rstrip("0") + "s" if rest else f"{seconds}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
