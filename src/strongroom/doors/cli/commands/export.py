"""``strongroom export``: values in plain text, in a format that carries them exactly or not at all."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_folder, checked_path, open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write items in plain text, as JSON or as variables"
WORDS = "[PATH...]"
DETAILS = """\
A PATH with a slash at its end is a folder, and / is everything. As env and shell, the field
password of db/prod is DB_PROD_PASSWORD; --env gives a variable a name of your own. A value
that the format cannot carry exactly is refused, and nothing is written.
"""
EXAMPLES = """\
strongroom export bank/checking --format env
strongroom export / --format json -o everything.json
strongroom export --format shell --env PGPASSWORD=strongroom://bank/checking#password
"""
FORMATS = ("json", "env", "shell")


class Arguments(GlobalArguments):
    """What ``export`` was given."""

    path: list[str]
    format: str | None = None
    env: list[str]
    output: str | None = None

    def __init__(self) -> None:
        self.path = []
        self.env = []


def add_options(parser: ArgumentParser) -> None:
    """Add ``--format``, ``--env`` and ``--output``."""
    parser.add_argument("--format", metavar="NAME", help="json, env (a dotenv file) or shell (to be sourced)")
    parser.add_argument(
        "--env", metavar="NAME=REFERENCE", action="append", default=[], help="a variable with the value it names"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write this new file, with mode 0600")


def run(arguments: Arguments) -> int:
    """Read the items, write them out."""
    from strongroom.doors.cli.assignments import read_words
    from strongroom.doors.cli.exporting import items_at, text_of
    from strongroom.formats.references import BadReference
    from strongroom.formats.references_resolving import resolve
    from strongroom.secret import wipe

    kind = arguments.format or ("json" if arguments.json else "")
    if kind not in FORMATS:
        raise UsageError(
            f"--format takes {', '.join(FORMATS)}" if arguments.format else "export needs a --format",
            advice="\n".join(f"strongroom export --format {one} PATH" for one in FORMATS),
        )
    wanted = read_words("--env", arguments.env)
    if not wanted and not arguments.path:
        raise UsageError("export needs a PATH or --env", advice="strongroom export / --format json")
    if wanted and kind == "json":
        raise UsageError("--env names variables, and JSON has none: --format env, or shell")
    folders = {path: checked_folder(path) for path in arguments.path if path.endswith("/")}
    single = [checked_path(path) for path in arguments.path if path not in folders]
    with open_items(arguments) as vault:
        items = items_at(vault, single, list(folders.values()))
        try:
            values = resolve(vault, list(wanted.values())) if wanted else {}
        except BadReference as error:
            raise UsageError(str(error)) from None
    text = text_of(kind, items, {name: values[one.reference] for name, one in wanted.items()})
    try:
        if arguments.output is None:
            output.value(text)
        else:
            from strongroom.stores.files import create_private

            create_private(os.path.abspath(arguments.output), text)
            output.note(f"wrote {arguments.output}, in plain text: whoever reads it has the values")
    finally:
        wipe(text)
    return 0
