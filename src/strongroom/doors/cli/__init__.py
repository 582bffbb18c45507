"""The command line door: a thin one, one file per command under `commands`.

`main` is what the ``strongroom`` script calls. A plain ``get`` is read off the argument
list by hand (`quick`), because argparse alone costs a fifth of the whole read.
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
    import os
    import sys

    words = sys.argv[1:] if arguments is None else list(arguments)
    written = 0
    value = None
    try:
        from strongroom.doors.cli.quick import read_through_agent

        value = read_through_agent(words)
        if value is not None:
            written = os.write(1, value)
            if written == len(value):
                # The interpreter's own end would take as long as the read.
                os._exit(0)
    except KeyboardInterrupt:
        from strongroom.doors.cli.running import leave_interrupted

        leave_interrupted()
    except OSError:
        pass  # Nobody reads the output any more, or not at this moment: `running` says which.
    from strongroom.doors.cli.running import run_and_leave, write_and_leave

    if value is not None:
        write_and_leave(memoryview(value)[written:])
    run_and_leave(words)
