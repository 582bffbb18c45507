"""``strongroom run``: start a program with values of the vault in its environment, or in files in memory."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "start a program with values in its environment"
WORDS = "-- COMMAND..."
DETAILS = """\
REFERENCE is strongroom://PATH#FIELD, with ?as=base64, ?as=url or ?as=json at its end if
need be. All of them are read before the program starts; if one is missing, nothing starts.
strongroom becomes the program: its terminal, signals and exit status are its own.
"""
EXAMPLES = """\
strongroom run --env DB_PASSWORD=strongroom://bank/checking#password -- printenv DB_PASSWORD
strongroom allow .env.vault --yes && strongroom run --env-file .env.vault -- env
# no environment variable: the program opens the file that the variable names
strongroom run --file KEY=strongroom://bank/checking#password -- sh -c 'wc -c < "$KEY"'
"""


class Arguments(GlobalArguments):
    """What ``run`` was given."""

    command: list[str]
    env: list[str]
    env_file: list[str]
    dialect: str = "python-dotenv"
    fd: list[str]
    file: list[str]
    only: list[str]
    clean: bool = False
    mask: bool = False
    mask_all: bool = False

    def __init__(self) -> None:
        self.env = []
        self.env_file = []
        self.fd = []
        self.file = []
        self.only = []


def add_options(parser: ArgumentParser) -> None:
    """Add its ten options."""
    for option, metavar, explained in (
        ("--env", "NAME=REFERENCE", "the variable NAME gets the value"),
        ("--env-file", "FILE", "set the variables of a dotenv file that was allowed"),
        ("--fd", "NAME=REFERENCE", "NAME is a descriptor to read the value from"),
        ("--file", "NAME=REFERENCE", "NAME is the path of a file in memory"),
        ("--only", "NAME", "of the files' variables, take this one"),
    ):
        parser.add_argument(option, metavar=metavar, action="append", default=[], help=explained)
    parser.add_argument("--dialect", metavar="NAME", default="python-dotenv", help="python-dotenv, compose or posix")
    parser.add_argument("--clean", action="store_true", default=False, help="pass on only PATH, HOME and their like")
    parser.add_argument(
        "--mask", action="store_true", default=False, help="hide the values in output that is no terminal"
    )
    parser.add_argument(
        "--mask-all", action="store_true", default=False, help="hide all secrets of the vault there, not only these"
    )


def run(arguments: Arguments) -> int:
    """Read the values, then become the program."""
    from strongroom.doors.cli.running_programs import plan, start

    if not arguments.command:
        raise UsageError("run needs a command", advice="strongroom run --env NAME=REFERENCE -- COMMAND...")
    if not arguments.command[0]:
        raise UsageError("the name of the program is empty", advice="is the variable that names it set?")
    if arguments.json:
        raise UsageError("run has no JSON: its output is the program's")
    return start(plan(arguments), arguments)
