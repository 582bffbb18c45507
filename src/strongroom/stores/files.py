"""The one place that opens, checks, makes and replaces files, for every room above.

A file here is private: a regular file with one name, owned by this user or root, without
any permission for anybody else, in a directory that nobody else can write. New files
appear whole or not at all, and survive a power cut once the call has returned.
On Windows owner and mode say nothing, and access lists are not read: there a private file lies in its
user's profile, which Windows gives to nobody else but administrators.

Never open a live SQLite file with these functions: closing a second descriptor drops
every POSIX lock that SQLite holds on it (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import errno
import os
import stat

from strongroom.errors import NotFound, StoreUnavailable, UnsafePermissions
from strongroom.stores.durable import (
    already_exists,
    discard,
    finish_interrupted,
    os_error,
    parent,
    publish_new,
    sweep,
    sync_dir,
    unfinished_name,
    write_new,
)

HAS_OWNERS = hasattr(os, "geteuid")
"""Whether owner and mode mean anything on this system."""

_READ_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    # A pipe planted under the name must not hang the open.
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def check_private_dir(path: str) -> None:
    """Refuse a directory in which somebody else could plant or replace files.

    Sticky directories such as /tmp are refused as well: anybody may plant a new
    file there, and SQLite would take it for its own ``-wal``.

    Args:
        path: an existing directory.

    Raises:
        NotFound: it does not exist.
        UnsafePermissions: not a directory, a foreign owner, or writable by group or others.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise NotFound(f"there is no directory {path}", advice=f"make it: mkdir -m 700 {_quoted(path)}") from None
    except OSError as error:
        raise os_error(error, path, "directory") from None
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafePermissions(f"{path} is not a directory")
    if not HAS_OWNERS:
        _check_profile(path)
        return
    _check_owner(status, path, "directory")
    if status.st_mode & 0o022:
        message = f"directory {path} can be written by other users"
        if status.st_mode & stat.S_ISVTX:  # Meant for everybody, as /tmp is.
            raise UnsafePermissions(message, advice="keep the file in a directory of its own with mode 0700")
        advice = f"chmod go-w {_quoted(path)}\nor keep the file in a directory of its own with mode 0700"
        raise UnsafePermissions(message, advice=advice)


def _check_profile(path: str) -> None:
    profile = os.environ.get("USERPROFILE", "")
    home = os.path.normcase(os.path.realpath(profile))
    if not os.path.isabs(profile) or not os.path.normcase(os.path.realpath(path)).startswith(home + os.sep):
        raise UnsafePermissions(
            f"who may write to directory {path} cannot be checked on this system",
            advice="keep the file in a directory of its own in your profile, such as %LOCALAPPDATA%\\strongroom",
        )


def check_private_file(path: str, what: str) -> os.stat_result:
    """Refuse a file that somebody else could read or write; it is not opened.

    Args:
        path: the file; its directory is checked by `check_private_dir`.
        what: how to call it in messages, such as ``"key file"``.

    Returns: its status.

    Raises:
        NotFound: it does not exist.
        UnsafePermissions: not a regular file, a symbolic or second hard link, a foreign
            owner, or any permission for group or others.
    """
    status = _status(path, what)
    check_private_status(status, path, what)
    return status


def check_own_file(path: str, what: str) -> None:
    """As `check_private_file`, but whatever its permissions, and without a look at its directory.

    For what is about to be replaced, and may be damaged in this way, too.
    """
    _check_own_status(_status(path, what), path, what)


def _status(path: str, what: str) -> os.stat_result:
    try:
        status = os.lstat(path)
        if status.st_nlink == 2:
            finish_interrupted(path, status)
            status = os.lstat(path)
        return status
    except OSError as error:
        raise os_error(error, path, what) from None


def check_private_status(status: os.stat_result, path: str, what: str) -> None:
    """As `check_private_file`, for a status that is already known."""
    _check_own_status(status, path, what)
    if HAS_OWNERS and status.st_mode & 0o077:
        raise UnsafePermissions(
            f"{what} {path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
            advice=f"chmod go= {_quoted(path)}",
        )


