"""``strongroom require``: make sure that fields are there, and ask a person for the missing ones."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_field, checked_path, open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "make sure that fields are there; a terminal is asked"
WORDS = "[PATH] [FIELD...]"
DETAILS = """\
Exit 0 when all of them are there. Without a terminal a missing one is exit 8, so a script
can begin with it. It prints no values. --from takes the names of a .env file without values, such
as .env.example, as the fields of PATH (default: the folder's and the file's name).
"""
EXAMPLES = """\
strongroom require bank/checking username password
strongroom require bank/checking --from .env.example
"""


class Arguments(GlobalArguments):
    """What ``require`` was given."""

    path: str | None = None
    field: list[str]
    from_file: str | None = None
    dialect: str = "python-dotenv"

    def __init__(self) -> None:
        self.field = []


def add_options(parser: ArgumentParser) -> None:
    """Add ``--from`` and ``--dialect``."""
    from strongroom.formats.dotenv import DIALECTS

    parser.add_argument("--from", dest="from_file", metavar="FILE", help="the names that FILE has no values for")
    parser.add_argument("--dialect", choices=DIALECTS, default="python-dotenv", help="whose .env file it is")


def run(arguments: Arguments) -> int:
    """Check, ask, store."""
    wanted = _wanted(arguments)
    done = []
    with open_items(arguments) as vault:
        for path, names in wanted.items():
            item = vault.require(path, *names)
            done.append({"path": path, "version": item.version.number, "fields": names})
    if arguments.json:
        output.json(done if arguments.from_file is not None else done[0])
        return 0
    for path, names in wanted.items():
        output.note(f"{path} has {', '.join(names)}")
    if not wanted:
        output.note(f"{arguments.from_file} asks for nothing")
    return 0


def _wanted(arguments: Arguments) -> dict[str, list[str]]:
    """Item -> its fields that are to be there."""
    if arguments.from_file is not None:
        from strongroom.doors.cli.foreign_files import wanted_by_example

        if arguments.field:
            raise UsageError("--from takes the fields from the file; name none beside it")
        target = None if arguments.path is None else checked_path(arguments.path)
        return wanted_by_example(arguments.from_file, dialect=arguments.dialect, target=target)
    if arguments.path is None or not arguments.field:
        missing = "PATH" if arguments.path is None else "FIELD"
        raise UsageError(f"require needs {missing}", advice="strongroom require PATH FIELD...")
    return {checked_path(arguments.path): [checked_field(name) for name in arguments.field]}
