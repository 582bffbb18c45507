"""Which exit code stands for which error: one class, one number, never reused.

``docs/cli.md`` shows the same table to people; a test compares the two.
"""

from __future__ import annotations

from strongroom.errors import (
    Conflict,
    Denied,
    Expired,
    FormatUnsupported,
    NotFound,
    OutcomeUnknown,
    StoreUnavailable,
    StrongroomError,
    Tampered,
    UnsafePermissions,
    VaultLocked,
    WouldPrompt,
    WrongKey,
)

OK = 0
UNEXPECTED = 1
USAGE = 2
SCAN_FOUND = 13
SIGNALLED = 128  # and the signal's number: 130 for Ctrl-C, 141 for a closed pipe
INTERRUPTED = SIGNALLED + 2
BROKEN_PIPE = SIGNALLED + 13


class UsageError(StrongroomError):
    """The command line itself is wrong: an unknown option, a missing word, a refused name."""


class EndedBySignal(BaseException):
    """A signal asked this process to end, at a moment when something had to be put right first."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


EXIT_CODES: tuple[tuple[type[StrongroomError], int], ...] = (
    (UsageError, USAGE),
    (VaultLocked, 3),
    (NotFound, 4),
    (Denied, 5),
    (WrongKey, 6),
    (Tampered, 7),
    (WouldPrompt, 8),
    (UnsafePermissions, 9),
    (Conflict, 10),
    (OutcomeUnknown, 11),
    (Expired, 12),
    (FormatUnsupported, 14),
    (StoreUnavailable, 15),
)


def exit_code(error: StrongroomError) -> int:
    """The number for *error*; a subclass has its parent's."""
    for kind, code in EXIT_CODES:
        if isinstance(error, kind):
            return code
    return UNEXPECTED
