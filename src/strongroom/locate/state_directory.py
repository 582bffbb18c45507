"""The directory in which this user's own notes about vaults lie: which, whose, made, and locked."""

from __future__ import annotations

import errno
import os
import sys
from time import monotonic, sleep

from strongroom.errors import StoreUnavailable
from strongroom.locate.addresses import home_directory
from strongroom.stores import durable, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE_SECONDS = 2.0


def state_directory(environment: Mapping[str, str] = os.environ, *, platform: str = sys.platform) -> str:
    """Where this user's anchors lie.

    Args:
        environment: as `os.environ`.
        platform: as `sys.platform`.

    Raises: VaultNotFound: this user has no home directory.
    Source: the XDG base directory specification, ``XDG_STATE_HOME``; relative values are ignored.
    """
    if platform == "win32":
        state = environment.get("LOCALAPPDATA", "") or os.path.join(home_directory(environment), "AppData", "Local")
        return os.path.join(state, "strongroom", "state")
    if platform == "darwin":
        support = os.path.join(home_directory(environment), "Library", "Application Support")
        return os.path.join(support, "strongroom", "state")
    state = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.join(home_directory(environment), ".local", "state")
    return os.path.join(state, "strongroom")


def is_foreign(directory: str) -> bool:
    """Whether the directory lies in another user's home, where nothing is this user's to believe or to write.

    A directory of a stranger's in this user's own home is something else, and refused when it is read.
    """
    if not files.HAS_OWNERS:
        return False
    user = os.geteuid()
    try:
        return all(os.stat(one).st_uid not in (user, 0) for one in (directory, durable.parent(directory)))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def make_directory(path: str) -> None:
    """Make the directory *path*, with mode 0700, and what is missing above it.

    Raises: StoreUnavailable, NotFound: it cannot be made, or would be made in another user's home.
    """
    from strongroom.locate.making import make_directories

    if os.path.isdir(path):
        return
    above = durable.parent(path)
    while not os.path.isdir(above) and durable.parent(above) != above:
        above = durable.parent(above)
    if files.HAS_OWNERS and os.stat(above).st_uid != os.geteuid():
        # As root in another user's home: what root makes there would shut that user out.
        raise StoreUnavailable(f"{above} belongs to another user")
    make_directories(path)


class Mutex:
    """A file that one program at a time may lock; the system lets go of it when a program dies.

    Entering it gives the descriptor of the file, and raises OSError, or StoreUnavailable when
    another program holds it for two seconds.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> int:
        try:
            return self._lock()
        except BaseException:
            self._close()
            raise

    def _lock(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(self._path, flags, 0o600)
        deadline = monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                lock_or_fail(self._descriptor)
                return self._descriptor
            except OSError as error:
                is_taken = error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
                if not is_taken:
                    raise
                if monotonic() > deadline:
                    raise StoreUnavailable(f"{self._path} is held by another program") from None
            sleep(0.005)

    def __exit__(self, *_exc: object) -> None:
        self._close()

    def __del__(self) -> None:
        # A Ctrl-C before the first line of the end: every later commit would wait for a file that nobody has.
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def lock_or_fail(descriptor: int) -> None:
    """Lock an open file for this process, which lets go of it by closing it or by ending.

    Raises: OSError: another process holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # only a program that writes the anchor needs it

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
