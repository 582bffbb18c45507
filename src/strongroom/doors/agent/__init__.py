"""The agent door: a process of its own that holds one vault open for programs on this machine.

Started by the command line through its own executable, never imported by it. Read `agent.py`
first, then `server.py`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(words: Sequence[str]) -> NoReturn:
    """Be the agent until it is stopped, and leave the process.

    Args:
        words: for `arguments.parse`.
    """
    import os

    from strongroom.doors.agent.agent import run

    os._exit(run(words))
