"""``strongroom edit``: a whole item in the user's editor, in memory-backed storage."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Literal

    from strongroom.items import Field, Item, Version
    from strongroom.vault.vault import Vault

SUMMARY = "edit an item in your editor; nothing touches the disk"
WORDS = "PATH"
DETAILS = """\
The editor ($VISUAL, $EDITOR, else vi) is shown the item as JSON with its secrets. The file
lies in memory and is wiped afterwards. Nothing is written when the text is unchanged, or
when the editor fails. A new item begins empty.
"""
EXAMPLES = """\
strongroom edit bank/checking
EDITOR=vi strongroom edit mail/smtp --expires 90d
"""


class Arguments(GlobalArguments):
    """What ``edit`` was given."""

    path: str
    expires: timedelta | Literal["never"] | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add ``--expires``."""
    from strongroom.doors.cli.spans import expiry

    parser.add_argument(
        "--expires", metavar="WHEN", type=expiry, help="reading it fails then: 90d, 2030-12-31 or never"
    )


def run(arguments: Arguments) -> int:
    """Show the item to the editor, store what came back."""
    from strongroom.doors.cli.editing import edited_fields

    path = checked_path(arguments.path)
    with open_items(arguments) as vault:
        item = _current(vault, path, allow_expired=arguments.expires is not None)
        fields = edited_fields(path, item)
        if fields is None or _is_same(item, fields):
            output.note(f"{path} is unchanged")
            return 0
        version = _store(vault, path, fields, item, arguments)
    if arguments.json:
        from strongroom.doors.cli.fields import describe_version

        output.json({"path": path, **describe_version(version)})
    else:
        output.note(f"stored {path}, version {version.number}")
    return 0


def _store(
    vault: Vault, path: str, fields: Mapping[str, Field], item: Item | None, arguments: Arguments
) -> Version:
    expires = arguments.expires
    if expires is None and item is not None and item.version.expires is not None:
        from datetime import UTC, datetime, timedelta

        # The date stays, as in a merge; it may pass while the editor is open.
        expires = max(item.version.expires - datetime.now(UTC), timedelta(0))
    lifetime = None if expires == "never" else expires
    return vault.set(path, fields, cas=item.version.number if item is not None else 0, expires=lifetime)


def _current(vault: Vault, path: str, *, allow_expired: bool) -> Item | None:
    from strongroom.errors import NotFound

    try:
        return vault.get(path, allow_expired=allow_expired)
    except NotFound as missing:
        try:
            vault.history(path)
        except NotFound:
            return None
        # It was deleted: say so, instead of hiding its versions behind an empty page.
        raise missing from None


def _is_same(item: Item | None, fields: Mapping[str, Field]) -> bool:
    if item is None:
        return not fields
    if set(item.names()) != set(fields):
        return False
    old = (item.field(name) for name in fields)
    return all((a.kind, a.data) == (b.kind, b.data) for a, b in zip(old, fields.values(), strict=True))
