"""``strongroom ca``: a certificate authority of one's own, whose certificates every verifier takes."""

from __future__ import annotations

from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import timedelta

SUMMARY = "certificates for TLS, of an authority of your own"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  ca init                    make a root and an intermediate; --permit NAME says for what (repeated)
  ca issue NAME...           a certificate and its key, in one file: --out FILE; or for a request
                             of somebody else, who has the key: --csr FILE; with --watch it is
                             renewed for ever, and --exec COMMAND tells a server each time
  ca list                    all that were issued; --expiring 14d: what ends soon
  ca renew FILE              a new certificate and key in the place of those in FILE; with
                             --expiring 3d only if it ends so soon; or ca renew intermediate
  ca timer FILE              a systemd timer that does so; for the machine with --system
  ca revoke SERIAL           or FILE: good no longer, with --reason
  ca crl                     the list of what was revoked, good for 7 days
  ca export --root           the certificate that clients trust; --chain: the intermediate; --bundle:
                             all that the system trusts, and it; --pkcs12 FILE: key and certificates
  ca trust install [FILE]    have this machine trust the root, or the one in FILE: the system, Chromium,
                             Firefox
  ca trust remove [FILE]     take it out of all of them
  ca trust status            where it is trusted
  ca doctor                  what is wrong with the authority, or soon will be

NAME is a DNS name, *.DOMAIN, an address, a mailbox or spiffe://DOMAIN/PATH; never a secret.
"""
EXAMPLES = """\
strongroom ca init --permit home.arpa --permit 192.168.0.0/16 --root-key-file root.key
strongroom ca issue nas.home.arpa 192.168.1.10 --out nas.pem
strongroom ca list --expiring 14d
strongroom ca export --root > root.pem
"""
_GRAMMARS = {
    **dict.fromkeys(("init", "list", "crl", "export", "doctor"), ""),
    **dict.fromkeys(("renew", "revoke", "timer"), "FILE=what"),
    "issue": "NAME=names...",
    "trust": "[DOING] [FILE=what]",
}


class Arguments(GlobalArguments):
    """What ``ca`` was given."""

    action: str = "list"
    word: list[str]
    names: list[str]
    what: str = ""
    doing: str = "status"
    form: str = "root"
    pkcs12: str | None = None
    reason: str = "unspecified"
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
    watch: bool = False
    exec: str | None = None
    store: str | None = None
    system: bool = False

    def __init__(self) -> None:
        self.word = []
        self.permit = []


def add_options(parser: ArgumentParser) -> None:
    """Add what the actions take."""
    from strongroom.doors.cli.spans import span

    kinds = ("p256", "p384", "rsa3072", "ed25519")
    reasons = ("unspecified", "key-compromise", "affiliation-changed", "superseded", "cessation-of-operation")
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
    parser.add_argument(
        "--expiring", metavar="SPAN", type=span, default=None, help="of list, renew, timer: what ends within"
    )
    parser.add_argument("--reason", choices=reasons, default="unspecified", help="of revoke: why")
    parser.add_argument("--watch", action="store_true", default=False, help="of issue: stay, and renew it in time")
    parser.add_argument("--exec", metavar="COMMAND", default=None, help="of issue, renew, timer: run it after each")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--root", dest="form", action="store_const", const="root", default="root", help="of export")
    form.add_argument("--chain", dest="form", action="store_const", const="chain", default="root", help="of export")
    form.add_argument("--bundle", dest="form", action="store_const", const="bundle", default="root", help="of export")
    form.add_argument("--pkcs12", metavar="FILE", default=None, help="of export: what ca issue wrote, encrypted")
    parser.add_argument("--store", choices=("system", "nss"), default=None, help="of trust: only these stores")
    parser.add_argument("--system", action="store_true", default=False, help="of timer: for the machine")
    parser.add_argument("--der", action="store_true", default=False, help="of export and crl: bytes and not text")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli import certificate_files, certificate_timers, certificates, trusting
    from strongroom.doors.cli.actions import take_action

    take_action("ca", _GRAMMARS, arguments)
    actions = certificates.ACTIONS | certificate_files.ACTIONS | certificate_timers.ACTIONS | trusting.ACTIONS
    return actions[arguments.action](arguments)
