"""``strongroom restore-backup``: put a backup in the vault's place."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK
from strongroom.doors.cli.inputs import confirm
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import location_of, open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "put a backup in the vault's place"
WORDS = "FILE"
DETAILS = """\
The backup is opened and verified first, with what opened the vault when it was made. Where
a vault is, --yes replaces it (a terminal is asked); the old one is kept beside it.
"""


class Arguments(GlobalArguments):
    """What ``restore-backup`` was given."""

    file: str


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Verify the backup, then put it in place."""
    from strongroom.locate.restoring import restore_backup

    backup = os.path.abspath(arguments.file)
    target = location_of(arguments)
    question = f"Replace the vault {target}? It is kept beside the new one."
    if os.path.lexists(target) and not confirm(arguments, question):
        output.note("nothing was replaced")
        return OK
    items, kept = restore_backup(backup, target, open_copy=lambda copy: open_vault(arguments, location=copy))
    if arguments.json:
        output.json({"vault": target, "items": items, "kept": kept})
        return OK
    output.note(f"restored {target} from {backup}: {items} items, verified")
    if kept is not None:
        output.hint(f"the vault that was there is now {kept}")
    return OK
