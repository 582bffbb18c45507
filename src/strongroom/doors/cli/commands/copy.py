"""``strongroom copy``: take the vault to another place, or another kind of store."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.inputs import confirm
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import location_of, open_vault
from strongroom.doors.cli.progress import Progress
from strongroom.errors import VaultNotFound
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.vault.vault import Vault

SUMMARY = "take a vault to another place, or into another kind of store"
WORDS = "SOURCE TARGET"
DETAILS = """\
Items, versions, metadata, key slots and audit log, as encrypted as they lie, and verified at
TARGET before it becomes a vault. Nothing else may lie there. Interrupted, the same command
goes on. SOURCE is left as it is; TARGET begins a new lineage, so that the two are never taken
for one another: from then on this machine uses TARGET and refuses SOURCE (exit 7), and
others accept TARGET once with: strongroom status --accept-lineage.
"""
EXAMPLES = """\
strongroom copy ~/.local/share/strongroom/vault.db ~/vault.db --yes
"""


class Arguments(GlobalArguments):
    """What ``copy`` was given."""

    source: str
    target: str


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Copy, or go on with a copy that was interrupted."""
    from strongroom.locate.addresses import is_path

    if arguments.vault is not None:
        raise UsageError("copy is told both places as words, and takes no --vault", advice=f"strongroom copy {WORDS}")
    arguments.vault = arguments.target
    target = location_of(arguments)
    arguments.vault = arguments.source
    source = location_of(arguments)
    if source == target:
        raise UsageError("SOURCE and TARGET are the same place")
    if is_path(source) and not os.path.lexists(source):
        raise VaultNotFound(f"there is no vault at {source}", advice=f"strongroom copy {WORDS}")
    output.note(f"{target} is used on this machine from then on, and {source} is refused")
    if not confirm(arguments, "Copy it?"):
        output.note("nothing was copied")
        return OK
    with open_vault(arguments) as vault:
        return _copy(arguments, vault, target)


def _copy(arguments: Arguments, vault: Vault, target: str) -> int:
    from strongroom.locate.copying import copy_vault

    try:
        with Progress("copied", unit=" rows") as progress:
            done = copy_vault(vault, target, progress=progress, tell=output.note)
    except KeyboardInterrupt:
        output.hint("what was copied stays there; go on with the same command")
        raise
    except ValueError as error:
        raise UsageError(str(error)) from None  # a scheme that nothing serves
    report, place = done.report, quoted(arguments.target)
    if arguments.json:
        output.json(
            {
                "source": vault.location,
                "vault": done.location,
                "items": report.items,
                "versions": report.versions,
                "audit_entries": report.audit_entries,
                "commit_counter": report.commit_counter,
                "lineage": done.lineage.hex(),
            }
        )
        return OK
    output.note(
        f"copied {vault.location} to {done.location}: {output.counted(report.items, 'item')}, "
        f"{output.counted(report.versions, 'version')}, {report.audit_entries:,} audit entries, verified"
    )
    output.hint(f"use it: --vault {place}, or STRONGROOM_VAULT={place}")
    output.hint("programs and agents that have the old place open still write there: end them")
    output.hint("other machines that share this vault accept it once with: strongroom status --accept-lineage")
    return OK
