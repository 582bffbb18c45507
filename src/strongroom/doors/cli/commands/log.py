"""``strongroom log``: the versions of an item, when they were written and by whom."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items
from strongroom.doors.cli.suggestions import Suggesting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import datetime

    from strongroom.items import Version

SUMMARY = "the versions of an item: when, by whom, in which state"
WORDS = "PATH"
DETAILS = "Oldest first. Times are UTC. Values are not shown: strongroom get PATH --version N.\n"
EXAMPLES = """\
strongroom log bank/checking
"""


class Arguments(GlobalArguments):
    """What ``log`` was given."""

    path: str


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Print the versions."""
    path = checked_path(arguments.path)
    with open_items(arguments) as vault, Suggesting(vault, "log", path):
        versions = vault.history(path)
    if arguments.json:
        from strongroom.doors.cli.fields import describe_version

        output.json([describe_version(version) for version in versions])
        return 0
    output.table(
        ("VERSION", "WRITTEN", "BY", "STATE"),
        [(str(one.number), f"{one.created:%Y-%m-%d %H:%M:%S}", one.author, _state(one)) for one in versions],
    )
    return 0


def _state(version: Version) -> str:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    if version.destroyed:
        return "destroyed"
    ends = []
    if version.deleted is not None:
        ends.append(_when("deleted", "will be deleted", version.deleted, now))
    if version.expires is not None:
        ends.append(_when("expired", "expires", version.expires, now))
    return ", ".join(ends) or "present"


def _when(past: str, future: str, moment: datetime, now: datetime) -> str:
    return f"{past if moment <= now else future} {moment:%Y-%m-%d %H:%M:%S}"
