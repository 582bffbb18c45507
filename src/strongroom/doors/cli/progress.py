"""How far a long command is: one line on standard error that is written over, on a terminal only."""

from __future__ import annotations

from time import monotonic

from strongroom.doors.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_STDERR = 2
_BETWEEN_SECONDS = 0.1


class Progress:
    """Called with (done, total); removes its line when the block is left.

    Args:
        what: what is being counted, such as ``"re-encrypted"``.
        unit: of the numbers, with a space before it.
        shown: what a person reads for a number.
    """

    def __init__(self, what: str, *, unit: str = "", shown: Callable[[int], str] = "{:,}".format) -> None:
        self._what = what
        self._unit = unit
        self._shown = shown
        self._is_shown = output.is_terminal(_STDERR)
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is, ten times a second at most."""
        now = monotonic()
        if self._is_shown and now - self._last > _BETWEEN_SECONDS:
            self._last = now
            share = done * 100 // max(total, 1)
            numbers = f"{self._shown(done)} of {self._shown(total)}{self._unit}"
            output.transient(f"strongroom: {self._what} {share} % ({numbers})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._last:
            output.transient("")
