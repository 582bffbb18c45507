"""``strongroom restore-backup``: put a backup in the vault's place."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK
from strongroom.doors.cli.inputs import confirm
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import expected_of, location_of, open_admitted
from strongroom.errors import VaultNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "put a backup in the vault's place"
WORDS = "FILE"
DETAILS = """\
The backup is opened and verified first, with what opened the vault when it was made. Where
a vault is, --yes replaces it (a terminal is asked); the old one is kept beside it. In a database
there must be none: name another schema.
The restored vault begins a new lineage: other machines that know the vault refuse it
(exit 7) until it is accepted there, once, with: strongroom status --accept-lineage.
"""
EXAMPLES = """\
strongroom backup --check vault.backup
strongroom restore-backup vault.backup
"""


class Arguments(GlobalArguments):
    """What ``restore-backup`` was given."""

    file: str


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Verify the backup, then put it in place."""
    from strongroom.locate.addresses import is_path
    from strongroom.locate.restoring import restore_backup

    backup = os.path.abspath(arguments.file)
    target = location_of(arguments)
    if not os.path.lexists(backup):
        raise VaultNotFound(f"there is no backup at {backup}")
    is_file = is_path(target)
    if os.path.lexists(target) and not _may_replace(arguments, target, backup):
        output.note("nothing was replaced")
        return OK
    restored = restore_backup(
        backup,
        target,
        open_copy=lambda copy: open_admitted(arguments, copy, any_format=is_file, is_backup=not is_file),
        expected=expected_of(arguments),
        tell=output.note,
    )
    if arguments.json:
        output.json(
            {
                "vault": target,
                "items": restored.items,
                "backup_commit_counter": restored.backup_counter,
                "commit_counter": restored.commit_counter,
                "lineage": restored.lineage.hex(),
                "kept": restored.kept,
            }
        )
        return OK
    output.note(
        f"restored {target} from {backup}: {restored.items} items as of commit {restored.backup_counter}, verified"
    )
    if restored.kept is not None:
        output.hint(f"the vault that was there is now {restored.kept}")
    output.hint("what was revoked or destroyed since the backup is back: revoke tokens and disable keys again")
    output.hint("other machines that share this vault accept it once with: strongroom status --accept-lineage")
    return OK


def _may_replace(arguments: Arguments, target: str, backup: str) -> bool:
    if not arguments.yes:
        output.note(f"{target} is kept beside the new one")
    return confirm(arguments, f"Replace {os.path.basename(target)} by {os.path.basename(backup)}?")
