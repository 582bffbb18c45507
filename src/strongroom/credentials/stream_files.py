"""Encrypted files on disk: read from anywhere, written whole or not at all.

The output of `encrypt_file` and `decrypt_file` appears under its name when all of it is there and
proved intact; tampering, a full disk or the death of the process leaves nothing. Where the system can
(Linux), the unfinished file has no name at all; elsewhere it has one that begins with a dot, and mode 0600.
"""

from __future__ import annotations

import errno
import os
import stat
from select import select

from strongroom.credentials import streams
from strongroom.errors import Conflict, StoreUnavailable, UnsafePermissions
from strongroom.stores.durable import already_exists, discard, os_error, parent, sync_dir, unfinished_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import FileIO
    from typing import Self

    from strongroom.credentials.identities import Identity
    from strongroom.credentials.recipients import Recipient
    from strongroom.credentials.streaming import Progress

SECRET_MODE = 0o600
SHARED_MODE = 0o666
"""Before the umask: what is encrypted, or only signs, may be read by whom its directory admits."""

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | _READ
_NAMELESS = getattr(os, "O_TMPFILE", 0)
# /dev/stdout, /dev/fd/63 of a shell's >(...): links that no other user can plant.
_LINKS_OF_THE_SYSTEM = ("/dev/", "/proc/")
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


class InputFile:
    """A file to be read from its beginning: a regular one, a pipe, a device; a context manager.

    Args:
        path: the file; or what to call *descriptor*.
        descriptor: is read instead, from where it stands, and left open.

    Raises:
        NotFound: there is none.
        StoreUnavailable: it cannot be read, or is a directory.
    """

    __slots__ = ("_file", "_path")

    def __init__(self, path: str, *, descriptor: int | None = None) -> None:
        from io import FileIO

        self._path = path
        try:
            opened = os.open(path, _READ) if descriptor is None else descriptor
            if stat.S_ISDIR(os.fstat(opened).st_mode):
                if descriptor is None:
                    os.close(opened)
                raise StoreUnavailable(f"{path} is a directory", advice="pack it first, such as with tar")
            self._file = FileIO(opened, "rb", closefd=descriptor is None)
        except OSError as error:
            raise os_error(error, path) from None

    @property
    def size(self) -> int:
        """Bytes of a regular file; 0 where nobody can tell."""
        return os.fstat(self._file.fileno()).st_size

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 at the end.

        Raises: StoreUnavailable: it cannot be read on.
        """
        try:
            while (got := self._file.readinto(buffer)) is None:
                # Somebody left the pipe in non-blocking mode: nothing there yet is not its end.
                select([self._file], [], [])
            return got
        except OSError as error:
            raise os_error(error, self._path) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()


class NewFile:
    """A file that appears under its name when `publish` is called; a context manager that else leaves nothing.

    Args:
        path: where; a pipe or device that stands there is written to at once.
        mode: its permission bits; `SHARED_MODE` is narrowed by the umask, others are not.
        replace: whether a file that stands there is replaced, in one step.

    Attributes:
        is_whole: whether it appears whole or not at all; False for a pipe or device.
        written: how many bytes so far.

    Raises:
        Conflict: something stands there already, or what is never replaced: a symbolic link, a terminal, a disk...
        UnsafePermissions: a pipe of another user does.
        StoreUnavailable: nothing can be written there.
    """

    __slots__ = ("_file", "_path", "_replace", "_temporary", "is_whole", "written")

    def __init__(self, path: str, *, mode: int = SECRET_MODE, replace: bool = False) -> None:
        self._path = path
        self._replace = replace
        self._temporary = ""
        self.is_whole = True
        self.written = 0
        try:
            self._file = self._open(mode)
        except OSError as error:
            raise os_error(error, path) from None

    def _open(self, mode: int) -> FileIO:
        from io import FileIO

        try:
            status = os.lstat(self._path)
            if stat.S_ISLNK(status.st_mode) and self._path.startswith(_LINKS_OF_THE_SYSTEM):
                status = os.stat(self._path)
            found = status.st_mode
        except FileNotFoundError:
            found = 0
        if stat.S_ISFIFO(found) or stat.S_ISCHR(found):
            self.is_whole = False
            return FileIO(_open_pipe(self._path, status), "wb")
        if stat.S_ISLNK(found):
            raise Conflict(f"{self._path} is a symbolic link", advice="name the file that it shall be")
        if stat.S_ISDIR(found):
            raise Conflict(f"{self._path} is a directory", advice="name a file in it")
        if found and not stat.S_ISREG(found):
            # A disk or a socket: its name would be given to a file, and what it was would have none.
            raise Conflict(f"{self._path} is no file", advice="name the file that it shall be")
        if found and not self._replace:
            raise _exists(self._path)
        descriptor = self._nameless(mode)
        if descriptor < 0:
            self._temporary = unfinished_name(self._path)
            descriptor = os.open(self._temporary, _NEW, mode)
        if mode == SECRET_MODE and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)  # an odd umask may have taken bits away
        return FileIO(descriptor, "wb")

    def _nameless(self, mode: int) -> int:
        """The descriptor of a file without a name, or -1 where there are none."""
        if not _NAMELESS or not os.path.isdir("/proc/self/fd"):
            return -1
        try:
            return os.open(parent(self._path), _NAMELESS | os.O_RDWR | os.O_CLOEXEC, mode)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
                # Such as an older network or overlay file system; a directory that is missing fails again with a name.
                return -1
            raise

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Write the next bytes.

        Raises: StoreUnavailable: the disk is full or cannot be written. BrokenPipeError: nobody reads the pipe.
        """
        try:
            while (count := self._file.write(data)) is None:
                select([], [self._file], [])
        except BrokenPipeError:
            raise
        except OSError as error:
            raise os_error(error, self._path) from None
        self.written += count
        return count

    def publish(self) -> None:
        """Give the file its name, durably.

        Raises:
            Conflict: something has come to stand there meanwhile; it was not touched.
            StoreUnavailable: the disk does not confirm it.
            UnsafePermissions: somebody exchanged the file.
        """
        if not self.is_whole:
            self.close()
            return
        try:
            os.fsync(self._file.fileno())
            if self._replace:
                self._put_in_place()
            else:
                self._link()
        except FileExistsError:
            raise _exists(self._path) from None
        except OSError as error:
            raise os_error(error, self._path) from None
        self._check_identity()
        self.close()
        sync_dir(parent(self._path))

    def _put_in_place(self) -> None:
        if not self._temporary:
            name = unfinished_name(self._path)
            self._link_nameless(name)
            self._temporary = name
        os.replace(self._temporary, self._path)
        self._temporary = ""

    def _link(self) -> None:
        if not self._temporary:
            self._link_nameless(self._path)
            return
        try:
            os.link(self._temporary, self._path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # A file system without hard links: take the name first, so that nobody else's file is replaced.
            os.close(os.open(self._path, _NEW, SECRET_MODE))
            os.replace(self._temporary, self._path)
            self._temporary = ""
            return
        discard(self._temporary)
        self._temporary = ""

    def _link_nameless(self, name: str) -> None:
        directory = os.open(parent(self._path), os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | os.O_CLOEXEC)
        try:
            # With a directory's descriptor Python calls linkat, which alone follows the link in /proc.
            source = f"/proc/self/fd/{self._file.fileno()}"
            os.link(source, os.path.basename(name), dst_dir_fd=directory, follow_symlinks=True)
        finally:
            os.close(directory)

    def _check_identity(self) -> None:
        """In a directory that others may write to, the name could have been given to another file."""
        if not os.path.samestat(os.fstat(self._file.fileno()), os.lstat(self._path)):
            raise UnsafePermissions(f"somebody exchanged {self._path} while it was written")

    def close(self) -> None:
        """Let go; an unpublished file is gone then.

        Raises: StoreUnavailable: its temporary name cannot be removed.
        """
        self._file.close()
        if self._temporary:
            discard(self._temporary)
            self._temporary = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _open_pipe(path: str, status: os.stat_result) -> int:
    """A pipe or device, which waits for its reader; a stranger's would hand over what is written.

    Raises:
        Conflict: it is a terminal.
        UnsafePermissions: it is a stranger's, or was exchanged meanwhile.
    """
    if hasattr(os, "geteuid") and status.st_uid not in (os.geteuid(), 0):
        raise UnsafePermissions(f"{path} is a pipe or device of user {status.st_uid}", advice="name another output")
    follow = 0 if path.startswith(_LINKS_OF_THE_SYSTEM) else getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, os.O_WRONLY | follow | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0))
    if os.path.samestat(os.fstat(descriptor), status) and not os.isatty(descriptor):
        return descriptor
    is_terminal = os.isatty(descriptor)
    os.close(descriptor)
    if is_terminal:
        # Plaintext could tell it to do things; standard output is shown with its control characters escaped.
        raise Conflict(f"{path} is a terminal", advice="for standard output: --output -")
    raise UnsafePermissions(f"{path} was exchanged while it was opened")


