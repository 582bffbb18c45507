"""Where this machine may put what a program has in memory, and whether its clock and SQLite can be trusted."""

from __future__ import annotations

import os

from strongroom.errors import FormatUnsupported
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.locate.memory_files import left_behind
from strongroom.stores.sqlite_driver import SQLITE_VERSION
from strongroom.stores.sqlite_file import refuse_old_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

_FUTURE_SECONDS = 300
# Source: https://sqlite.org/wal.html#walresetbug: fixed in 3.51.3, and in these branches from that patch on.
_WAL_RESET_FIXED = (3, 51, 3)
_WAL_RESET_FIXED_IN = {(3, 44): 6, (3, 50): 7}


def check_machine() -> Iterator[Finding]:
    """Swap space, core dumps, texts in memory and SQLite; what a system does not tell is passed over."""
    yield from judge_swap(_read("/proc/swaps"), is_encrypted)
    yield from judge_core_dumps(_read("/proc/sys/kernel/core_pattern"), _core_limit())
    for path in left_behind():
        yield Finding("edit", f"an edit that was killed left its text in memory, at {path}", f"rm -r {path}")
    try:
        refuse_old_library()
    except FormatUnsupported as error:
        yield from_error("sqlite", error)
        return
    yield from judge_sqlite(SQLITE_VERSION)


def judge_swap(listed: str, is_encrypted: Callable[[str], bool]) -> Iterator[Finding]:
    """What /proc/swaps means for memory.

    Args:
        listed: its text; empty when there is none.
        is_encrypted: whether what is written to the device at a path is encrypted.

    Source: proc_swaps(5).
    """
    names = [line.split()[0] for line in listed.splitlines()[1:] if line.split()]
    # zram is compressed memory, and never reaches a disk unless somebody gave it one.
    plain = [name for name in names if not os.path.basename(name).startswith("zram") and not is_encrypted(name)]
    if plain:
        yield Finding(
            "swap",
            f"memory may be swapped out to {', '.join(plain)}, which is not known to be encrypted",
            "sudo swapoff -a, or encrypt the swap space",
        )


def judge_core_dumps(pattern: str, limit: int | None) -> Iterator[Finding]:
    """Whether a crash writes memory to a file.

    Args:
        pattern: /proc/sys/kernel/core_pattern; empty when there is none.
        limit: bytes that a core file may have; None when unknown, -1 for no limit.

    Source: core(5): a dump that is piped to a program does not heed the limit.
    """
    if pattern.startswith("|"):
        program = pattern[1:].split(" ")[0]
        yield Finding(
            "core dumps",
            f"a crash hands this program's memory to {program}, whatever the limit for core files says",
            "sudo sysctl -w kernel.core_pattern=core, and: ulimit -c 0",
        )
    elif limit:
        yield Finding("core dumps", "a crash writes this program's memory to a core file", "ulimit -c 0")


def judge_sqlite(version: str) -> Iterator[Finding]:
    """Whether this SQLite can damage a vault that several programs write to.

    Args:
        version: such as ``"3.40.1"``.
    """
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    fixed_in = _WAL_RESET_FIXED_IN.get((major, minor))
    if (major, minor, patch) >= _WAL_RESET_FIXED or (fixed_in is not None and patch >= fixed_in):
        return
    yield Finding(
        "sqlite",
        f"SQLite {version} has a rare fault that can damage a database to which several programs write at once "
        "(sqlite.org/wal.html#walresetbug), unless your system has mended it",
        "use a Python with SQLite 3.51.3 or newer, and keep backups: strongroom backup FILE",
    )


def judge_clock(newest: datetime, now: datetime, what: str) -> Iterator[Finding]:
    """Whether something was written in the future.

    Args:
        newest: when, by the writer's clock.
        now: by this machine's.
        what: which writing it was.
    """
    ahead = (newest - now).total_seconds()
    if ahead > _FUTURE_SECONDS:
        yield Finding(
            "clock",
            f"{what} was written {_long(ahead)} in the future: this clock is slow, or the writer's was fast, "
            "and values expire too late or too early",
            "timedatectl status",
        )


def is_encrypted(device: str) -> bool:
    """Whether the block device at *device* is one of dm-crypt."""
    name = os.path.basename(os.path.realpath(device))
    return _read(f"/sys/block/{name}/dm/uuid").startswith("CRYPT-")


def _long(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} seconds"


def _core_limit() -> int | None:
    try:
        from resource import RLIMIT_CORE, getrlimit
    except ImportError:
        return None  # Windows
    return getrlimit(RLIMIT_CORE)[0]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""  # another system, or a container that hides it
