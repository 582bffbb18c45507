"""``strongroom mv``: rename an item or a folder."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_folder, checked_path, open_items
from strongroom.doors.cli.suggestions import Suggesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "rename an item, or a folder"
WORDS = "SOURCE TARGET"
DETAILS = """\
A SOURCE that ends with a slash is a folder. An item keeps its versions. Nothing is ever
overwritten: a TARGET that exists is a conflict (exit 10).
"""
EXAMPLES = """\
strongroom mv bank/checking bank/everyday
strongroom mv mail/ post/
"""


class Arguments(GlobalArguments):
    """What ``mv`` was given."""

    source: str
    target: str


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Rename it."""
    source, target = arguments.source, arguments.target
    if source.endswith("/"):
        checked_folder(source)
        checked_folder(target)
    else:
        if target.endswith("/"):
            # `mv a/b c/` puts it into the folder, as people are used to.
            target += source.rpartition("/")[2]
        checked_path(source)
        checked_path(target)
    with open_items(arguments) as vault, Suggesting(vault, "mv", source, target):
        try:
            vault.move(source, target)
        except ValueError as error:
            raise UsageError(f"cannot move {source} to {target}: {error}") from None
    if arguments.json:
        output.json({"source": source, "target": target})
    else:
        output.note(f"moved {source} to {target}")
    return 0