def encrypt_file(
    path: str,
    output: str,
    recipients: Sequence[Recipient],
    *,
    format: str = streams.AGE,
    armor: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> None:
    """Encrypt a file into another one, which appears whole or not at all.

    Args:
        path: what is encrypted; it stays as it is.
        output: where; mode 0666 less the umask.
        recipients, format, armor, progress: as in `streams.encrypt`.
        replace: whether an *output* that exists is replaced.

    Raises:
        NotFound: there is no such file.
        Conflict: *output* exists.
        StoreUnavailable: one of them cannot be read or written.
        ValueError: as `streams.encrypt`.
    """
    with InputFile(path) as source, NewFile(output, mode=SHARED_MODE, replace=replace) as target:
        streams.encrypt(source, target, recipients, format=format, armor=armor, progress=progress)
        target.publish()


def decrypt_file(
    path: str, output: str, identities: Sequence[Identity], *, replace: bool = False, progress: Progress | None = None
) -> None:
    """Decrypt a file into another one of mode 0600, which appears when all of it has proved intact.

    Args:
        path: what is decrypted; it stays as it is.
        output: where.
        identities, progress: as in `streams.decrypt`.
        replace: whether an *output* that exists is replaced.

    Raises:
        NotFound, Conflict, StoreUnavailable: as `encrypt_file`.
        WrongKey, Tampered, FormatUnsupported: as `streams.decrypt`; there is no output then.
    """
    with InputFile(path) as source:
        stream = streams.open_stream(source)
        stream.unlock(identities)
        with NewFile(output, replace=replace) as target:
            stream.write_to(target, progress=progress)
            target.publish()


def _exists(path: str) -> Conflict:
    conflict = already_exists(path)
    conflict.advice = "choose another path, or replace it: --force"
    return conflict
