"""``strongroom upgrade``: bring a vault that an older strongroom made to the newest format."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "bring a vault of an older strongroom to the newest format"
WORDS = ""
DETAILS = """\
All of it in one step, or nothing. The vault as it was is kept beside it first, as a backup
that the older strongroom opens; --backup FILE keeps it there. Older programs cannot use the
vault from then on (exit 14): end them, and upgrade strongroom wherever the vault is used.
"""
EXAMPLES = """\
strongroom upgrade --backup vault.before
"""


class Arguments(GlobalArguments):
    """What ``upgrade`` was given."""

    backup: str | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--backup``."""
    parser.add_argument("--backup", metavar="FILE", help="keep the vault as it is now in FILE, which must not exist")


def run(arguments: Arguments) -> int:
    """Upgrade, or say that there is nothing to do."""
    from strongroom.locate.upgrading import upgrade_vault

    backup = None if arguments.backup is None else os.path.abspath(arguments.backup)
    with open_vault(arguments, any_format=True) as vault:
        location = vault.location
        try:
            done = upgrade_vault(vault, backup=backup)
        except ValueError as error:
            raise UsageError(str(error), advice="strongroom upgrade --backup FILE") from None
    if arguments.json:
        output.json({"vault": location, "format_before": done.old, "format": done.new, "kept": done.kept})
    elif done.kept is None:
        output.note(f"{location} is of format {done.new}, the newest that this strongroom knows")
    else:
        output.note(f"upgraded {location} from format {done.old} to {done.new}")
        output.hint(f"the vault as it was is {done.kept}")
        output.hint(f"when all is well: rm {quoted(done.kept)}")
    return 0
