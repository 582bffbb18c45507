"""``strongroom ls``: the names in a folder."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_folder, open_items
from strongroom.doors.cli.suggestions import Suggesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

    from strongroom.items import Version

SUMMARY = "list the names in a folder"
WORDS = "[PREFIX]"
DETAILS = """\
Folders end with a slash. Without PREFIX it is the top folder. --expiring looks at everything
below, and lists the soonest first; times are UTC.
"""
EXAMPLES = """\
strongroom ls
strongroom ls bank/
strongroom ls -r
strongroom ls --expiring 14d
"""


class Arguments(GlobalArguments):
    """What ``ls`` was given."""

    prefix: str = ""
    recursive: bool = False
    deleted: bool = False
    expiring: timedelta | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--recursive``, ``--deleted`` and ``--expiring``."""
    from strongroom.doors.cli.spans import span

    parser.add_argument("-r", "--recursive", action="store_true", default=False, help="every item's whole path below")
    parser.add_argument("--deleted", action="store_true", default=False, help="also what was deleted, to be restored")
    parser.add_argument("--expiring", metavar="SPAN", type=span, help="what expires within SPAN, such as 14d, and when")


def run(arguments: Arguments) -> int:
    """Print the names, sorted, one a line."""
    prefix = checked_folder(arguments.prefix)
    with open_items(arguments) as vault, Suggesting(vault, "ls", prefix):
        if arguments.expiring is not None:
            return _expiring(arguments, vault.expiring(arguments.expiring, prefix))
        ask = vault.walk if arguments.recursive else vault.list
        names = list(ask(prefix, deleted=arguments.deleted))
    if arguments.json:
        output.json(names)
    else:
        output.lines(names)
    return 0


def _expiring(arguments: Arguments, found: list[tuple[str, Version]]) -> int:
    from strongroom.doors.cli.fields import describe_version

    if arguments.json:
        output.json([{"path": path, **describe_version(version)} for path, version in found])
        return 0
    output.table(
        ("EXPIRES", "ITEM"), [(f"{version.expires:%Y-%m-%d %H:%M:%S}", path) for path, version in found]
    )
    return 0
