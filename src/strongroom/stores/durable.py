"""Making new files durable and whole: temporary names, links, syncs. Used by files.py and sqlite_file.py.

Nothing here decides whether a place is safe; files.py does.
"""

from __future__ import annotations

import errno
import os
from time import time

from strongroom.errors import Conflict, NotFound, StoreUnavailable, StrongroomError, UnsafePermissions

_CREATE_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_UNFINISHED = ".new"
_STALE_SECONDS = 3600


def publish_new(temporary: str, path: str) -> None:
    """Give a finished file its name without ever overwriting another.

    A hard link is the one portable way to rename without overwriting. Between the link
    and the removal of the old name the file has two names; when the process is killed
    there, whoever checks the file next removes the unfinished one.

    Args:
        temporary: from `unfinished_name(path)`, written and synced.
        path: the name it shall have.

    Raises: Conflict, StoreUnavailable: as `create_private` in files.py; *temporary* is still there.
    """
    try:
        if os.name == "nt":
            os.rename(temporary, path)  # refuses to overwrite on Windows
        else:
            os.link(temporary, path)
            discard(temporary)
    except FileExistsError:
        raise already_exists(path) from None
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP):
            raise StoreUnavailable(
                f"the file system of {path} has no hard links", advice="use a local file system such as ext4"
            ) from None
        raise os_error(error, path) from None
    sync_dir(parent(path))


def unfinished_name(path: str) -> str:
    """A fresh name beside *path* for a file that is not finished yet."""
    return os.path.join(parent(path), f"{_unfinished_prefix(path)}{os.urandom(8).hex()}{_UNFINISHED}")


def discard(path: str) -> None:
    """Remove a file of ours; nothing happens when it is gone already.

    Raises: StoreUnavailable: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        # Whoever finished an interrupted publication was faster; the aim is reached.
        return
    except OSError as error:
        raise os_error(error, path) from None


def sync_file(path: str) -> None:
    """Bring a closed file of ours to the disk.

    Raises: StoreUnavailable: the disk does not confirm it.
    """
    _sync(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))


def sync_dir(path: str) -> None:
    """Bring a directory's names to the disk: without this a power cut may undo a rename.

    Raises: StoreUnavailable: the disk does not confirm it.
    """
    if os.name != "nt":  # Windows cannot open a directory, NTFS journals its names
        _sync(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))


def parent(path: str) -> str:
    """The directory that holds *path*."""
    return os.path.dirname(path) or os.curdir


def os_error(error: OSError, path: str, what: str = "file") -> StrongroomError:
    """Our error for what the operating system said about *path*."""
    reason = (error.strerror or "unknown error").lower()
    path = finished_name(path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotFound(f"there is no {what} at {path}")
    if error.errno == errno.ELOOP:
        return UnsafePermissions(f"{what} {path} is a symbolic link")
    is_transient = error.errno in (errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE)
    return StoreUnavailable(f"{path}: {reason}", is_transient=is_transient)


def already_exists(path: str) -> Conflict:
    """The error for a file that would have been overwritten."""
    return Conflict(f"{path} exists already", advice="choose another path; an existing file is never overwritten")


def write_new(path: str, data: bytes | bytearray | memoryview, mode: int = 0o600) -> None:
    """Make a file that holds *data*, synced, under a name that does not exist yet.

    Raises:
        Conflict: the name exists.
        StoreUnavailable: the disk is full or cannot be written; nothing is left, if it can be removed.
    """
    try:
        descriptor = os.open(path, _CREATE_FLAGS, mode)
    except FileExistsError:
        raise already_exists(path) from None
    except OSError as error:
        raise os_error(error, path) from None
    try:
        try:
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)  # the umask may have taken bits away
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        discard(path)
        raise os_error(error, path) from None


def _sync(path: str, flags: int) -> None:
    try:
        descriptor = os.open(path, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise os_error(error, path) from None


def _unfinished_prefix(path: str) -> str:
    return f".{os.path.basename(path)}."


def finished_name(path: str) -> str:
    """The name that somebody chose, where *path* is one of `unfinished_name`."""
    folder, name = os.path.split(path)
    chosen, _dot, mark = name.removesuffix(_UNFINISHED).rpartition(".")
    is_unfinished = name.endswith(_UNFINISHED) and chosen.startswith(".") and len(mark) == 16
    return os.path.join(folder, chosen[1:]) if is_unfinished else path


def _unfinished_siblings(path: str) -> list[str]:
    """What lies beside *path* under names that `unfinished_name` gives, and SQLite's files with them."""
    prefix, folder = _unfinished_prefix(path), parent(path)
    found = []
    for name in os.listdir(folder):
        middle, ending, rest = name.removeprefix(prefix).partition(_UNFINISHED)
        if name.startswith(prefix) and ending and len(middle) == 16 and rest in ("", "-wal", "-shm", "-journal"):
            found.append(os.path.join(folder, name))
    return found


def finish_interrupted(path: str, status: os.stat_result) -> None:
    """Remove the unfinished name of a file whose publisher was killed, or is about to remove it.

    Args:
        status: of *path*, which has two names.
    """
    for sibling in _unfinished_siblings(path):
        try:
            is_same = os.path.samestat(os.lstat(sibling), status)
        except FileNotFoundError:
            continue  # its publisher was faster
        if is_same:
            discard(sibling)


def sweep(path: str) -> None:
    """Remove what killed processes left unfinished; an hour protects those still at work.

    Raises: StoreUnavailable: the directory cannot be read, or they cannot be removed.
    """
    try:
        for sibling in _unfinished_siblings(path):
            try:
                status = os.lstat(sibling)
            except FileNotFoundError:
                continue  # somebody else is sweeping
            if status.st_nlink == 1 and time() - status.st_mtime > _STALE_SECONDS:
                discard(sibling)
    except OSError as error:
        raise os_error(error, path) from None
