"""``strongroom token``: random values, and tokens that are issued, verified, rotated and revoked."""

from __future__ import annotations

from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

SUMMARY = "make a random value; issue, verify, rotate and revoke tokens"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  token [urlsafe]            32 random bytes (--length) in URL-safe base64
  token hex                  the same in hexadecimal
  token digits               6 decimal digits (--length)
  token django | fernet | uuid   a SECRET_KEY, a Fernet key, a random UUID
  token passphrase           6 words (--length) of a list of 7,776, --separator between them
  token issue NAME           a token for others, shown once; --scope, --for, --prefix
  token verify               the token that is typed, or on standard input; exit 6, 12 or 5 when not
  token rotate ID            a new one in its place; --overlap SPAN keeps the old one good so long
  token revoke ID            refuse it from now on
  token list                 all that were issued, without the tokens
  token recognise            without a vault: whether standard input is one, and its prefix and id

Of an issued token the vault keeps its SHA-256 alone. ID is the middle part of the token.
"""
EXAMPLES = """\
strongroom token
strongroom token passphrase --length 6
strongroom token issue deploy --scope write --for 90d
strongroom token list
"""
_GRAMMARS = {
    **dict.fromkeys(("hex", "urlsafe", "digits", "django", "fernet", "uuid", "passphrase"), ""),
    **dict.fromkeys(("verify", "list", "recognise"), ""),
    **dict.fromkeys(("rotate", "revoke"), "ID"),
    "issue": "NAME",
}


class Arguments(GlobalArguments):
    """What ``token`` was given."""

    action: str = "urlsafe"
    word: list[str]
    name: str
    id: str
    length: int | None = None
    separator: str | None = None
    prefix: str | None = None
    scope: list[str]
    lifetime: timedelta | None = None
    overlap: timedelta | None = None

    def __init__(self) -> None:
        self.word = []
        self.scope = []


def add_options(parser: ArgumentParser) -> None:
    """Add how long, and for whom."""
    from strongroom.doors.cli.arguments import positive_number
    from strongroom.doors.cli.spans import span

    parser.add_argument("--length", metavar="N", type=positive_number, default=None, help="bytes, digits or words")
    parser.add_argument("--separator", metavar="TEXT", default=None, help="between the words (default: -)")
    parser.add_argument("--prefix", metavar="TEXT", default=None, help="what the tokens begin with (default: sr)")
    parser.add_argument(
        "--scope", metavar="WORD", action="append", default=[], help="of issue, repeated: what it may; of verify: must"
    )
    parser.add_argument("--for", metavar="SPAN", dest="lifetime", type=span, default=None, help="ends after, as in 90d")
    parser.add_argument("--overlap", metavar="SPAN", type=span, default=None, help="of rotate: the old one ends after")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli import issuing, tokens
    from strongroom.doors.cli.actions import take_action

    take_action("token", _GRAMMARS, arguments)
    issued = {
        "issue": issuing.issue,
        "verify": issuing.verify,
        "rotate": issuing.rotate,
        "revoke": issuing.revoke,
        "list": issuing.show_all,
        "recognise": issuing.recognise,
    }
    return issued.get(arguments.action, tokens.make)(arguments)
