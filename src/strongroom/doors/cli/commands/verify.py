"""``strongroom verify``: is what lies in the vault what was written?"""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import exit_code
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault
from strongroom.doors.cli.progress import Progress
from strongroom.errors import RolledBack, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "check everything in the vault against what was written"
WORDS = ""
DETAILS = "Each finding is a line on standard output: what was swapped, changed, deleted, inserted or rolled back.\n"
EXAMPLES = """\
strongroom verify
"""


_SHOWN = 20


class Arguments(GlobalArguments):
    """What ``verify`` was given."""


def add_options(_parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(arguments: Arguments) -> int:
    """Print what was counted, or what was found."""
    try:
        with open_vault(arguments) as vault:
            with Progress("verified") as progress:
                report = vault.verify(progress=progress)
            waiting = vault.pending_deposits() if report.deposits_waiting else []
    except Tampered as error:
        _print_findings(arguments, error)
        return exit_code(error)
    counted = {
        "items": report.items,
        "versions": report.versions,
        "folders": report.folders,
        "slots": report.slots,
        "audit_entries": report.audit_entries,
        "commit_counter": report.commit_counter,
        "deposits_waiting": report.deposits_waiting,
    }
    if arguments.json:
        output.json({"ok": True, "findings": [], **counted})
        return 0
    output.pairs({name: "?" if number is None else f"{number:,}" for name, number in counted.items()})
    for pending in waiting[:_SHOWN]:
        output.note(f"the deposit {pending.id[:12]} waits: {output.escape(pending.reason or 'in order')}")
    if len(waiting) > _SHOWN:
        output.note(f"and {len(waiting) - _SHOWN:,} more: strongroom deposit list")
    output.note("everything is as it was written")
    return 0


def _print_findings(arguments: Arguments, error: Tampered) -> None:
    # A vault that does not even open has one finding: why.
    what = "rolled back" if isinstance(error, RolledBack) else "changed"
    findings = error.findings or (f"{what}: {error.message}",)
    if arguments.json:
        output.json({"ok": False, "findings": list(findings)})
    else:
        output.lines(findings)
    output.note(error.message)
    if "strongroom verify" not in error.advice:  # This is verify.
        output.hint(error.advice)
