"""The agent's socket: made where clients look, never in a place that somebody else could replace.

One agent per vault: whoever holds the lock on ``NAME.sock.lock`` is the agent, and only that
process takes a socket away that was left behind. The mode of the socket's file is no protection;
the kernel's word about who connects is. Source: docs/format.md#agent.
"""

from __future__ import annotations

import os
import socket
import stat

from strongroom.errors import Conflict, StoreUnavailable, StrongroomError, UnsafePermissions
from strongroom.locate.state_directory import lock_or_fail

BACKLOG = 1024
_FIRST_PASSED = 3  # SD_LISTEN_FDS_START
_ADDRESS_BYTES_MAX = 107  # sun_path of Linux, with its NUL


class Listening:
    """A socket that listens, and what must be taken away in the end.

    Attributes:
        socket: listens and does not block.
        path: where it lies; for messages also when systemd made it.
        is_passed: systemd made it and keeps it.
    """

    def __init__(self, listener: socket.socket, path: str, *, mutex: int = -1, is_passed: bool = False) -> None:
        listener.setblocking(False)
        self.socket = listener
        self.path = path
        self.is_passed = is_passed
        self._mutex = mutex
        self._links: list[str] = []
        self._is_open = False
        self._inode = 0 if is_passed else os.lstat(path).st_ino

    def open_to_others(self, others: bool) -> None:
        """Let other users connect, or not; what they may do is decided for each request."""
        if not self.is_passed and others is not self._is_open:
            os.chmod(self.path, 0o666 if others else 0o600)
            self._is_open = others

    def link_from(self, link: str) -> None:
        """Leave a link to the socket in the session's own directory; without one it is found all the same."""
        directory = os.path.dirname(link)
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            check_own_directory(directory)
            temporary = f"{link}.{os.getpid()}"
            os.symlink(self.path, temporary)
            os.replace(temporary, link)
        except (OSError, StrongroomError):
            return
        self._links.append(link)

    def close(self) -> None:
        """Stop listening, and take away the socket's file and links, if they are still ours; once is enough."""
        if self.socket.fileno() < 0:
            return
        self.socket.close()
        if self.is_passed:
            return
        for link in self._links:
            if os.path.islink(link) and os.readlink(link) == self.path:
                os.unlink(link)
        try:
            if os.lstat(self.path).st_ino == self._inode:
                os.unlink(self.path)
        except OSError:
            # Somebody took it away already, or this user may not: a client finds nobody behind it.
            return
        finally:
            os.close(self._mutex)


def passed_by_systemd(environment: dict[str, str], pid: int) -> Listening | None:
    """The socket that systemd made before it started this process; None without one.

    Raises: UnsafePermissions: it passed something else.
    Source: sd_listen_fds(3).
    """
    if environment.get("LISTEN_PID") != str(pid):
        return None
    if environment.get("LISTEN_FDS") != "1":
        raise UnsafePermissions("systemd passed several sockets; an agent has one")
    try:
        listener = socket.socket(fileno=_FIRST_PASSED)
        name = listener.getsockname()
    except OSError:
        raise UnsafePermissions("what systemd passed is no socket") from None
    if listener.family != socket.AF_UNIX or listener.type != socket.SOCK_STREAM:
        raise UnsafePermissions("what systemd passed is no Unix stream socket")
    os.set_inheritable(_FIRST_PASSED, False)
    return Listening(listener, os.fsdecode(name), is_passed=True)


def listen(path: str) -> Listening:
    """Listen at *path*, whose directory exists.

    Raises:
        Conflict: an agent listens there already.
        UnsafePermissions: the directory, or what lies at *path*, is not this user's alone.
        StoreUnavailable: the system refuses.
    """
    directory = os.path.dirname(path)
    check_own_directory(directory)
    if len(os.fsencode(path)) > _ADDRESS_BYTES_MAX - len(".new"):
        raise StoreUnavailable(
            f"the path of a socket is at most {_ADDRESS_BYTES_MAX} bytes: {path}", advice="name a shorter one: --socket"
        )
    mutex = _take_mutex(path + ".lock", path)
    try:
        _take_away_old(path)
        return Listening(_bind(path), path, mutex=mutex)
    except OSError as error:
        os.close(mutex)
        raise StoreUnavailable(f"cannot listen at {path}: {(error.strerror or '').lower()}") from None
    except BaseException:
        os.close(mutex)
        raise


def check_own_directory(directory: str) -> None:
    """Refuse a directory that is a link, somebody else's, or open to others for writing.

    Raises: UnsafePermissions, StoreUnavailable.
    """
    try:
        status = os.lstat(directory)
    except OSError as error:
        raise StoreUnavailable(f"{directory}: {(error.strerror or '').lower()}") from None
    if stat.S_ISLNK(status.st_mode) or not stat.S_ISDIR(status.st_mode):
        raise UnsafePermissions(f"{directory} is a link or no directory; an agent listens in a real one")
    if status.st_uid != os.geteuid():
        raise UnsafePermissions(f"{directory} belongs to user {status.st_uid}, not to user {os.geteuid()}")
    if status.st_mode & 0o022:
        raise UnsafePermissions(f"{directory} can be written by other users", advice=f"chmod go-w {directory}")


def _take_mutex(path: str, shown: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise UnsafePermissions(f"cannot lock {path}: {(error.strerror or '').lower()}") from None
    try:
        lock_or_fail(descriptor)
    except OSError:
        os.close(descriptor)
        raise Conflict(
            f"an agent for this vault runs already, at {shown}", advice="see it: strongroom agent status"
        ) from None
    return descriptor


def _take_away_old(path: str) -> None:
    """With the lock in hand nobody listens here any more: what lies there was left by a process that died."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise UnsafePermissions(f"{path} is in the agent's place and is no socket", advice=f"look at it: ls -l {path}")
    if status.st_uid != os.geteuid():
        raise UnsafePermissions(f"the socket {path} belongs to user {status.st_uid}")
    os.unlink(path)


def _bind(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    temporary = path + ".new"
    umask = os.umask(0o177)
    try:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        listener.bind(temporary)
        listener.listen(BACKLOG)
        # It appears under its name only when somebody is behind it.
        os.rename(temporary, path)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(umask)
    return listener
