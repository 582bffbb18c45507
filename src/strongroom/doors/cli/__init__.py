"""The command line door: a thin one, one file per command under `commands`.

`main` is what the ``strongroom`` script calls. A plain ``get`` is read off the argument
list by hand (`quick`), because argparse alone costs a fifth of the whole read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave the process with its exit code.

    Args:
        arguments: the words after the program's name; None for this process's own.
    """
    from strongroom.doors.cli.running import run_and_leave

    if arguments is None:
        import sys

        arguments = sys.argv[1:]
    run_and_leave(list(arguments))
