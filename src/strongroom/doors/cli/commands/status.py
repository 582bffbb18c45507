"""``strongroom status``: which vault this is, in numbers and names."""

from __future__ import annotations

from functools import partial

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_items, open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.vault.vault import Vault

SUMMARY = "which vault this is, its ids, counters and size"
WORDS = ""
DETAILS = """\
A restored backup begins a new lineage, and a machine that knew the vault before refuses it
(exit 7). --accept-lineage makes this machine believe the new one, once; a terminal is
asked, elsewhere it takes --yes.
"""


class Arguments(GlobalArguments):
    """What ``status`` was given."""

    accept_lineage: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add ``--accept-lineage``."""
    parser.add_argument(
        "--accept-lineage", action="store_true", default=False, help="believe a backup that was restored elsewhere"
    )


def run(arguments: Arguments) -> int:
    """Print it; nothing in it is secret."""
    if arguments.accept_lineage:
        vault = open_vault(arguments, before=partial(_accept, arguments))
    else:
        vault = open_items(arguments)
    with vault:
        status = vault.status()
        newest = vault.last_commit
        items = sum(1 for _ in vault.walk())
    shown = {
        "vault": status.location,
        "id": status.vault_id,
        "lineage": status.lineage,
        "created": status.created.isoformat(timespec="seconds"),
        "epoch": status.epoch,
        "commit_counter": status.commit_counter,
        "last_commit": None if newest is None else newest.isoformat(timespec="seconds"),
        "items": items,
        "slots": status.slots,
        "data_keys": status.data_keys,
    }
    if arguments.json:
        output.json(shown)
    else:
        output.lines(f"{name.replace('_', ' ') + ':':<16}{setting}" for name, setting in shown.items())
    return 0


def _accept(arguments: Arguments, vault: Vault) -> None:
    from strongroom.doors.cli.inputs import confirm
    from strongroom.locate.anchor import anchor_of, expect

    counter = vault.commit_counter
    expect(vault.location, counter, arguments.expect_counter)
    anchor = anchor_of(vault)
    known = None if anchor is None else anchor.read()
    if anchor is None or known is None or not known.is_new(vault.lineage):
        output.note("there is no new lineage to accept")
        return
    question = (
        f"Believe lineage {vault.lineage.hex()[:8]} at commit {counter} "
        f"instead of {known.lineage.hex()[:8]} at commit {known.counter}?"
    )
    if confirm(arguments, question):
        anchor.accept(counter)
        output.note(f"accepted lineage {vault.lineage.hex()[:8]} at commit {counter}")
