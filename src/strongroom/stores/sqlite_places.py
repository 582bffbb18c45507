"""Whether a database may take a place, and giving it that place. Used by sqlite.py and sqlite_copies.py."""

from __future__ import annotations

import os

from strongroom.errors import Conflict, Denied, OutcomeUnknown, StoreUnavailable, StrongroomError
from strongroom.stores import durable, files
from strongroom.stores.sqlite_file import COMPANIONS


def refuse_leftovers(path: str) -> None:
    """Refuse a place for a new database beside which files of SQLite's lie: it would take them for its own.

    Source: https://sqlite.org/howtocorrupt.html, section 1.4.

    Raises: Conflict.
    """
    for ending in COMPANIONS:
        if os.path.lexists(path + ending):
            from shlex import quote

            raise Conflict(
                f"{path}{ending} lies there, left of a database that is gone; a new one would take it for its own",
                advice=f"move it away: mv {quote(path + ending)} {quote(path + ending + '.old')}",
            )


def check_place(target: str, *, is_there: bool) -> None:
    """Refuse what SQLite would follow, hang at or write through, before it is asked to open it.

    Args:
        is_there: whether something lies at *target*, which is to be replaced.

    Raises:
        UnsafePermissions: a link, no regular file, several names, or a stranger's.
        Conflict: as `refuse_leftovers`.
    """
    if not is_there:
        refuse_leftovers(target)
    for ending in ("", *COMPANIONS):
        if os.path.lexists(target + ending):
            files.check_own_file(target + ending, "SQLite's file" if ending else "vault")


def check_writable(path: str) -> None:
    """Refuse a directory that this user may not write, naming *path* and not the unfinished file beside it.

    Raises: Denied.
    """
    folder = durable.parent(path)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise Denied(f"cannot write {path}: you may not write to the directory {folder}", advice="choose another path")


def publish(temporary: str, target: str) -> None:
    """Give a new file its name; an error afterwards is not one of a file that is missing.

    Raises:
        Conflict, StoreUnavailable: as `durable.publish_new`.
        OutcomeUnknown: it has its name, but its directory could not be synced.
    """
    try:
        durable.publish_new(temporary, target)
    except StoreUnavailable as error:
        if not _has_arrived(temporary, target):
            raise
        raise unsettled(target, error, f"see whether it is whole: strongroom backup --check {target}") from None


def _has_arrived(temporary: str, target: str) -> bool:
    # With the link in place the unfinished name goes first, the sync of the directory comes last.
    try:
        return not os.path.lexists(temporary) or os.path.samestat(os.lstat(temporary), os.lstat(target))
    except OSError:
        return False


def unsettled(path: str, error: StrongroomError, advice: str) -> OutcomeUnknown:
    """The error for a file that is in its place and may not stay there."""
    return OutcomeUnknown(f"{path} was written, but may not outlive a power cut: {error.message}", advice=advice)
