"""``strongroom hash``: passwords of a program's own users: hash, verify, describe, calibrate."""

from __future__ import annotations

from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "hash a password for storing, or verify one"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  hash [new]             a new string for a password: typed twice, or one line of standard input
  hash verify FILE       whether a password fits the string in FILE; exit 6 when not
  hash describe FILE     the scheme and cost of the string in FILE, and whether it is outdated
  hash calibrate         the cost that takes --milliseconds (250) for one hash on this machine

Argon2id with 64 MiB and 3 passes, or PBKDF2 with 600,000. FILE's one line is as Django, Werkzeug,
passlib or libpass writes it, or this program. --pepper NAME takes a key of kind hmac of the vault.
"""
EXAMPLES = """\
strongroom hash > stored
strongroom hash verify stored
strongroom hash calibrate --milliseconds 250
"""
_GRAMMARS = {"new": "", "verify": "FILE", "describe": "FILE", "calibrate": ""}


class Arguments(GlobalArguments):
    """What ``hash`` was given."""

    action: str = "new"
    word: list[str]
    file: str
    pbkdf2: bool = False
    memory: int | None = None
    iterations: int | None = None
    lanes: int | None = None
    milliseconds: int | None = None
    pepper: str | None = None

    def __init__(self) -> None:
        self.word = []


def add_options(parser: ArgumentParser) -> None:
    """Add the cost."""
    from strongroom.doors.cli.arguments import positive_number

    parser.add_argument("--pbkdf2", action="store_true", default=False, help="PBKDF2, where rules demand it")
    for option, explained in (
        ("--memory", "MiB for one hash, 19 to 2,048"),
        ("--iterations", "passes over it, 1 to 10; of PBKDF2 600,000 to 10,000,000"),
        ("--lanes", "1 to 8"),
        ("--milliseconds", "of calibrate: for one hash"),
    ):
        parser.add_argument(option, metavar="N", type=positive_number, default=None, help=explained)
    parser.add_argument("--pepper", metavar="NAME", default=None, help="the vault's key of kind hmac to pepper with")


def run(arguments: Arguments) -> int:
    """Do what ACTION says; the vault is opened for a pepper alone."""
    from strongroom.doors.cli import hashing
    from strongroom.doors.cli.actions import take_action

    take_action("hash", _GRAMMARS, arguments)
    actions = {
        "new": hashing.new,
        "verify": hashing.verify,
        "describe": hashing.describe,
        "calibrate": hashing.calibrate,
    }
    return actions[arguments.action](arguments)
