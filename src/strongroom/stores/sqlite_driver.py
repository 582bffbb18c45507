"""SQLite's driver, and what its errors mean to us. No error of its own leaves the stores.

The C module is imported by its own name: the package ``sqlite3`` around it loads
datetime and registers adapters that nobody here wants, 5 ms of a cold start.
"""

from __future__ import annotations

try:
    import _sqlite3 as _driver
except ImportError:  # an interpreter that builds it differently
    import sqlite3 as _driver  # type: ignore[no-redef]

from strongroom.errors import StoreUnavailable, Tampered

connect = _driver.connect
Connection = _driver.Connection
Cursor = _driver.Cursor
DriverError = (_driver.Error, UnicodeDecodeError, OverflowError)
"""What a call of the driver raises. Its message about a damaged schema may not be decodable, and
a number beyond 63 bits does not reach SQLite."""
SQLITE_VERSION = _driver.sqlite_version
LIMIT_LENGTH = 0
"""``SQLITE_LIMIT_LENGTH``; source: sqlite3.h."""

# Primary result codes; source: https://sqlite.org/rescode.html
_PERM, _BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _FULL, _CANTOPEN = 3, 5, 6, 7, 8, 10, 13, 14
_PROTOCOL, _TOOBIG, _CONSTRAINT = 15, 18, 19

_UNAVAILABLE = {
    _PERM: "access denied",
    _NOMEM: "out of memory",
    _READONLY: "it cannot be written",
    _IOERR: "disk I/O error",
    _FULL: "the disk is full",
    _CANTOPEN: "it cannot be opened",
}
_ROOM_BYTES = 65_536
_OUTCOME_IS_KNOWN = (_FULL, _BUSY, _LOCKED, _NOMEM, _READONLY, _PROTOCOL)


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code of a driver error, 0 when it has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_busy(error: BaseException) -> bool:
    """Whether waiting helps: another connection holds a lock, or was faster to change it."""
    return primary_code(error) in (_BUSY, _LOCKED, _PROTOCOL)


def is_undone(error: BaseException) -> bool:
    """Whether an error of COMMIT means for certain that nothing was committed.

    A full disk is certain: the frame that marks a commit is the last one and was not
    written. A failed write or sync is not: the bytes may be on the disk all the same.
    """
    return primary_code(error) in _OUTCOME_IS_KNOWN


def is_for_want_of_room(error: BaseException) -> bool:
    """Whether the disk that was written to is full: of two, not the one that was read from."""
    return primary_code(error) == _FULL


def translate(error: BaseException, location: str) -> Exception:
    """Our error for a driver error; raise it `from None`, its text may quote SQL.

    Returns:
        StoreUnavailable: busy, full, read-only, I/O error.
        Tampered: not a database, damaged, or its tables were changed.
        TypeError, ValueError: the calling code passed what no row can hold.
    """
    if isinstance(error, OverflowError):
        return ValueError("a number in a row is 0 to 2**63 - 1")
    code = primary_code(error)
    if code in _UNAVAILABLE:
        from strongroom.stores.durable import finished_name

        location = finished_name(location)
        # SQLite's shared memory cannot grow on a full disk either, and that is an I/O error to it.
        what = _UNAVAILABLE[_FULL] if code == _IOERR and _is_full(location) else _UNAVAILABLE[code]
        return StoreUnavailable(f"{location}: {what}", advice=_advice(code, what, location))
    if code in (_BUSY, _LOCKED, _PROTOCOL):
        return StoreUnavailable(
            f"{location} is busy: another process keeps it locked", advice="try again", is_transient=True
        )
    if code == _TOOBIG:
        return Tampered(f"{location} holds a value longer than any that this program writes")
    if code == _CONSTRAINT or isinstance(error, _driver.ProgrammingError | _driver.InterfaceError):
        return TypeError("wrong number or type of columns")
    return damaged(location)


def damaged(location: str, what: str = "its file is damaged or was changed by another program") -> Tampered:
    """The error for a store whose content this program cannot have written."""
    return Tampered(f"{location}: {what}", advice="restore a backup: strongroom restore-backup FILE")


def _is_full(location: str) -> bool:
    """Whether the disk that holds *location* has less left than SQLite needs for its shared memory."""
    import os

    try:
        disk = os.statvfs(os.path.dirname(os.path.abspath(location)))
    except (AttributeError, OSError):  # Windows has no statvfs.
        return False
    return disk.f_bavail * disk.f_frsize < _ROOM_BYTES


def _advice(code: int, what: str, location: str) -> str:
    if what == _UNAVAILABLE[_FULL]:
        return f"make room on the disk that holds {location}" + ("; nothing was written" if code == _FULL else "")
    if code in (_READONLY, _CANTOPEN, _PERM):
        return f"check that you may write {location}, its directory, and the files beside it that end in -wal and -shm"
    return ""
