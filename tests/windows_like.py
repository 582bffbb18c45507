"""This interpreter made as poor as one on Windows: what is not there cannot be used without being noticed.

``python tests/windows_like.py SCRIPT WORDS...`` hides what Windows does not have, and runs the script.
What it stands in for is one function of ``msvcrt``, and ``os.getlogin``; paths keep their slashes.
It shows what the package reaches for and what it decides, and says nothing about Windows itself.
"""

from __future__ import annotations

import fcntl
import importlib
import runpy
import sys
import types
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

# They look at the system when they are loaded, and are not what is tested here. Source of what Windows
# lacks: "Availability" in the standard library's documentation of each.
_FIRST = (
    "argparse", "asyncio", "concurrent.futures", "ctypes", "django.core.files.locks", "django.core.files.move",
    "email", "http.client", "importlib.resources", "json",
    "logging", "multiprocessing", "os", "pathlib", "platform", "select", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "urllib.request", "uuid", "zoneinfo",
)  # fmt: skip
MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
_NAMES = {
    "os": (
        "O_CLOEXEC O_DIRECTORY O_DSYNC O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC O_TMPFILE "
        "MFD_ALLOW_SEALING MFD_CLOEXEC POSIX_SPAWN_CLOSE POSIX_SPAWN_DUP2 POSIX_SPAWN_OPEN SCHED_OTHER WNOHANG "
        "chown chroot confstr eventfd fchdir fchmod fchown fdatasync fork forkpty getegid geteuid getgid getgroups "
        "getpgid getpgrp getpriority getsid getuid getxattr initgroups killpg lchown listxattr lockf major makedev "
        "memfd_create minor mkfifo mknod nice openpty pidfd_open pipe2 posix_fadvise posix_fallocate posix_spawn "
        "posix_spawnp pread preadv pwrite pwritev readv register_at_fork removexattr sched_getaffinity sendfile "
        "setegid seteuid setgid setgroups setpgid setsid setuid setxattr statvfs sync sysconf tcgetpgrp tcsetpgrp "
        "ttyname uname wait wait3 wait4 waitid writev"
    ),
    "signal": (
        "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGUSR1 SIGUSR2 "
        "SIGWINCH SIGXCPU SIGXFSZ alarm pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait"
    ),
    "select": (
        "epoll poll EPOLLERR EPOLLET EPOLLEXCLUSIVE EPOLLHUP EPOLLIN EPOLLOUT EPOLLRDHUP POLLERR POLLHUP POLLIN POLLOUT"
    ),
    "socket": "AF_UNIX CMSG_LEN CMSG_SPACE MSG_DONTWAIT MSG_NOSIGNAL SCM_RIGHTS SO_PEERCRED recv_fds send_fds",
    "_socket": "AF_UNIX CMSG_LEN CMSG_SPACE MSG_DONTWAIT MSG_NOSIGNAL SCM_RIGHTS SO_PEERCRED",
}  # fmt: skip


class _Hidden(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in MODULES:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def _msvcrt() -> types.ModuleType:
    made = types.ModuleType("msvcrt")
    lock, exclusive = fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB
    made.LK_NBLCK = 2  # type: ignore[attr-defined]
    made.locking = lambda descriptor, _mode, _bytes: lock(descriptor, exclusive)  # type: ignore[attr-defined]
    return made


def hide() -> None:
    """Take away what Windows does not have."""
    for name in _FIRST:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    sys.modules["msvcrt"] = _msvcrt()
    for module, names in _NAMES.items():
        for name in names.split():
            vars(sys.modules[module]).pop(name, None)
    # What Windows starts processes with is not hidden, so its stand-in may be this system's other way.
    sys.modules["subprocess"]._USE_POSIX_SPAWN = False  # type: ignore[attr-defined]
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Hidden())
    for module in ("pathlib", "pathlib._local"):
        if module in sys.modules:
            vars(sys.modules[module])["WindowsPath"] = sys.modules["pathlib"].PosixPath
    # Here it asks the terminal, there the system.
    sys.modules["os"].getlogin = lambda: "dustin"  # type: ignore[attr-defined]
    sys.platform = "win32"
    sys.modules["os"].name = "nt"  # type: ignore[attr-defined]


if __name__ == "__main__":
    hide()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
