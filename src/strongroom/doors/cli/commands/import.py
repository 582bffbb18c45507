"""``strongroom import``: take the credentials of other programs' files into the vault."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.import_arguments import ImportArguments as Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "take the credentials of a file or the OS keyring in"
WORDS = "SOURCE"
DETAILS = """\
SOURCE is a file, a directory of pass, - for standard input, or keyring: for the OS keyring. It
shows what goes where first, and asks on a terminal. From files that hold other things too, it
takes what looks secret. A source that is encrypted (KeePass, SOPS, Ansible Vault, dotenvx) is
opened with --source-key or a passphrase of its own, which it asks for on a terminal.
"""
EXAMPLES = """\
strongroom import .env --dry-run
strongroom import .env --replace --yes
strongroom import passwords.csv --to people/dustin --yes
"""


def add_options(parser: ArgumentParser) -> None:
    """Add where to, which format, which values, and what becomes of the file."""
    from strongroom.doors.cli.arguments import whole_number
    from strongroom.formats.dotenv import DIALECTS
    from strongroom.formats.registry import FORMATS, SEALED

    add = parser.add_argument
    add("--to", metavar="PATH", help="put everything below PATH (default: the folder's and the file's name)")
    add("--format", choices=(*FORMATS, *SEALED), help="the file's format (default: what its name says)")
    add("--dialect", choices=DIALECTS, default="python-dotenv", help="whose .env file it is")
    add("--source-key", metavar="FILE", help="what opens SOURCE: identities, .env.keys, a key file, a password's file")
    add("--source-passphrase-fd", metavar="N", type=whole_number, help="SOURCE's passphrase comes on descriptor N")
    add("--all", action="store_true", default=False, help="also what does not look secret")
    add("--only", metavar="NAME", action="append", default=[], help="these values alone; * stands for anything")
    add("--skip", metavar="NAME", action="append", default=[], help="all but these values")
    add("--dry-run", action="store_true", default=False, help="show what would be done, and do nothing")
    add("--overwrite", action="store_true", default=False, help="replace other values in the vault, as new versions")
    add("--replace", action="store_true", default=False, help="put references in the place of the values in the file")
    add("--template", action="store_true", default=False, help="make the file a template for render instead")
    add("--wipe", action="store_true", default=False, help="overwrite and remove the file afterwards")


def run(arguments: Arguments) -> int:
    """Read, show, ask, store, read back; then rewrite or remove the file."""
    from strongroom.doors.cli.foreign_files import read_foreign
    from strongroom.doors.cli.import_steps import Import
    from strongroom.doors.cli.sealed_sources import SourceWays

    if arguments.replace + arguments.template + arguments.wipe > 1:
        raise UsageError("--replace, --template and --wipe each say what becomes of the file; give one")
    file = read_foreign(
        arguments.source, format=arguments.format, dialect=arguments.dialect, ways=SourceWays(arguments)
    )
    steps = Import(file, arguments)
    if not steps.plan.taken:
        steps.show(None)
        output.note(f"nothing in {file.shown} is to be imported")
        return 0
    if arguments.dry_run:
        return steps.rehearse()
    return steps.perform()
