"""The plain ``get`` without argparse, for those that no agent answers; see `strongroom.agent_read`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.doors.cli.commands.get import Arguments


def read_get(words: "Sequence[str]") -> "Arguments | None":
    """The arguments of ``get PATH [FIELD]`` with ``--vault``, ``--key-file``, ``--identity``, ``--no-agent`` anywhere.

    Returns: None for every other command line, also for a wrong one.
    """
    from strongroom.agent_read import split_get

    split = split_get(words)
    if split is None:
        return None
    from strongroom.doors.cli.commands.get import Arguments

    plain, options = split
    arguments = Arguments()
    arguments.path = plain[1]
    arguments.field = plain[2] if len(plain) == 3 else None
    for attribute, setting in options.items():
        setattr(arguments, attribute, setting)
    return arguments
