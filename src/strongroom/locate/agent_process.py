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


def command(options: Sequence[str]) -> list[str]:
    """The argument list of the agent's process.

    Args:
        options: for `doors.agent.arguments.parse`.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, _WORD, *options]
    # -P: what lies in the current directory is not this program.
    return [sys.executable, "-P", "-m", "strongroom", _WORD, *options]


def become_agent(options: Sequence[str]) -> NoReturn:
    """Turn this process into the agent.

    Raises: StoreUnavailable: the system refuses, or has no agents.
    """
    from strongroom.locate.agent_sockets import check_agents_exist

    check_agents_exist()
    words = command(options)
    try:
        os.execve(words[0], words, os.environ | SCRUBBING)  # noqa: S606 - this program itself
    except OSError as error:
        raise StoreUnavailable(f"cannot start {words[0]}: {(error.strerror or '').lower()}") from None


def start_agent(options: Sequence[str]) -> int:
    """Start the agent in a session of its own, and wait until it serves.

    Its standard error is this process's until then, so that it can say why it does not start.

    Returns: its process id.
    Raises:
        Denied, Tampered, UnsafePermissions, FormatUnsupported: it ended, for this reason; it has said more.
        StoreUnavailable: it ended for another one, or took longer than 20 seconds; or the system has no agents.
    """
    from strongroom.locate.agent_sockets import check_agents_exist

    check_agents_exist()
    import select

    reads, writes = os.pipe()
    try:
        os.set_inheritable(writes, True)
        words = command([*options, "--ready-fd", str(writes)])
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, nothing, 1)]
            pid = os.posix_spawn(words[0], words, os.environ | SCRUBBING, file_actions=actions, setsid=True)
        except OSError as error:
            raise StoreUnavailable(f"cannot start {words[0]}: {(error.strerror or '').lower()}") from None
        finally:
            os.close(nothing)
            os.close(writes)
        ready, _, _ = select.select([reads], [], [], START_SECONDS)
        if ready and os.read(reads, 1):
            return pid
    finally:
        os.close(reads)
    if not ready:
        raise StoreUnavailable(f"the agent does not answer within {START_SECONDS:.0f} seconds; its process is {pid}")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    raise _REASONS.get(code, StoreUnavailable)("the agent did not start", advice="see why: strongroom agent")
