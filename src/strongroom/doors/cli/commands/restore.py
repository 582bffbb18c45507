"""``strongroom restore``: bring back a deleted item, or an older version's fields."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items
from strongroom.doors.cli.suggestions import Suggesting
from strongroom.errors import Denied, NotFound
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.vault.vault import Vault

SUMMARY = "bring back a deleted item, or an older version"
WORDS = "PATH"
DETAILS = """\
Without --version the deletion of the current version is taken back. With it, the fields
of that version become the current ones, as a new version; nothing in between is lost.
"""
EXAMPLES = """\
strongroom restore bank/checking --version 1
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
    with open_items(arguments) as vault, Suggesting(vault, "restore", path):
        is_present = arguments.version is None and _is_present(vault, path)
        version = vault.restore(path, arguments.version)
    if arguments.json:
        from strongroom.doors.cli.fields import describe_version

        output.json({"path": path, **describe_version(version)})
    elif is_present:
        output.note(f"{path} is not deleted; its current version is {version.number}")
        output.hint(f"an older one comes back with: strongroom restore --version N {quoted_name(path)}")
    elif arguments.version is None:
        output.note(f"restored {path}, version {version.number}")
    else:
        output.note(f"restored version {arguments.version} of {path} as version {version.number}")
    return 0


def _is_present(vault: Vault, path: str) -> bool:
    """Whether nothing is deleted, and nothing will be; not known to whoever may restore and not look."""
    try:
        history = vault.history(path)
    except (Denied, NotFound):
        return False  # restoring says what is the case
    return bool(history) and history[-1].deleted is None and not history[-1].destroyed
