"""``strongroom grant``: what other users may do through the agent: list, add, remove, test."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, exit_code
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault
from strongroom.errors import Denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

    from strongroom.vault.vault import Vault

_RULES = ("create", "read", "update", "delete", "list", "deposit", "deny")
SUMMARY = "what other users may do through the agent"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  grant list                  what is granted, and to whom
  grant add NAME              to --user or --group: --read 'sites/**', --deposit 'inbox/*' ...
  grant remove NAME           take away all grants of this name
  grant test PATH CAPABILITY  whether --user may do it, and why; exit 5 when not

A pattern is a path: * is one component, ** at the end one or more; sites/ is the list of a
folder. The vault's owner may do everything, others what is granted; a denial always wins.
--executable and --unit narrow a grant and stop nobody who runs code as that user.
"""
EXAMPLES = """\
strongroom grant add web --user www-data --read 'sites/**'
strongroom grant test sites/shop read --user www-data
strongroom grant list
strongroom grant remove web
"""
_GRAMMARS = {"list": "", "add": "NAME", "remove": "NAME", "test": "PATH CAPABILITY"}
class Arguments(GlobalArguments):
    """What ``grant`` was given."""

    action: str = "list"
    word: list[str]
    name: str
    path: str
    capability: str
    user: str | None = None
    group: str | None = None
    executable: str | None = None
    unit: str = ""
    lifetime: timedelta | None = None

    def __init__(self) -> None:
        self.word = []


def add_options(parser: ArgumentParser) -> None:
    """Add whom a grant is for, what it grants, and what narrows it."""
    from strongroom.doors.cli.spans import span

    parser.add_argument("--user", metavar="NAME", default=None, help="the user, by name or number")
    parser.add_argument("--group", metavar="NAME", default=None, help="the group, by name or number")
    for rule in _RULES:
        parser.add_argument(
            f"--{rule}", metavar="PATTERN", dest=f"rule_{rule}", action="append", default=[], help=f"paths to {rule}"
        )
    parser.add_argument("--executable", metavar="FILE", default=None, help="only for this program of root's")
    parser.add_argument("--unit", metavar="UNIT", default="", help="only for this systemd system unit")
    parser.add_argument("--for", metavar="SPAN", dest="lifetime", type=span, default=None, help="ends after, as in 30d")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli.actions import take_action

    take_action("grant", _GRAMMARS, arguments)
    with open_vault(arguments) as vault:
        return {"list": _list, "add": _add, "remove": _remove, "test": _test}[arguments.action](arguments, vault)


def _list(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.grants import as_json, row_of

    grants = vault.grants()
    if arguments.json:
        output.json([as_json(grant) for grant in grants])
    else:
        output.table(
            ("NAME", "WHO", "MAY", "WHERE", "ONLY", "UNTIL"),
            [row_of(grant) for grant in grants],
            none="no grants yet: strongroom grant add NAME --user NAME --read PATTERN",
        )
    return OK


def _add(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.grants import add, as_json

    added = add(vault, arguments, {rule: getattr(arguments, f"rule_{rule}") for rule in _RULES})
    if arguments.json:
        output.json([as_json(grant) for grant in added])
    else:
        output.note(f"added the grant {arguments.name} for {added[0].subject} {added[0].shown or added[0].subject_id}")
    return OK


def _remove(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.grants import as_json

    removed = vault.remove_grant(arguments.name)
    if arguments.json:
        output.json([as_json(grant) for grant in removed])
    else:
        output.note(f"removed the grant {removed[0].name}")
    return OK


def _test(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.grants import decision

    found = decision(vault, arguments, arguments.path, arguments.capability)
    if arguments.json:
        output.json({"allowed": found.allowed, "reason": found.reason})
    else:
        output.line(f"{'allowed' if found.allowed else 'denied'}: {found.reason}")
    return OK if found.allowed else exit_code(Denied("denied"))
