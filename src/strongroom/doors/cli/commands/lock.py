"""``strongroom lock``: have the agent wipe the keys."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.agents import AgentControl
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import location_of
from strongroom.remote.connection import NoAgent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "have the agent wipe the keys"
WORDS = ""
DETAILS = "Programs that ask a locked agent end with exit code 3 and the name of the command unlock.\n"
EXAMPLES = """\
strongroom lock
"""


class Arguments(GlobalArguments):
    """What ``lock`` was given."""


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Lock; without an agent there is nothing to lock."""
    location = location_of(arguments)
    try:
        AgentControl(location).call("POST", "lock")
    except NoAgent:
        output.note("no agent runs for this vault, so nothing holds its keys")
        return 0
    output.note(f"locked {location}")
    return 0
