"""``strongroom status``: which vault this is, in numbers and names."""

from __future__ import annotations

from functools import partial

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import expected_of, open_items, open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.vault.vault import Vault

SUMMARY = "which vault this is, its ids, counters and size"
WORDS = ""
DETAILS = """\
A restored backup begins a new lineage, and a machine that knew the vault before refuses it
(exit 7). --accept-lineage makes this machine believe the new one, once; a terminal is
asked, elsewhere it takes --yes. --accept-vault, in the same way, makes it believe that another
vault belongs at this place than the one that was seen there.
"""
EXAMPLES = """\
strongroom status
strongroom status --json
"""


class Arguments(GlobalArguments):
    """What ``status`` was given."""

    accept_lineage: bool = False
    accept_vault: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add ``--accept-lineage`` and ``--accept-vault``."""
    parser.add_argument(
        "--accept-lineage", action="store_true", default=False, help="believe a backup that was restored elsewhere"
    )
    parser.add_argument(
        "--accept-vault", action="store_true", default=False, help="believe that this vault belongs at this place"
    )


def run(arguments: Arguments) -> int:
    """Print it; nothing in it is secret."""
    if arguments.accept_lineage or arguments.accept_vault:
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
        "fingerprint": status.fingerprint,
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
        output.pairs({**shown, "created": output.moment(status.created), "last_commit": output.moment(newest)})
    return 0


def _accept(arguments: Arguments, vault: Vault) -> None:
    # Who names a vault or a commit is not shown another one to believe.
    expected_of(arguments).check(vault, vault.location)
    if arguments.accept_vault:
        _accept_vault(arguments, vault)
    if arguments.accept_lineage:
        _accept_lineage(arguments, vault)


def _accept_vault(arguments: Arguments, vault: Vault) -> None:
    from strongroom.doors.cli.inputs import confirm
    from strongroom.locate.recognition import accept_stranger, find_stranger

    stranger = find_stranger(vault)
    if stranger is None:
        output.note("this is the vault that is known here: there is none to accept")
        return
    output.note(stranger.message)
    question = f"Believe that the vault with the fingerprint {vault.fingerprint} belongs there?"
    if confirm(arguments, question):
        accept_stranger(vault, tell=output.note)
        output.note(f"accepted vault {vault.vault_id.hex()} at {vault.location}")


def _accept_lineage(arguments: Arguments, vault: Vault) -> None:
    from strongroom.doors.cli.inputs import confirm
    from strongroom.locate.anchor import anchor_of
    from strongroom.locate.recognition import find_stranger

    counter = vault.commit_counter
    anchor = anchor_of(vault, tell=output.note)
    known = None if anchor is None else anchor.read()
    if anchor is None or known is None or not known.is_new(vault.lineage) or find_stranger(vault) is not None:
        output.note("there is no new lineage to accept")
        return
    question = (
        f"Believe lineage {vault.lineage.hex()[:8]} at commit {counter} "
        f"instead of {known.lineage.hex()[:8]} at commit {known.counter}?"
    )
    if confirm(arguments, question):
        anchor.accept(counter, vault._core.keys.header)
        output.note(f"accepted lineage {vault.lineage.hex()[:8]} at commit {counter}")
