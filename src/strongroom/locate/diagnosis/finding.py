"""One thing that was found, and the command that mends it."""

from __future__ import annotations

from strongroom.errors import StrongroomError


class Finding:
    """One line for a person.

    Attributes:
        about: one word, such as ``"permissions"``.
        message: what is the case; one line, never a secret.
        mend: the command, or else the step, that mends it.
        error: what a command that meets it fails with; None for a remark, with which everything works.
    """

    __slots__ = ("about", "error", "mend", "message")

    def __init__(
        self, about: str, message: str, mend: str, *, error: type[StrongroomError] | None = None
    ) -> None:
        self.about = about
        self.message = message
        self.mend = mend
        self.error = error

    @property
    def is_serious(self) -> bool:
        """Whether it is more than a remark."""
        return self.error is not None

    def __repr__(self) -> str:
        return f"Finding({self.about!r}, {self.message!r})"


def from_error(about: str, error: StrongroomError, mend: str = "") -> Finding:
    """The finding that *error* is.

    Args:
        mend: for an error without advice.
    """
    advice = error.advice.splitlines()
    return Finding(about, error.message, advice[0] if advice else mend, error=type(error))
