"""``strongroom backup``: a consistent copy of the vault in one file."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "write a consistent copy of the vault to a file"
WORDS = "FILE"
DETAILS = """\
The copy is as encrypted as the vault, opens with the same key slots, and has mode 0600.
FILE must not exist; its directory must not be writable by others.
"""


class Arguments(GlobalArguments):
    """What ``backup`` was given."""

    file: str


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Write the copy."""
    path = os.path.abspath(arguments.file)
    with open_vault(arguments) as vault:
        counter = vault.status().commit_counter
        vault.backup(path)
    if arguments.json:
        output.json({"backup": path, "commit_counter": counter, "bytes": os.stat(path).st_size})
    else:
        output.note(f"wrote {path}")
        output.hint(f"put it back with: strongroom restore-backup {path}")
    return 0
