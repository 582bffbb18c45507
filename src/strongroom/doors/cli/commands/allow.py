"""``strongroom allow``: believe a project's own file with references, as it is now."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "allow a project's own file to name values, until it changes"
WORDS = "[FILE...]"
DETAILS = """\
`run --env-file` and `render` take no file that was not allowed. What is remembered is the
file's content, for this user alone; after any change it has to be allowed again.
"""
EXAMPLES = """\
strongroom allow .env.vault --prefix bank/
strongroom allow --list
strongroom allow --remove .env.vault
"""


class Arguments(GlobalArguments):
    """What ``allow`` was given."""

    file: list[str]
    prefix: list[str]
    list: bool = False
    remove: bool = False

    def __init__(self) -> None:
        self.file = []
        self.prefix = []


def add_options(parser: ArgumentParser) -> None:
    """Add ``--prefix``, ``--list`` and ``--remove``."""
    parser.add_argument(
        "--prefix", metavar="FOLDER", action="append", default=[], help="it may name this item or folder alone"
    )
    parser.add_argument("--list", action="store_true", default=False, help="show what was allowed")
    parser.add_argument("--remove", action="store_true", default=False, help="allow the files no longer")


def run(arguments: Arguments) -> int:
    """Show what a file names, ask, and remember it."""
    from os.path import isdir, join

    from strongroom.doors.cli import allowing
    from strongroom.items import quoted_name

    if arguments.list:
        if arguments.file or arguments.prefix or arguments.remove:
            raise UsageError("--list stands alone")
        return allowing.show(as_json=arguments.json)
    if not arguments.file:
        raise UsageError("allow needs a FILE", advice="strongroom allow .env")
    if arguments.json:
        raise UsageError("only --list has JSON")
    if arguments.remove:
        return allowing.remove(arguments.file)
    prefixes = [checked_path(prefix.removesuffix("/")) for prefix in arguments.prefix]
    for place in arguments.file:
        if isdir(place):
            # As direnv is told, which looks for its one file there.
            raise UsageError(
                f"{place} is a folder; a file is allowed", advice=f"strongroom allow {quoted_name(join(place, '.env'))}"
            )
        if not allowing.allow_file(place, prefixes, arguments):
            output.note(f"{place} is not allowed")
            return 5
    return 0
