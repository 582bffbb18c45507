"""A connector that does not come back is ended, and what it says is looked through before anybody reads it."""

from __future__ import annotations

import signal
import threading
from html import escape
from time import monotonic

from strongroom.django.hand_over.models import RESULT_MAX
from strongroom.formats.masking import VALUE_BYTES_MAX, VALUE_BYTES_MIN, Mask
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from types import FrameType
    from typing import Self

    from strongroom.items import Item

_LOOKED_AT = 64 * 1024
_AGAIN_SECONDS = 70.0
"""Longer than a refresh of OAuth tokens takes, which has to store what it got before it lets itself be ended."""


class TookTooLong(BaseException):
    """Past every ``except Exception`` of a connector."""


class TimeLimit:
    """Ends what runs inside it after *span*: by the alarm of the process, so in its main thread alone.

    Elsewhere, and where a system has no such alarm, nothing ends it: connectors have time-outs of their own.
    """

    def __init__(self, span: timedelta) -> None:
        self._seconds = span.total_seconds()
        self._can_ring = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self._is_set = False
        self._before: object = None
        self._timer = 0.0, 0.0
        self._began = 0.0

    def __enter__(self) -> Self:
        if self._can_ring:
            self._began = monotonic()
            self._before, self._is_set = signal.signal(signal.SIGALRM, _ring), True
            # Again and again: the first one may meet a `finally` that waits as well.
            self._timer = signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN_SECONDS)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.end()

    def end(self) -> None:
        """Ring no more. Called again by whoever has caught `TookTooLong`: the alarm may have come in here."""
        if self._is_set:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)  # type: ignore[arg-type]  # as signal() gave it
            self._is_set = False
            left, interval = self._timer
            if left:
                # Somebody else's alarm goes on, and rings at once if its time came meanwhile.
                signal.setitimer(signal.ITIMER_REAL, max(left - (monotonic() - self._began), 0.001), interval)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TookTooLong


def secrets_of(item: Item) -> list[bytes]:
    """The values of the fields that are secret."""
    found = []
    for name in item:
        if item.is_secret(name):
            with item[name] as value:
                found.append(_data(value))
    return found


def _data(value: SecretStr | SecretBytes) -> bytes:
    shown = value.reveal()
    return shown if isinstance(shown, bytes) else shown.encode("utf-8", "surrogatepass")


def told(text: object, secrets: Iterable[bytes]) -> str:
    """*text* as one line of at most `RESULT_MAX` characters, without any of *secrets* in the encodings that are known.

    A service that does not take a password may repeat it in its answer, and a connector passes that on.
    """
    data = _line(str(text)[:_LOOKED_AT]).encode("utf-8", "replace")
    values: set[bytes] = set()
    for secret in secrets:
        # What making one line of the text does to a value in it: odd spaces and invisible characters change.
        one = _line(secret[:VALUE_BYTES_MAX].decode("utf-8", "replace"))
        values |= {one.encode("utf-8"), secret[:VALUE_BYTES_MAX], escape(one).encode("utf-8")}
    if any(0 < len(one) < VALUE_BYTES_MIN and one in data for one in values):
        # Too short to be told from what stands there by chance.
        return "what the connector said was left out: it may hold a part of the credential"
    mask = Mask(one for one in values if len(one) <= VALUE_BYTES_MAX)
    return (mask.feed(data) + mask.finish()).decode("utf-8", "replace")[:RESULT_MAX]


def _line(text: str) -> str:
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
