"""``strongroom example``: a .env file for everybody, with the names and without the values."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "print a .env file without its values"
WORDS = "FILE"
DETAILS = """\
strongroom example .env > .env.example keeps names, references, and comments in which nothing looks
like a value; look it over before you share it. The vault is not opened.
"""
EXAMPLES = """\
strongroom example .env > .env.example
"""


class Arguments(GlobalArguments):
    """What ``example`` was given."""

    file: str
    dialect: str = "python-dotenv"


def add_options(parser: ArgumentParser) -> None:
    """Add ``--dialect``."""
    from strongroom.formats.dotenv import DIALECTS

    parser.add_argument("--dialect", choices=DIALECTS, default="python-dotenv", help="whose .env file it is")


def run(arguments: Arguments) -> int:
    """Read, drop the values, print; then look whether git would take the file itself."""
    from strongroom.doors.cli.foreign_files import read_foreign
    from strongroom.doors.cli.ignoring import look_after
    from strongroom.formats.example import make_example
    from strongroom.formats.interface import BadFile, decode

    file = read_foreign(arguments.file, format="dotenv", dialect=arguments.dialect)
    try:
        example, cut = make_example(file.document, decode(file.content)[0])
    except BadFile as error:
        raise UsageError(f"{file.shown}: {error}") from None
    if arguments.json:
        names = [entry.keys[0] for entry in file.document.entries]
        output.json({"names": names, "example": example.decode(), "comments_cut": cut})
    else:
        output.value(example)
    if cut:
        lines = ", ".join(map(str, cut))
        output.note(f"dropped what may be a value from the comment of line {lines}; look it over before you share it")
    if file.path is not None:
        look_after(file.path, arguments)
    return 0
