"""The command line door: a thin one, one file per command under `commands`.

`main` is what ``python -m strongroom`` calls. A plain ``get`` is read off the argument
list by hand (`strongroom.agent_read`), because argparse alone costs a fifth of the whole read.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(arguments: "Sequence[str] | None" = None) -> "NoReturn":
    """Run one command and leave the process with its exit code.

    Args:
        arguments: the words after the program's name; None for this process's own.
    """
    from strongroom.agent_read import main as read_or_run

    read_or_run(arguments)
