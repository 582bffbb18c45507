"""``strongroom ls``: the names in a folder."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_folder, open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "list the names in a folder"
WORDS = "[PREFIX]"
DETAILS = "Folders end with a slash. Without PREFIX it is the top folder.\n"


class Arguments(GlobalArguments):
    """What ``ls`` was given."""

    prefix: str = ""
    recursive: bool = False
    deleted: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add ``--recursive`` and ``--deleted``."""
    parser.add_argument("-r", "--recursive", action="store_true", default=False, help="every item's whole path below")
    parser.add_argument("--deleted", action="store_true", default=False, help="also what was deleted, to be restored")


def run(arguments: Arguments) -> int:
    """Print the names, sorted, one a line."""
    prefix = checked_folder(arguments.prefix)
    with open_vault(arguments) as vault:
        ask = vault.walk if arguments.recursive else vault.list
        names = list(ask(prefix, deleted=arguments.deleted))
    if arguments.json:
        output.json(names)
    else:
        output.lines(names)
    return 0
