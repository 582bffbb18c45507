"""A foreign file rewritten in one step, and its old content overwritten, as far as that goes.

The new content is complete and on the disk before it takes the name; only then is the old one overwritten where it
lay. What that cannot reach is said: flash that writes elsewhere, copy-on-write, snapshots, backups, git.
"""

from __future__ import annotations

import os
import stat

from strongroom.errors import Conflict, StoreUnavailable, UnsafePermissions
from strongroom.items import quoted
from strongroom.stores.durable import discard, os_error, parent, sync_dir, unfinished_name, write_new

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_ZEROS = bytes(64 * 1024)

LIMITS = (
    "the old content was overwritten where it lay; an SSD, a copy-on-write file system, snapshots, backups, "
    "an editor's copies and git's history may hold it all the same: what may have been seen has to be changed"
)


class OldFile:
    """A file that is about to be replaced or removed, held open from the first look on; a context manager.

    Args:
        path: a regular file of this user's, with one name.
        expected: what it is known to hold.

    Raises:
        NotFound: it is gone.
        UnsafePermissions: a link, another name, another owner, or no regular file.
        Conflict: it does not hold *expected* any more.
        StoreUnavailable: it cannot be opened for writing.
    """

    __slots__ = ("_descriptor", "_path", "_status")

    def __init__(self, path: str, expected: bytes) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, _FLAGS)
        except OSError as error:
            raise os_error(error, path) from None
        try:
            self._status = os.fstat(self._descriptor)
            self._check(expected)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _check(self, expected: bytes) -> None:
        status, path = self._status, self._path
        if not stat.S_ISREG(status.st_mode):
            raise UnsafePermissions(f"{path} is not a regular file")
        if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
            raise UnsafePermissions(f"{path} belongs to user {status.st_uid}; only its owner rewrites it")
        if status.st_nlink != 1:
            raise UnsafePermissions(
                f"{path} has {status.st_nlink} hard links, and the others would keep the old content",
                advice=f"find / -xdev -samefile {quoted(path)}",
            )
        if self._content() != expected:
            raise Conflict(f"{path} has changed since it was read", advice="repeat the command")

    def _content(self) -> bytes:
        parts, place = [], 0
        try:
            while piece := os.pread(self._descriptor, 1024 * 1024, place):
                parts.append(piece)
                place += len(piece)
        except OSError as error:
            raise os_error(error, self._path) from None
        return b"".join(parts)

    def replace(self, data: bytes) -> None:
        """Give the name to a new file with *data* and the same permissions, then overwrite the old one.

        Raises: StoreUnavailable: the disk is full or cannot be written; the old file is untouched then.
        """
        temporary = unfinished_name(self._path)
        try:
            write_new(temporary, data, stat.S_IMODE(self._status.st_mode))
            os.replace(temporary, self._path)
        except OSError as error:
            discard(temporary)
            raise os_error(error, self._path) from None
        except BaseException:
            discard(temporary)
            raise
        sync_dir(parent(self._path))
        self._overwrite()

    def remove(self) -> None:
        """Overwrite the content, then take the name away.

        Raises: StoreUnavailable: the disk cannot be written.
        """
        self._overwrite()
        discard(self._path)
        sync_dir(parent(self._path))

    def _overwrite(self) -> None:
        try:
            place = 0
            while place < self._status.st_size:
                place += os.pwrite(self._descriptor, _ZEROS[: self._status.st_size - place], place)
            os.fsync(self._descriptor)
        except OSError as error:
            raise StoreUnavailable(
                f"the old content of {self._path} could not be overwritten: {(error.strerror or '').lower()}"
            ) from None

    def __enter__(self) -> OldFile:
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self._descriptor)
