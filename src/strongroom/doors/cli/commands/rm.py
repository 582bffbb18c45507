"""``strongroom rm``: delete so that it can be restored, or destroy for good."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.inputs import confirm
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items
from strongroom.doors.cli.suggestions import Suggesting
from strongroom.errors import Denied, NotFound
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from strongroom.vault.vault import Vault

SUMMARY = "delete an item, so that it can be restored, or --destroy it"
WORDS = "PATH"
DETAILS = """\
Without --version: rm deletes the current version, rm --destroy the item with all of its
versions. What was destroyed is gone for good; copies and backups made before still hold it.
"""
EXAMPLES = """\
strongroom rm bank/checking
# and back again
strongroom restore bank/checking
strongroom rm --destroy bank/checking --yes
"""


class Arguments(GlobalArguments):
    """What ``rm`` was given."""

    path: str
    destroy: bool = False
    version: list[int] | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--destroy`` and ``--version``."""
    from strongroom.doors.cli.arguments import positive_number

    parser.add_argument("--destroy", action="store_true", default=False, help="for good; asks first")
    parser.add_argument(
        "--version", metavar="N", type=positive_number, action="append", help="this version only; may be repeated"
    )


def run(arguments: Arguments) -> int:
    """Delete or destroy."""
    path = checked_path(arguments.path)
    versions = tuple(arguments.version or ())
    which = f"version {' and '.join(map(str, versions))} of {path}" if versions else path
    command = "rm --destroy" if arguments.destroy else "rm"
    with open_items(arguments) as vault, Suggesting(vault, command, path):
        is_gone = not arguments.destroy and _is_deleted(vault, path, versions)
        if not arguments.destroy:
            vault.delete(path, versions=versions)
        else:
            vault.history(path)  # NotFound before the question, not after it
            if not confirm(arguments, f"Destroy {which} for good?"):
                output.note("nothing was destroyed")
                return 0
            vault.destroy(path, versions=versions)
    if arguments.json:
        output.json({"path": path, "versions": list(versions), "destroyed": arguments.destroy})
        return 0
    if is_gone:
        output.note(f"{which} is deleted already")
    else:
        output.note(f"{'destroyed' if arguments.destroy else 'deleted'} {which}")
    if not arguments.destroy:
        number = f" --version {versions[0]}" if versions else ""
        output.hint(f"bring it back with: strongroom restore{number} {quoted_name(path)}")
    return 0


def _is_deleted(vault: Vault, path: str, numbers: Sequence[int]) -> bool:
    """Whether there is nothing left to delete; not known to whoever may delete and not look."""
    from datetime import UTC, datetime

    try:
        history = vault.history(path)
    except (Denied, NotFound):
        return False  # the deletion says what is the case
    now = datetime.now(UTC)
    asked = [version for version in history if version.number in numbers] if numbers else history[-1:]
    return bool(asked) and all(
        version.destroyed or (version.deleted is not None and version.deleted <= now) for version in asked
    )
