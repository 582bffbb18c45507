"""``strongroom get``: print one field, or a whole item as JSON."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_field, checked_path, open_items
from strongroom.doors.cli.suggestions import Suggesting
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.items import Item

SUMMARY = "print one field of an item, or all of it with --json"
WORDS = "PATH [FIELD]"
DETAILS = """\
The field may be left out when the item has only one. The value is written as it was
stored; only a terminal gets a newline, and control characters as escapes.
"""
EXAMPLES = """\
strongroom get bank/checking password
strongroom get bank/checking --json
strongroom get bank/checking password --version 1
"""


class Arguments(GlobalArguments):
    """What ``get`` was given."""

    path: str
    field: str | None = None
    version: int | None = None
    allow_expired: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add ``--version`` and ``--allow-expired``."""
    from strongroom.doors.cli.arguments import positive_number

    parser.add_argument("--version", metavar="N", type=positive_number, help="an older version")
    parser.add_argument("--allow-expired", action="store_true", default=False, help="print a value past its date")


def run(arguments: Arguments) -> int:
    """Print the value."""
    path = checked_path(arguments.path)
    field = arguments.field if arguments.field is None else checked_field(arguments.field)
    with open_items(arguments) as vault, Suggesting(vault, "get", path, field):
        item = vault.get(path, version=arguments.version, allow_expired=arguments.allow_expired)
        if arguments.json:
            _print_json(item, field)
            return 0
        name = field if field is not None else _only_field(item)
        output.value(item.field(name).data)
    return 0


def _only_field(item: Item) -> str:
    names = item.names()
    if len(names) != 1:
        raise UsageError(
            f"{item.path} has {len(names)} fields: {', '.join(names)}",
            advice="\n".join(f"strongroom get {quoted_name(item.path, name)}" for name in names[:3]),
        )
    return names[0]


def _print_json(item: Item, field: str | None) -> None:
    from strongroom.doors.cli.fields import describe_version, field_to_json, fields_to_json

    if field is not None:
        output.json(field_to_json(item.field(field)))
        return
    output.json(
        {
            "path": item.path,
            "fields": fields_to_json(item),
            "secret": [name for name in item.names() if item.is_secret(name)],
            **describe_version(item.version),
        }
    )
