"""``strongroom status``: which vault this is, in numbers and names."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "which vault this is, its ids, counters and size"
WORDS = ""
DETAILS = ""


class Arguments(GlobalArguments):
    """What ``status`` was given."""


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Print it; nothing in it is secret."""
    with open_vault(arguments) as vault:
        status = vault.status()
        items = sum(1 for _ in vault.walk())
    shown = {
        "vault": status.location,
        "id": status.vault_id,
        "lineage": status.lineage,
        "created": status.created.isoformat(timespec="seconds"),
        "epoch": status.epoch,
        "commit_counter": status.commit_counter,
        "items": items,
        "slots": status.slots,
        "data_keys": status.data_keys,
    }
    if arguments.json:
        output.json(shown)
    else:
        output.lines(f"{name.replace('_', ' ') + ':':<16}{setting}" for name, setting in shown.items())
    return 0
