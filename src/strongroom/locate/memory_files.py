"""A file for a text that must never reach a disk: where memory is mounted as a file system, wiped in the end.

The file lies in a directory of its own, so that what an editor puts beside it is in memory too and
wiped with it. Whoever made the directory keeps it locked: one that nobody has locked was left by a
process that was killed. Source: docs/decisions/0003.
"""

from __future__ import annotations

import os
import stat

from strongroom.errors import Denied, StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

_FILE_SYSTEMS = (b"tmpfs", b"ramfs")
_PREFIX = "strongroom-"
_MARK_DIGITS = 16
_WIPE_BYTES = 1024 * 1024
_DIRECTORY_FLAGS = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)


def memory_directories(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The directories whose files live in memory and in which this user may make some.

    Args:
        environment: as `os.environ`; asked for ``XDG_RUNTIME_DIR``.
    """
    from strongroom.stores.sqlite_file import file_system_kind

    if not hasattr(os, "major"):
        return  # Windows
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            listed = mounts.read()
    except OSError:
        listed = b""
    for place in ("/dev/shm", environment.get("XDG_RUNTIME_DIR", "")):  # noqa: S108 - its kind is checked below  # nosec B108
        try:
            device = os.stat(place).st_dev
        except OSError:
            continue
        kind = file_system_kind(listed, f"{os.major(device)}:{os.minor(device)}".encode())
        if kind in _FILE_SYSTEMS and os.access(place, os.W_OK | os.X_OK):
            yield place


def memory_directory(environment: Mapping[str, str] = os.environ) -> str:
    """A directory whose files live in memory, to make a private one in.

    Raises: Denied: there is none.
    """
    for place in memory_directories(environment):
        return place
    raise Denied(
        "there is no memory-backed storage here, and a secret must not be edited on a disk",
        advice="change single fields instead: strongroom set PATH FIELD",
    )


class MemoryFile:
    """One file in a private directory; both gone, and wiped, at the end of the block.

    Args:
        directory: from `memory_directory`.
        name: of the file, whose ending may tell an editor what is in it.

    Attributes:
        path: of the file, which `write` makes; known inside the block.
    """

    def __init__(self, directory: str, name: str = "item.json") -> None:
        self._above = directory
        self._name = name
        self._mutex = -1
        self.path = ""

    def __enter__(self) -> Self:
        while self._mutex < 0:
            directory = os.path.join(self._above, f"{_PREFIX}{os.urandom(_MARK_DIGITS // 2).hex()}")
            try:
                os.mkdir(directory, 0o700)
                self._mutex = _lock(directory)
            except OSError as error:
                raise StoreUnavailable(f"cannot make {directory}: {(error.strerror or '').lower()}") from None
        self._directory = directory
        self.path = os.path.join(directory, self._name)
        return self

    def __exit__(self, *_exc: object) -> None:
        try:
            _remove(self._directory)
        finally:
            os.close(self._mutex)
            self._mutex = -1

    def write(self, data: bytearray) -> None:
        """Make the file with *data* in it.

        Raises: StoreUnavailable: there is no room for it.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"cannot write {self.path}: {(error.strerror or '').lower()}") from None


def left_behind(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The directories of this user's `MemoryFile`s whose process was killed."""
    for place in memory_directories(environment):
        for name in sorted(os.listdir(place)):
            path = os.path.join(place, name)
            mutex = _take_stale(path) if name.startswith(_PREFIX) else -1
            if mutex >= 0:
                os.close(mutex)
                yield path


def wipe_left_behind(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Wipe and remove what `left_behind` finds, also where an editor still shows it.

    Returns: what was removed.
    Raises: StoreUnavailable: something cannot be removed.
    """
    removed = []
    for path in left_behind(environment):
        mutex = _take_stale(path)
        if mutex < 0:
            continue  # another edit was faster
        try:
            _remove(path)
        finally:
            os.close(mutex)
        removed.append(path)
    return removed


def _lock(directory: str) -> int:
    """A descriptor that keeps *directory* locked; -1 if somebody took it for a stale one and removed it."""
    import fcntl

    try:
        descriptor = os.open(directory, _DIRECTORY_FLAGS)
    except FileNotFoundError:
        return -1
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    if os.fstat(descriptor).st_nlink:
        return descriptor
    os.close(descriptor)
    return -1


def _take_stale(path: str) -> int:
    """A descriptor that locks a directory which nobody uses; -1 for everything else."""
    import fcntl

    try:
        descriptor = os.open(path, _DIRECTORY_FLAGS)
    except OSError:
        return -1
    try:
        status = os.fstat(descriptor)
        # Anybody may plant a name in /dev/shm; only what nobody else can write is ours to look into.
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except OSError:
        pass  # in use
    os.close(descriptor)
    return -1


def _remove(directory: str) -> None:
    """Overwrite and remove everything; what cannot be overwritten is removed all the same."""
    failed = ""
    for folder, folders, names in os.walk(directory, topdown=False):
        try:
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    os.unlink(os.path.join(folder, name))
            for name in names:
                failed = _wipe_file(os.path.join(folder, name)) or failed
            os.rmdir(folder)
        except OSError as error:
            failed = (error.strerror or "unknown error").lower()
    if failed:
        advice = "nothing was stored; it was removed without that"
        if os.path.lexists(directory):
            advice = f"nothing was stored; remove it, for it may hold what was edited: rm -r {directory}"
        raise StoreUnavailable(f"cannot wipe {directory}: {failed}", advice=advice)


def _wipe_file(path: str) -> str:
    """Overwrite and remove one file; why it could not be overwritten, if so."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        # A link, a pipe or a socket that the editor left: there is nothing of ours in it.
        os.unlink(path)
        return ""
    try:
        status = os.fstat(descriptor)
        left = status.st_size if stat.S_ISREG(status.st_mode) else 0
        while left > 0:
            left -= os.write(descriptor, bytes(min(left, _WIPE_BYTES)))
    except OSError as error:
        return (error.strerror or "unknown error").lower()
    finally:
        os.close(descriptor)
        os.unlink(path)
    return ""
