"""``strongroom scan``: look for the vault's own values in files, in what is staged, or in git's history."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, SCAN_FOUND, UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "look for the vault's own values in files and git's history"
WORDS = "[PLACE]"
DETAILS = """\
Values are found as they are stored, in base64, hex, URLs, JSON, HTML and UTF-16, escaped for
a shell, and split over lines or string literals. PLACE is a file or directory; without it
this one. Nothing that is printed or written holds a value.
"""
EXAMPLES = """\
strongroom scan
strongroom scan --history
# before every commit, from now on
strongroom scan --install-hook
"""


class Arguments(GlobalArguments):
    """What ``scan`` was given."""

    place: str = "."
    staged: bool = False
    history: bool = False
    ignored: bool = False
    prefix: str = ""
    sarif: bool = False
    also: str | None = None
    install_hook: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add its seven options."""
    parser.add_argument("--staged", action="store_true", default=False, help="what the next commit would change")
    parser.add_argument("--history", action="store_true", default=False, help="all that branches, tags, stashes hold")
    parser.add_argument("--ignored", action="store_true", default=False, help="files that git ignores, too")
    parser.add_argument("--prefix", metavar="FOLDER", default="", help="look for the values below this folder alone")
    parser.add_argument("--sarif", action="store_true", default=False, help="print a SARIF log")
    parser.add_argument("--also", metavar="TOOL", help="then run this tool as well: gitleaks")
    parser.add_argument("--install-hook", action="store_true", default=False, help="write git's pre-commit hook")


def run(arguments: Arguments) -> int:
    """Gather the values, look for them, print where they are."""
    from strongroom.doors.cli import scan_reports, scanning
    from strongroom.doors.cli.scan_sources import source_for
    from strongroom.errors import StoreUnavailable

    prefix = checked_folder(arguments.prefix)
    _check(arguments)
    if arguments.install_hook:
        return _install_hook(arguments)
    source = source_for(
        arguments.place, staged=arguments.staged, history=arguments.history, ignored=arguments.ignored
    )
    report = scanning.scan(arguments, source, prefix)
    if arguments.also:
        from strongroom.doors.cli import scan_gitleaks

        report.leaks += scan_gitleaks.find(arguments.place, staged=arguments.staged, history=arguments.history)
    if arguments.sarif:
        scan_reports.write_sarif(report)
    elif arguments.json:
        scan_reports.write_json(report)
    else:
        scan_reports.write_text(report)
    scanning.summarise(report)
    if report.leaks:
        return SCAN_FOUND
    if report.unread:
        # What was not read may hold anything: this is no clean bill.
        raise StoreUnavailable(f"{output.counted(len(report.unread), 'file')} could not be read, and so not scanned")
    return OK


def _check(arguments: Arguments) -> None:
    if arguments.staged and arguments.history:
        raise UsageError("--staged and --history are two scans")
    if arguments.sarif and arguments.json:
        raise UsageError("--sarif is JSON of its own; leave --json out")
    if arguments.also not in (None, "gitleaks"):
        raise UsageError("--also takes gitleaks")


def _install_hook(arguments: Arguments) -> int:
    from strongroom.doors.cli import scan_hook

    if arguments.history or arguments.ignored or arguments.sarif or arguments.json:
        raise UsageError("--install-hook goes with --prefix and --also")
    options = ["--prefix", arguments.prefix] if arguments.prefix else []
    options += ["--also", arguments.also] if arguments.also else []
    scan_hook.say_installed(scan_hook.install(arguments.place, options))
    return OK
