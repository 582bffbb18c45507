"""``strongroom backup``: a consistent copy of the vault in one file, or a look at such a copy."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import expected_of, open_admitted, open_vault
from strongroom.doors.cli.progress import Progress
from strongroom.errors import RolledBack, Tampered
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write a copy of the vault to a file, or --check one"
WORDS = "FILE"
DETAILS = """\
The copy is as encrypted as the vault, opens with the same key slots, and has mode 0600.
FILE must not exist; its directory must not be writable by others. Readers and writers go
on meanwhile. Deposits are taken in first; those that wait for a person stay in the inbox,
which is no part of a backup. --check opens FILE as restore-backup would, verifies all of it, and changes
nothing; with --expect-counter N it must also hold commit N.
"""
EXAMPLES = """\
strongroom backup vault.backup
strongroom backup --check vault.backup
"""


class Arguments(GlobalArguments):
    """What ``backup`` was given."""

    file: str
    check: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add ``--check``."""
    parser.add_argument("--check", action="store_true", default=False, help="verify the backup FILE, write nothing")


def run(arguments: Arguments) -> int:
    """Write the copy, or verify one."""
    path = os.path.abspath(arguments.file)
    if arguments.check:
        return _check(arguments, path)
    with open_vault(arguments) as vault:
        counter = vault.backup(path)
        # What opening the vault could not take in.
        left = [note for note in vault.notes if note.startswith("deposits ")]
    if arguments.json:
        output.json({"backup": path, "commit_counter": counter, "bytes": os.stat(path).st_size})
    else:
        output.note(f"wrote {path}, which holds commit {counter}")
        for note in left:
            output.note(f"not in it: {note}")
        output.hint(f"verify it with: strongroom backup --check {quoted(path)}")
        output.hint(f"put it back with: strongroom restore-backup {quoted(path)}")
    return 0


def _check(arguments: Arguments, path: str) -> int:
    from strongroom.locate.recognition import recognise_copy

    try:
        with open_admitted(arguments, path, is_backup=True) as copy:
            recognise_copy(copy, path, expected=expected_of(arguments), tell=output.note)
            with Progress("verified") as progress:
                report = copy.verify(progress=progress)
            newest = copy.last_commit
    except Tampered as error:
        if not isinstance(error, RolledBack):
            # It says to restore a backup, and this is the backup.
            error.advice = "this copy is no good: keep another, and make a new one: strongroom backup FILE"
        raise
    written = None if newest is None else newest.isoformat(timespec="seconds")
    if arguments.json:
        output.json(
            {
                "backup": path,
                "commit_counter": report.commit_counter,
                "last_commit": written,
                "items": report.items,
                "versions": report.versions,
            }
        )
    else:
        output.note(
            f"{path} is whole: {output.counted(report.items, 'item')}, {output.counted(report.versions, 'version')}, "
            f"commit {report.commit_counter}" + (f" of {output.moment(newest)}" if newest else "")
        )
    return 0
