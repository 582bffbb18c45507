"""``strongroom unlock``: open the vault once, for every program of yours, until it is locked again."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.agents import AgentControl
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import expected_of, location_of
from strongroom.remote.connection import NoAgent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

SUMMARY = "open the vault for programs, through its agent"
WORDS = ""
DETAILS = """\
Starts an agent if none runs, and returns when it serves; the agent stays when you log out.
The passphrase, or one share after another, is asked for on a terminal; a passphrase is also
read as one line from standard input; a key file or the OS keyring is used when there is one.
--for and --idle wipe the keys after a time.
"""
EXAMPLES = """\
strongroom unlock
strongroom unlock --for 8h --idle 30m
"""


class Arguments(GlobalArguments):
    """What ``unlock`` was given."""

    life: timedelta | None = None
    idle: timedelta | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--for`` and ``--idle``."""
    from strongroom.doors.cli.spans import span

    parser.add_argument("--for", dest="life", metavar="TIME", type=span, default=None, help="lock after TIME, as in 8h")
    parser.add_argument("--idle", metavar="TIME", type=span, default=None, help="lock after TIME without use")


def run(arguments: Arguments) -> int:
    """Unlock, or start an agent and unlock it; an agent that was started for nothing is stopped."""
    from functools import partial

    from strongroom.doors.cli.unlocking import is_needed, unlock_somehow

    location = location_of(arguments)
    agent = AgentControl(location)
    was_started = _start_if_none(agent)
    life, idle = _seconds(arguments.life), _seconds(arguments.idle)
    asks = partial(is_needed, agent, expected_of(arguments), has_times=life is not None or idle is not None)
    unlock = partial(agent.unlock, life=life, idle=idle, expected=expected_of(arguments))
    try:
        was_unlocked = unlock_somehow(arguments, location, unlock, is_needed=asks)
    except BaseException:
        if was_started:
            agent.call("POST", "stop")
        raise
    if arguments.json:
        output.json(agent.status())
    elif was_unlocked:
        output.note(f"unlocked {location}{_until(arguments)}")
        for note in _notes(agent):
            output.note(note)
    return 0


def _start_if_none(agent: AgentControl) -> bool:
    from strongroom.errors import StoreUnavailable, VaultNotFound
    from strongroom.locate.addresses import is_path
    from strongroom.locate.agent_process import start_agent

    try:
        agent.call("GET", "status")
        return False
    except NoAgent:
        pass
    if is_path(agent.location):
        from os.path import exists

        if not exists(agent.location):
            raise VaultNotFound(f"there is no vault {agent.location}", advice="make one: strongroom init")
    try:
        start_agent(["--vault", agent.location])
    except StoreUnavailable as error:
        # Somebody else may have started one at the same moment.
        try:
            agent.call("GET", "status")
        except NoAgent:
            raise error from None
        return False
    return True


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _until(arguments: Arguments) -> str:
    ends = []
    if arguments.life is not None:
        ends.append(f"for {_shown(arguments.life)}")
    if arguments.idle is not None:
        ends.append(f"until it is not used for {_shown(arguments.idle)}")
    return f" {' and '.join(ends)}" if ends else ""


def _shown(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}{'s' if seconds > size else ''}"
    return f"{seconds} seconds"


def _notes(agent: AgentControl) -> list[str]:
    notes = agent.status().get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []
