"""``strongroom require``: make sure that fields are there, and ask a person for the missing ones."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_field, checked_path, open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "make sure that fields are there; asks on a terminal for the missing ones"
WORDS = "PATH FIELD..."
DETAILS = """\
Exit 0 when all of them are there. Without a terminal a missing one is exit 8, so a script
can begin with it. It prints no values.
"""


class Arguments(GlobalArguments):
    """What ``require`` was given."""

    path: str
    field: list[str]


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Check, ask, store."""
    path = checked_path(arguments.path)
    names = [checked_field(name) for name in arguments.field]
    with open_items(arguments) as vault:
        item = vault.require(path, *names)
    if arguments.json:
        output.json({"path": path, "version": item.version.number, "fields": names})
    else:
        output.note(f"{path} has {', '.join(names)}")
    return 0
