"""``python -m strongroom``: the command line, for where the script is not on PATH; and the agent's process.

The command line starts the agent by running this again with other words, not by importing it: one
door does not know another, and the agent begins in a process whose memory was never used for anything else.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["agent-process"]:
        from strongroom.doors import agent

        agent.main(sys.argv[2:])
    else:
        from strongroom.doors import cli

        cli.main()
