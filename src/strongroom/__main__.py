"""``python -m strongroom``: the command line, for where the script is not on PATH; and the agent's process.

The command line starts the agent by running this again with other words, not by importing it: one
door does not know another, and the agent begins in a process whose memory was never used for anything else.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def _leave_bundle() -> None:
    """In a one-file executable: what is started from here is a program of its own.

    The executable unpacks itself into a directory that goes when it ends, and tells the programs that it
    starts: another of itself would share the directory, and an agent outlive it; a stranger would load
    this program's libraries in the place of the system's.
    Source: PyInstaller's manual, "Using sys.executable to spawn subprocesses" and "LD_LIBRARY_PATH considerations".
    """
    import os
    import signal

    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    os.environ.pop("LD_LIBRARY_PATH", None)
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    # Ctrl-C comes twice: from the terminal, and handed on by the parent. The second must not interrupt the end.
    signal.signal(signal.SIGINT, _interrupt_once)


def _interrupt_once(_number: int, _frame: object) -> NoReturn:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    if getattr(sys, "frozen", False):
        _leave_bundle()
    if sys.argv[1:2] == ["agent-process"]:
        from strongroom.doors import agent

        agent.main(sys.argv[2:])
    else:
        from strongroom.doors import cli

        cli.main()
