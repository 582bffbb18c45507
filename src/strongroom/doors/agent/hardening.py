"""What the agent does to its own process before it holds anything secret, and what of it worked.

The allocator was chosen by whoever started this process: see `locate.agent_process`. Each
protection is reported as obtained or not, and never assumed: `strongroom agent status` shows the list.
"""

from __future__ import annotations

import os

from strongroom.locate.agent_process import SCRUBBING, can_choose_allocator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from strongroom.doors.agent.system import System

KEPT = (
    *("HOME", "PATH", "XDG_STATE_HOME", "XDG_DATA_HOME", "STRONGROOM_KEYRING", "DBUS_SESSION_BUS_ADDRESS"),
    # Where a database is, and the file with its password: connections are made anew as long as the agent runs.
    *("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE"),
    *("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL", "PGSYSCONFDIR", "PGTARGETSESSIONATTRS"),
)
"""What of the environment is still needed once the agent serves; none of it is secret."""


def harden(system: System) -> dict[str, bool]:
    """Protect this process; call it first.

    Returns: which protections were obtained, by name.
    """
    return {
        "scrubbing_allocator": can_choose_allocator()
        and all(os.environ.get(name) == wanted for name, wanted in SCRUBBING.items()),
        "no_core_dumps": _forbid_core_dumps(),
        "not_dumpable": system.hide_from_debuggers(),
        "no_new_privileges": system.refuse_new_privileges(),
    }


def _forbid_core_dumps() -> bool:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def allow_descriptors(wanted: int) -> int:
    """Raise the limit of open files as far as is allowed, up to *wanted*; the limit that holds."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (OSError, ValueError):
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft


def wipe_environment(system: System, keep: Iterable[str] = KEPT) -> bool:
    """Forget the environment, and overwrite the place where the kernel put it at the start.

    Args:
        keep: the variables that stay.

    Returns: whether the place was found; it is what ``/proc/PID/environ`` shows.
    """
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    for name in list(os.environ):
        del os.environ[name]
    # Python's first copy, of which `os.environ` is another.
    __import__("posix").environ.clear()
    try:
        start, end = _environment_range()
    except (OSError, ValueError, IndexError):
        return False
    finally:
        os.environ.update(kept)
    if not 0 < start < end:
        return False
    system.overwrite(start, end - start)
    return True


def _environment_range() -> tuple[int, int]:
    """Fields 50 and 51 of proc_pid_stat(5); the second field may hold spaces and closing brackets."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[47]), int(fields[48])
