"""``strongroom deposit``: write to a vault that one cannot read, and for its key holders: what was written so."""

from __future__ import annotations

from strongroom.doors.cli.commands import set as set_command
from strongroom.doors.cli.exit_codes import OK, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write to a vault that one cannot read; accept what was"
WORDS = "ACTION [WORD...]"
DETAILS = """\
  deposit PATH [FIELD...]         leave an item for the vault; FIELD is as in "strongroom set"
  deposit list                    what waits in the inbox, and why
  deposit accept [ID]             take in what is in order; with ID, that one on your word
  deposit discard ID              remove one from the inbox
  deposit add-key NAME PATTERN...  make a depositor, whose key goes to --out FILE
  deposit keys                    the depositors
  deposit remove-key NAME         take a depositor away

A depositor's key (--deposit-key, else STRONGROOM_DEPOSIT_KEY) writes to the paths of its patterns
and opens nothing. Without one a deposit goes through the vault's agent, if a grant allows it.
An item called like an action is deposited by a program: strongroom.Depositor.
"""
EXAMPLES = """\
strongroom deposit add-key scanner 'inbox/**' --out scanner.key
strongroom deposit inbox/found token --generate --deposit-key scanner.key
strongroom deposit list
"""
_GRAMMARS = {
    "list": "",
    "accept": "[ID]",
    "discard": "ID",
    "add-key": "NAME PATTERN...",
    "keys": "",
    "remove-key": "NAME",
}


class Arguments(set_command.Arguments):
    """What ``deposit`` was given."""

    action: str
    word: list[str]
    id: str = ""
    name: str
    pattern: list[str]
    deposit_key: str | None = None
    out: str | None = None
    group: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.word = []


def add_options(parser: ArgumentParser) -> None:
    """Add where values come from, and what a new depositor gets."""
    from strongroom.doors.cli.arguments import positive_number

    parser.add_argument("--deposit-key", metavar="FILE", default=None, help="the depositor's file")
    parser.add_argument(
        "--field-file", metavar="NAME=FILE", action="append", default=[], help="deposit the bytes of FILE as NAME"
    )
    parser.add_argument("--generate", action="store_true", default=False, help="make up the value of each bare name")
    parser.add_argument("--length", metavar="N", type=positive_number, help="characters to generate (default: 32)")
    parser.add_argument("--out", metavar="FILE", default=None, help="where add-key writes the new depositor's file")
    parser.add_argument("--group", metavar="NAME", default=None, help="whose members may write to the inbox")


def run(arguments: Arguments) -> int:
    """Do what ACTION says, or deposit at that path."""
    from strongroom.doors.cli import deposits
    from strongroom.doors.cli.arguments import take_words

    grammar = _GRAMMARS.get(arguments.action)
    if grammar is None:
        _refuse_misspelt(arguments)
        arguments.path, arguments.field = arguments.action, arguments.word
        return deposits.leave(arguments)
    take_words(f"deposit {arguments.action}", grammar, arguments.word, arguments)
    if arguments.action == "add-key":
        if not arguments.out:
            raise UsageError(
                "deposit add-key needs --out FILE", advice="strongroom deposit add-key NAME PATTERN... --out FILE"
            )
        return deposits.add_key(arguments)
    actions = {
        "list": deposits.show_pending,
        "accept": deposits.accept,
        "discard": deposits.discard,
        "keys": deposits.show_keys,
        "remove-key": deposits.remove_key,
    }
    actions[arguments.action](arguments)
    return OK


def _refuse_misspelt(arguments: Arguments) -> None:
    """`deposit lst` is no item: a mistake here would be written into the inbox under that name."""
    from strongroom.doors.cli.actions import nearest_action

    if arguments.word or arguments.field_file or arguments.json or "/" in arguments.action:
        return
    if near := nearest_action("deposit", arguments.action, _GRAMMARS):
        raise UsageError(
            "deposit has no such action",
            advice=f"did you mean: {near}\nan item of that name: strongroom deposit {arguments.action} password",
        )
