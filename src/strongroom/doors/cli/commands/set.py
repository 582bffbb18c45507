"""``strongroom set``: store fields. Values never stand on the command line."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import checked_path, open_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Literal

    from strongroom.items import Field, Version
    from strongroom.vault.vault import Vault

SUMMARY = "store fields of an item"
WORDS = "PATH [FIELD...]"
DETAILS = """\
A FIELD is one of
  name=value   text that is not secret, such as username=dustin
  name         a secret: typed twice without echo, or all of standard input with one
               newline at its end left out
Without any FIELD the field "password" is asked for. Fields are merged into the item;
--replace stores exactly the given ones. --json without a FIELD reads an object from
standard input: strings are text, {"$bytes": "base64"} is bytes, other JSON is kept.
--generate makes a random value of A-Z a-z 0-9 - _ for each bare name.
--expires takes a number and s, m, h, d or w, a date (UTC), or never; a merge keeps the date
that the item has, and needs a new one when that has passed.
"""
EXAMPLES = """\
strongroom set bank/checking username=dustin password
strongroom set mail/smtp host=smtp.example.org user=bot
strongroom set web/session key --generate --length 64
strongroom set tls/site --field-file key=site.key --expires 90d
echo '{"user": "bot", "password": "tr0ub4dor"}' | strongroom set mail/imap --json
"""


class Arguments(GlobalArguments):
    """What ``set`` was given."""

    path: str
    field: list[str]
    field_file: list[str]
    generate: bool = False
    length: int | None = None
    replace: bool = False
    cas: int | None = None
    expires: timedelta | Literal["never"] | None = None

    def __init__(self) -> None:
        self.field = []
        self.field_file = []


def add_options(parser: ArgumentParser) -> None:
    """Add ``--field-file``, ``--generate``, ``--length``, ``--replace``, ``--cas`` and ``--expires``."""
    from strongroom.doors.cli.arguments import positive_number, whole_number
    from strongroom.doors.cli.spans import expiry

    parser.add_argument(
        "--field-file", metavar="NAME=FILE", action="append", default=[], help="store the bytes of FILE as NAME"
    )
    parser.add_argument("--generate", action="store_true", default=False, help="make up the value of each bare name")
    parser.add_argument("--length", metavar="N", type=positive_number, help="characters to generate (default: 32)")
    parser.add_argument("--replace", action="store_true", default=False, help="drop the fields that are not given")
    parser.add_argument("--cas", metavar="N", type=whole_number, help="only if version N is current; 0: only if absent")
    parser.add_argument(
        "--expires", metavar="WHEN", type=expiry, help="reading it fails then: 90d, 2030-12-31 or never"
    )


def run(arguments: Arguments) -> int:
    """Open the vault, collect the values, store them."""
    from strongroom.doors.cli.values import check_words, collect

    path = checked_path(arguments.path)
    if arguments.length is not None and not arguments.generate:
        raise UsageError("--length goes with --generate")
    check_words(arguments)
    try:
        # Opened first: nobody likes to type a password, twice, to hear that there is no vault.
        with open_items(arguments) as vault:
            fields = collect(path, arguments)
            version = _store(vault, path, fields, arguments)
    except ValueError as error:
        # Too many fields, or too much in them; the message names fields and limits only.
        raise UsageError(f"{path} cannot be stored: {error}") from None
    if arguments.json:
        from strongroom.doors.cli.fields import describe_version

        output.json({"path": path, **describe_version(version)})
    else:
        until = f", until {version.expires:%Y-%m-%d %H:%M} UTC" if version.expires else ""
        output.note(f"stored {path}, version {version.number}{until}")
    return 0


def _store(vault: Vault, path: str, fields: Mapping[str, Field], arguments: Arguments) -> Version:
    lifetime = None if arguments.expires == "never" else arguments.expires
    if arguments.replace or arguments.cas == 0:
        return vault.set(path, fields, cas=arguments.cas, expires=lifetime)
    return vault.patch(path, fields, cas=arguments.cas, expires=arguments.expires, create=True)
