"""How the agent's process is started: which words, which environment, and how one waits for it.

It is this program again, in a new process whose allocator overwrites what it frees. That has to be
chosen before the interpreter starts, so even the foreground agent is started by an exec.
"""

from __future__ import annotations

import os
import sys

from strongroom.errors import (
    Denied,
    FormatUnsupported,
    StoreUnavailable,
    StrongroomError,
    Tampered,
    UnsafePermissions,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

SCRUBBING = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=165",
}
"""The C library's allocator overwrites what is freed: with it no residue of a key was found. Source: mallopt(3)."""

START_SECONDS = 20.0
_WORD = "agent-process"
# Source: docs/cli.md#exit-codes; a conflict is an agent that runs already, which whoever asks finds.
_REASONS: dict[int, type[StrongroomError]] = {5: Denied, 7: Tampered, 9: UnsafePermissions, 14: FormatUnsupported}


def program() -> list[str]:
    """The words that start this program again, from anywhere."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    # -P: what lies in the current directory is not this program.
    return [sys.executable, "-P", "-m", "strongroom"]


def can_choose_allocator() -> bool:
    """Whether `SCRUBBING` has an effect: the interpreter of a one-file executable does not read the environment."""
    return not getattr(sys, "frozen", False)


def command(options: Sequence[str]) -> list[str]:
    """The argument list of the agent's process.

    Args:
        options: for `doors.agent.arguments.parse`.
    """
    return [*program(), _WORD, *options]


def become_agent(options: Sequence[str]) -> NoReturn:
    """Turn this process into the agent.

    Raises: StoreUnavailable: the system refuses, or has no agents.
    """
    from strongroom.locate.agent_sockets import check_agents_exist

    check_agents_exist()
    words = command(options)
    try:
        os.execve(words[0], words, os.environ | SCRUBBING)  # noqa: S606 - this program itself  # nosec B606
    except OSError as error:
        raise StoreUnavailable(f"cannot start {words[0]}: {(error.strerror or '').lower()}") from None


def start_agent(options: Sequence[str]) -> int:
    """Start the agent in a session of its own, and wait until it serves.

    What it says until then on its standard error is said here, so that it can say why it does not start. It is
    not given this process's own: of a one-file executable a parent stays, with everything that it was given.

    Returns: its process id.
    Raises:
        Denied, Tampered, UnsafePermissions, FormatUnsupported: it ended, for this reason; it has said more.
        StoreUnavailable: it ended for another one, or took longer than 20 seconds; or the system has no agents.
    """
    from strongroom.locate.agent_sockets import check_agents_exist

    check_agents_exist()
    reads, writes = os.pipe()
    said, says = os.pipe()
    try:
        try:
            pid = _spawn([*options, "--ready-fd", str(writes)], writes, says)
        finally:
            os.close(writes)
            os.close(says)
        is_ready = _is_ready(reads, said)
    finally:
        os.close(reads)
        os.close(said)
    if is_ready:
        return pid
    if is_ready is None:
        raise StoreUnavailable(f"the agent does not answer within {START_SECONDS:.0f} seconds; its process is {pid}")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    raise _REASONS.get(code, StoreUnavailable)("the agent did not start", advice="see why: strongroom agent")


def _spawn(options: Sequence[str], kept: int, error: int) -> int:
    words = command(options)
    os.set_inheritable(kept, True)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, mine, theirs) for mine, theirs in ((nothing, 0), (nothing, 1), (error, 2))]
        return os.posix_spawn(words[0], words, os.environ | SCRUBBING, file_actions=actions, setsid=True)
    except OSError as problem:
        raise StoreUnavailable(f"cannot start {words[0]}: {(problem.strerror or '').lower()}") from None
    finally:
        os.close(nothing)


def _is_ready(ready: int, said: int) -> bool | None:
    """Wait for a byte on *ready*, and pass on what is *said*; False at their end, None when none came in time."""
    from select import select
    from time import monotonic

    deadline = monotonic() + START_SECONDS
    watched = [ready, said]
    while watched:
        found, _, _ = select(watched, [], [], max(0.0, deadline - monotonic()))
        if not found:
            return None
        for one in found:
            data = os.read(one, 64 * 1024)
            if one == ready and data:
                return True
            if data:
                _complain(data)
            else:
                watched.remove(one)
    return False


def _complain(data: bytes) -> None:
    try:
        os.write(2, data)
    except OSError:
        return  # nobody listens; the exit code says it as well
