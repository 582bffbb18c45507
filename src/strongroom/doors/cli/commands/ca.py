"""``strongroom ca``: a certificate authority of one's own, whose certificates every verifier takes."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

SUMMARY = "certificates for TLS: a certificate authority, what it issues and revokes"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  ca init                    make a root and an intermediate; --permit NAME says for what (repeated)
  ca issue NAME...           a certificate and its key, in one file: --out FILE; or for a request
                             of somebody else, who has the key: --csr FILE
  ca list                    all that were issued; --expiring 14d: what ends soon
  ca export root             the certificate that clients trust; or chain: the intermediate

NAME is a DNS name, *.DOMAIN, an address, a mailbox or spiffe://DOMAIN/PATH; never a secret.
"""
_GRAMMARS = {"init": "", "list": "", "issue": "NAMES...", "export": "WHAT"}


class Arguments(GlobalArguments):
    """What ``ca`` was given."""

    action: str = "list"
    word: list[str]
    names: list[str]
    what: str = ""
    permit: list[str]
    name: str = "strongroom"
    kind: str = "p256"
    root_key_file: str | None = None
    out: str | None = None
    force: bool = False
    csr: str | None = None
    profile: str = "server"
    lifetime: timedelta | None = None
    expiring: timedelta | None = None
    der: bool = False

    def __init__(self) -> None:
        self.word = []
        self.permit = []


def add_options(parser: ArgumentParser) -> None:
    """Add what the actions take."""
    from strongroom.doors.cli.spans import span

    kinds = ("p256", "p384", "rsa3072", "ed25519")
    profiles = ("server", "client", "peer")
    parser.add_argument(
        "--permit", metavar="NAME", action="append", default=[], help="of init: a domain or network to issue for"
    )
    parser.add_argument("--name", metavar="TEXT", default="strongroom", help="of init: what it is called")
    parser.add_argument("--kind", choices=kinds, default="p256", help="of the new key (default: p256)")
    parser.add_argument("--root-key-file", metavar="FILE", default=None, help="where the root's key is kept apart")
    parser.add_argument("-o", "--out", metavar="FILE", default=None, help="write there; - is standard output")
    parser.add_argument("--force", action="store_true", default=False, help="replace FILE if it exists")
    parser.add_argument("--csr", metavar="FILE", default=None, help="of issue: a request, in place of a new key")
    parser.add_argument("--profile", choices=profiles, default="server", help="peer is server and client")
    parser.add_argument("--for", metavar="SPAN", dest="lifetime", type=span, default=None, help="ends after, as in 7d")
    parser.add_argument("--expiring", metavar="SPAN", type=span, default=None, help="of list: what ends within")
    parser.add_argument("--der", action="store_true", default=False, help="of export: bytes and not text")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli import certificates
    from strongroom.doors.cli.arguments import take_words

    if arguments.action not in _GRAMMARS:
        raise UsageError(f"ca takes {', '.join(_GRAMMARS)}", advice="strongroom ca --help")
    take_words(f"ca {arguments.action}", _GRAMMARS[arguments.action], arguments.word, arguments)
    return certificates.ACTIONS[arguments.action](arguments)