def _check_own_status(status: os.stat_result, path: str, what: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise UnsafePermissions(
            f"{what} {path} is a symbolic link",
            advice=f"give the path that it points to: {_quoted(real_path(path))}",
        )
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise UnsafePermissions(f"{what} {path} is {kind}")
    if not HAS_OWNERS:
        return
    _check_owner(status, path, what)
    # None at all: another program replaced the file after it was opened, and what was opened is what lay there.
    if status.st_nlink > 1:
        raise UnsafePermissions(
            f"{what} {path} has {status.st_nlink} hard links",
            advice=f"remove the other names: find / -xdev -samefile {_quoted(path)}",
        )


def read_private(path: str, limit: int, what: str) -> bytearray:
    """The bytes of a private file, checked on the descriptor that is read.

    Args:
        path: the file.
        limit: greatest accepted length in bytes.
        what: how to call it in messages, such as ``"key file"``.

    Returns: a bytearray that the caller wipes.

    Raises:
        NotFound: it does not exist.
        UnsafePermissions: as `check_private_file` and `check_private_dir`.
        StoreUnavailable: it is longer than *limit*, or cannot be read.
    """
    check_private_dir(parent(path))
    check_private_file(path, what)
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except OSError as error:
        raise os_error(error, path, what) from None
    try:
        status = os.fstat(descriptor)
        check_private_status(status, path, what)
        if status.st_size > limit:
            raise StoreUnavailable(f"{what} {path} is longer than {limit} bytes")
        return _read_whole(descriptor, status.st_size)
    except OSError as error:
        raise os_error(error, path, what) from None
    finally:
        os.close(descriptor)


def create_private(path: str, data: bytes | bytearray | memoryview, mode: int = 0o600) -> None:
    """Make a private file that holds *data*, whole and durable when this returns.

    Args:
        path: must not exist; its directory must be private.
        data: everything it shall hold.
        mode: its permission bits from the first moment, whatever the umask.

    Raises:
        Conflict: *path* exists; it was not touched.
        UnsafePermissions: as `check_private_dir`.
        StoreUnavailable: the disk is full or cannot be written; nothing is left behind.
    """
    check_private_dir(parent(path))
    if os.path.lexists(path):
        raise already_exists(path)
    sweep(path)
    temporary = unfinished_name(path)
    try:
        write_new(temporary, data, mode)
        publish_new(temporary, path)
    except BaseException:
        discard(temporary)
        raise


def replace_private(path: str, data: bytes | bytearray | memoryview, mode: int = 0o600) -> None:
    """Make *data* the content of a private file in one step, whether or not it exists.

    A reader sees the old content or the new, never a mixture, and so does a power cut.

    Args:
        path: the file; its directory must be private.
        data: everything it shall hold.
        mode: its permission bits.

    Raises:
        UnsafePermissions: as `check_private_dir`.
        StoreUnavailable: the disk is full or cannot be written; the old content stays.
    """
    check_private_dir(parent(path))
    sweep(path)
    temporary = unfinished_name(path)
    try:
        write_new(temporary, data, mode)
        os.replace(temporary, path)
    except OSError as error:
        discard(temporary)
        raise os_error(error, path) from None
    except BaseException:
        discard(temporary)
        raise
    sync_dir(parent(path))


def _check_owner(status: os.stat_result, path: str, what: str) -> None:
    user = os.geteuid()
    if status.st_uid not in (user, 0):
        raise UnsafePermissions(
            f"{what} {path} belongs to user {status.st_uid}, not to user {user}",
            advice=f"run this as user {status.st_uid}, or: chown {user} {_quoted(path)}",
        )


def real_path(path: str) -> str:
    """*path* without links; as it is when a link was exchanged while it was followed."""
    try:
        return os.path.realpath(path)
    except OSError:
        return path  # it is a link no longer


def _quoted(path: str) -> str:
    """*path* as one word of a shell command that a person may paste."""
    if path and all(character.isalnum() or character in "/._-+=:,@%" for character in path):
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def read_into(descriptor: int, buffer: bytearray | memoryview) -> int:
    """Read into *buffer*, without a copy in between where the system has a call for that.

    Returns: how many bytes came; 0 at the end.
    Raises: OSError.
    """
    if hasattr(os, "readv"):
        return os.readv(descriptor, [buffer])
    piece = os.read(descriptor, len(buffer))  # Windows
    buffer[: len(piece)] = piece
    return len(piece)


def _read_whole(descriptor: int, expected: int) -> bytearray:
    # One byte more than expected shows a file that grows while it is read.
    buffer = bytearray(expected + 1)
    length = 0
    while length < len(buffer):
        count = read_into(descriptor, memoryview(buffer)[length:])
        if not count:
            break
        length += count
    if length != expected:
        buffer[:] = bytes(len(buffer))
        raise OSError(errno.EAGAIN, "the file changes while it is read")
    del buffer[length:]
    return buffer
