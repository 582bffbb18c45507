"""``strongroom doctor``: what may be wrong around the vault, each finding with what mends it."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import exit_code
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import location_of, open_vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.locate.diagnosis.finding import Finding

SUMMARY = "look for what may be wrong: modes, machine, slots, backups"
WORDS = ""
DETAILS = """\
Each finding is a line on standard output, followed by the command that mends it. It asks
nobody: what needs a key is looked at when a key file or the like is at hand. Remarks are
exit 0; a serious finding has the exit code of the error that it leads to.
"""
EXAMPLES = """\
strongroom doctor
strongroom doctor --backup-days 7
"""


class Arguments(GlobalArguments):
    """What ``doctor`` was given."""

    backup_days: int = 30


def add_options(parser: ArgumentParser) -> None:
    """Add ``--backup-days``."""
    from strongroom.doors.cli.arguments import positive_number

    parser.add_argument(
        "--backup-days", metavar="N", type=positive_number, help="how old the last backup may be (default: 30)"
    )


def run(arguments: Arguments) -> int:
    """Look at everything, say what was found."""
    from strongroom.locate.diagnosis.whole import diagnose

    found = diagnose(
        location_of(arguments),
        unlock=lambda: open_vault(arguments, may_ask=False),
        key_file=arguments.key_file,
        backup_days=arguments.backup_days or 30,
    )
    serious = found.serious()
    if arguments.json:
        output.json({"findings": [_described(one) for one in found.findings], "unchecked": found.unchecked})
    else:
        for one in [*serious, *(one for one in found.findings if not one.is_serious)]:
            output.line(f"{'serious' if one.is_serious else 'remark'}: {one.about}: {one.message}")
            output.line(f"  mend: {one.mend}")
        for what in found.unchecked:
            output.note(f"not looked at: {what}")
        if not found.findings:
            output.note("nothing was found")
    error = serious[0].error if serious else None
    return 0 if error is None else exit_code(error(""))


def _described(finding: Finding) -> dict[str, object]:
    return {
        "about": finding.about,
        "serious": finding.is_serious,
        "message": finding.message,
        "mend": finding.mend,
    }
