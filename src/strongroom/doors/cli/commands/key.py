"""``strongroom key``: keys that the vault keeps, each for one purpose, with versions."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

SUMMARY = "keys that the vault keeps: create, rotate, use, export"
WORDS = "[ACTION] [NAME]"
DETAILS = """\
  key list                    the keys of this vault
  key create NAME             a new one: --kind aead, fernet, signing, box or hmac
  key show NAME               its versions, and how far its rotation has come
  key rotate NAME             a new version for what is new; older ones go on decrypting. In two
                              phases: --stage publishes it, --promote makes it the primary, and
                              --retire disables older ones when nothing has needed them for --quiet
  key disable NAME            its --version N decrypts nothing any more
  key enable NAME             its --version N decrypts again
  key min NAME --version N    let versions below N decrypt nothing
  key destroy NAME            for good, with all that was encrypted with it; or one --version N
  key export NAME --public    its public part: --format minisign, ssh, age, age-pq, pem, base64, raw; or
                              signers: which version is good when, for strongroom check and ssh-keygen
  key export NAME --private   its private part: --format base64, raw or pem
  key import NAME             a private part in base64 on standard input: a new key of --kind, or a
                              new version of one that exists; with --public somebody else's public
                              part, in any of these formats, to verify or to seal with
  key encrypt NAME            standard input, as base64 for a column or a cookie (--raw: as bytes)
  key decrypt NAME            what key encrypt wrote; a Fernet token needs --max-age or --any-age
  key rewrap NAME             the same under the primary version
  key mac NAME                HMAC-SHA-256 of standard input, in hex (kind hmac)
  key derive                  without a vault: the Fernet key of a password, and what leads to it
                              again: --parameters

A key of one kind serves no other purpose. Files: strongroom encrypt, decrypt, sign, check.
"""
EXAMPLES = """\
strongroom key create cookies --kind aead
echo 'a message' | strongroom key encrypt cookies
strongroom key rotate cookies
strongroom key show cookies
"""
_NAMELESS = ("list", "derive")
_ACTIONS = (
    "list", "create", "show", "rotate", "disable", "enable", "min", "destroy", "export", "import", "encrypt",
    "decrypt", "rewrap", "mac", "derive",
)  # fmt: skip


class Arguments(GlobalArguments):
    """What ``key`` was given."""

    action: str = "list"
    name: str | None = None
    kind: str | None = None
    stage: bool = False
    promote: bool = False
    retire: bool = False
    quiet: timedelta | None = None
    version: int | None = None
    public: bool = False
    private: bool = False
    format: str | None = None
    max_age: timedelta | None = None
    any_age: bool = False
    associated_data: str = ""
    overlap: timedelta | None = None
    raw: bool = False
    parameters: str | None = None
    compliance: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add what the actions take."""
    from strongroom.doors.cli.arguments import positive_number
    from strongroom.doors.cli.spans import span, span_or_zero

    kinds = ("aead", "fernet", "signing", "box", "hmac")
    formats = ("raw", "minisign", "ssh", "signers", "age", "age-pq", "pem", "base64")
    parser.add_argument("--kind", choices=kinds, default=None, help="of create and import: what it is for")
    phase = parser.add_mutually_exclusive_group()
    phase.add_argument("--stage", action="store_true", default=False, help="publish the new version for decryption")
    phase.add_argument("--promote", action="store_true", default=False, help="make the staged version the primary")
    phase.add_argument("--retire", action="store_true", default=False, help="disable older versions, if out of use")
    parser.add_argument(
        "--quiet", metavar="SPAN", type=span_or_zero, default=None, help="out of use for so long (default: 7d)"
    )
    parser.add_argument("--version", metavar="N", type=positive_number, default=None, help="one version of the key")
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--public", action="store_true", default=False, help="export what may be shown")
    half.add_argument("--private", action="store_true", default=False, help="export the key itself")
    parser.add_argument("--format", choices=formats, default=None, help="how it is written")
    parser.add_argument(
        "--overlap", metavar="SPAN", type=span, default=None, help="of signers: how long replaced versions stay good"
    )
    parser.add_argument("--max-age", metavar="SPAN", type=span, default=None, help="refuse what is older")
    parser.add_argument("--any-age", action="store_true", default=False, help="take a token however old it is")
    parser.add_argument("--associated-data", metavar="TEXT", default="", help="what the data belongs to; no secret")
    parser.add_argument("--parameters", metavar="TEXT", default=None, help="of derive: what an earlier call has shown")
    parser.add_argument("--compliance", action="store_true", default=False, help="of derive: PBKDF2, not Argon2id")
    parser.add_argument("--raw", action="store_true", default=False, help="messages as bytes and not as base64")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli import key_uses, keys
    from strongroom.doors.cli.actions import no_action

    action = arguments.action
    if action not in _ACTIONS:
        raise no_action("key", action, _ACTIONS)
    if (arguments.name is None) != (action in _NAMELESS):
        needs, shown = ("takes no NAME", "") if action in _NAMELESS else ("needs NAME", " NAME")
        raise UsageError(f"key {action} {needs}", advice=f"strongroom key {action}{shown}")
    return {**keys.ACTIONS, **key_uses.ACTIONS}[action](arguments)
