"""``strongroom agent``: run the agent in the foreground; its status; its end; its systemd unit."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.agents import AgentControl
from strongroom.doors.cli.exit_codes import OK, UsageError, exit_code
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import location_of
from strongroom.errors import VaultLocked
from strongroom.remote.connection import NoAgent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

SUMMARY = "run the agent in the foreground; see it, stop it, install it"
WORDS = "[ACTION]"
DETAILS = """\
  agent            run it; unlocked by --key-file, a systemd credential or what else is at hand
  agent status     what it holds, for how long, and how it is protected; exit 3 when locked
  agent stop       end it; the keys are wiped
  agent install    write a systemd unit: --user for yourself, --system for the machine

Started as root with --user NAME it reads the key file, becomes NAME for good and can read
it no longer; only then it serves.
"""
EXAMPLES = """\
strongroom agent status
strongroom agent install --user
strongroom agent stop
"""


class Arguments(GlobalArguments):
    """What ``agent`` was given."""

    action: str | None = None
    life: timedelta | None = None
    idle: timedelta | None = None
    socket: str | None = None
    audit_dir: str | None = None
    user: str | None = None
    system: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add what the agent may be told."""
    from strongroom.doors.cli.spans import span

    parser.add_argument("--for", dest="life", metavar="TIME", type=span, default=None, help="lock after TIME, as in 8h")
    parser.add_argument("--idle", metavar="TIME", type=span, default=None, help="lock after TIME without use")
    parser.add_argument("--socket", metavar="FILE", default=None, help="listen there instead of the usual place")
    parser.add_argument("--audit-dir", metavar="DIR", default=None, help="keep the audit files there")
    parser.add_argument("--user", metavar="NAME", nargs="?", const="", default=None, help="become NAME before serving")
    parser.add_argument("--system", action="store_true", default=False, help="install for the machine")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    actions = {None: _run, "status": _status, "stop": _stop, "install": _install}
    if arguments.action not in actions:
        from strongroom.doors.cli.actions import no_action

        raise no_action("agent", arguments.action or "", [action for action in actions if action])
    return actions[arguments.action](arguments)


def _run(arguments: Arguments) -> int:
    from strongroom.locate.addresses import expand_user
    from strongroom.locate.agent_process import become_agent

    if arguments.user == "":
        raise UsageError("--user takes a name here")
    given = {
        "--vault": location_of(arguments),
        "--socket": None if arguments.socket is None else os.path.abspath(arguments.socket),
        "--key-file": None if arguments.key_file is None else os.path.abspath(expand_user(arguments.key_file)),
        "--audit-dir": None if arguments.audit_dir is None else os.path.abspath(arguments.audit_dir),
        "--user": arguments.user,
        "--for": None if arguments.life is None else int(arguments.life.total_seconds()),
        "--idle": None if arguments.idle is None else int(arguments.idle.total_seconds()),
        "--expect-counter": arguments.expect_counter,
        "--expect-vault": arguments.expect_vault,
    }
    become_agent([str(word) for name, value in given.items() if value is not None for word in (name, value)])


def _status(arguments: Arguments) -> int:
    from strongroom.doors.cli.agent_status import show

    agent = AgentControl(location_of(arguments))
    try:
        status = agent.status()
    except NoAgent as error:
        status = {"running": False, "left_behind": agent.is_left_behind(), "vault": agent.location}
        show(status, as_json=arguments.json)
        return exit_code(error)
    show({"running": True, **status}, as_json=arguments.json)
    return exit_code(VaultLocked("")) if status["locked"] else OK


def _stop(arguments: Arguments) -> int:
    agent = AgentControl(location_of(arguments))
    try:
        agent.call("POST", "stop")
    except NoAgent:
        output.note("no agent runs for this vault")
        return OK
    output.note(f"stopped the agent of {agent.location}")
    return OK


def _install(arguments: Arguments) -> int:
    from strongroom.doors.cli.units import install

    install(arguments, location_of(arguments), is_system=arguments.system, user=arguments.user)
    return OK
