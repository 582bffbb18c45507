"""The agent's exit codes: those of docs/cli.md, for the errors that can end it."""

from __future__ import annotations

from strongroom.errors import (
    Conflict,
    Denied,
    FormatUnsupported,
    NotFound,
    StoreUnavailable,
    StrongroomError,
    Tampered,
    UnsafePermissions,
    VaultLocked,
    WouldPrompt,
    WrongKey,
)

UNEXPECTED = 1

EXIT_CODES: tuple[tuple[type[StrongroomError], int], ...] = (
    (VaultLocked, 3),
    (NotFound, 4),
    (Denied, 5),
    (WrongKey, 6),
    (Tampered, 7),
    (WouldPrompt, 8),
    (UnsafePermissions, 9),
    (Conflict, 10),
    (FormatUnsupported, 14),
    (StoreUnavailable, 15),
)


def exit_code(error: StrongroomError) -> int:
    """The number for *error*; a subclass has its parent's."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), UNEXPECTED)
