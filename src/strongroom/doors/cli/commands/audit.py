"""``strongroom audit``: who read what through the agent; whether the files are intact; a checkpoint."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.audits import Filter, checkpoints, describe, directory_of, names_of, shown_line
from strongroom.doors.cli.exit_codes import OK
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault
from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import datetime

    from strongroom.vault.vault import Vault

SUMMARY = "who read what through the agent; verify that record"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  audit [list]              the record, oldest first
  audit verify [FILE...]    check every line; FILE is a checkpoint that was kept elsewhere
  audit checkpoint [FILE]   how far the record has come, signed: keep it on another machine

The record holds hashes of paths and field names; whoever can open the vault sees them as
names, if they are in the vault still. What was cut off its end only a checkpoint shows.
"""
EXAMPLES = """\
strongroom audit --since 7d
strongroom audit verify
strongroom audit checkpoint record.checkpoint
"""
_GRAMMARS = {"list": "", "verify": "[FILE...]", "checkpoint": "[FILE]"}


class Arguments(GlobalArguments):
    """What ``audit`` was given."""

    action: str = "list"
    word: list[str]
    file: list[str] | str | None = None
    since: datetime | None = None
    user: str | None = None
    path: str | None = None
    audit_dir: str | None = None

    def __init__(self) -> None:
        self.word = []


def add_options(parser: ArgumentParser) -> None:
    """Add what to show."""
    from strongroom.doors.cli.audits import moment

    parser.add_argument("--since", metavar="TIME", type=moment, default=None, help="from then on: 2h, 7d or 2026-12-31")
    parser.add_argument("--user", metavar="NAME", default=None, help="this user's, by name or number")
    parser.add_argument("--path", metavar="PATH", default=None, help="about this item, or folder with a slash")
    parser.add_argument("--audit-dir", metavar="DIR", default=None, help="where the agent keeps the files")


def run(arguments: Arguments) -> int:
    """Do what ACTION says; the vault is opened here, as an agent gives its keys to nobody."""
    from strongroom.doors.cli.actions import take_action

    take_action("audit", _GRAMMARS, arguments)
    arguments.use_agent = False
    actions = {"list": _list, "verify": _verify, "checkpoint": _checkpoint}
    with open_vault(arguments) as vault:
        return actions[arguments.action](arguments, vault)


def _list(arguments: Arguments, vault: Vault) -> int:
    from strongroom.locate.audit_review import review

    wanted = Filter(vault, since=arguments.since, user=arguments.user, path=arguments.path)
    names = names_of(vault)

    def show(entry: dict[str, object]) -> None:
        if wanted.takes(entry):
            described = describe(entry, names)
            if arguments.json:
                output.json(described)
            else:
                output.line(shown_line(described))

    found = review(vault._core, directory_of(arguments, vault), show=show)
    if found.findings:
        raise Tampered("the audit files are not what was written", findings=tuple(found.findings))
    if not found.entries and output.is_terminal():
        output.note("nothing is written down yet: the vault's agent keeps this record")
        output.hint("start one: strongroom unlock")
    return OK


def _verify(arguments: Arguments, vault: Vault) -> int:
    from strongroom.locate.audit_review import review

    files = arguments.file if isinstance(arguments.file, list) else []
    found = review(vault._core, directory_of(arguments, vault), checkpoints=checkpoints(vault, files))
    for note in found.notes:
        output.note(note)
    if found.findings:
        raise Tampered("the audit files are not what was written", findings=tuple(found.findings))
    if arguments.json:
        output.json({"entries": found.entries, "writers": len(found.newest)})
    else:
        output.line(f"intact: {found.entries} lines of {len(found.newest)} writers")
    return OK


def _checkpoint(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.audits import write_checkpoint

    write_checkpoint(vault, directory_of(arguments, vault), arguments.file)
    return OK
