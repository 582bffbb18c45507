"""``strongroom restore``: bring back a deleted item, or an older version's fields."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "bring back a deleted item, or an older version"
WORDS = "PATH"
DETAILS = """\
Without --version the deletion of the current version is taken back. With it, the fields
of that version become the current ones, as a new version; nothing in between is lost.
"""


class Arguments(GlobalArguments):
    """What ``restore`` was given."""

    path: str
    version: int | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--version``."""
    from strongroom.doors.cli.arguments import positive_number

    parser.add_argument("--version", metavar="N", type=positive_number, help="the version whose fields come back")


def run(arguments: Arguments) -> int:
    """Bring it back."""
    path = checked_path(arguments.path)
    with open_items(arguments) as vault:
        version = vault.restore(path, arguments.version)
    if arguments.json:
        from strongroom.doors.cli.fields import describe_version

        output.json({"path": path, **describe_version(version)})
    elif arguments.version is None:
        output.note(f"restored {path}, version {version.number}")
    else:
        output.note(f"restored version {arguments.version} of {path} as version {version.number}")
    return 0
