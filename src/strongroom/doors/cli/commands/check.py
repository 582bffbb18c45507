"""``strongroom check``: whether a signature fits a file, and whose it is."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import OK
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "check a signature of strongroom, minisign or ssh-keygen"
WORDS = "FILE [SIGNATURE]"
DETAILS = """\
SIGNATURE is FILE.minisig, FILE.sshsig or FILE.sig if not named. A signers file is OpenSSH's
allowed_signers, in which minisign keys may stand too ("WHO minisign RWQ..."), with
valid-after and valid-before for keys that take over from each other.
"""
EXAMPLES = """\
strongroom check app.tar.gz app.tar.gz.minisig --key release
strongroom check app.tar.gz app.tar.gz.sshsig --signers allowed_signers
"""


class Arguments(GlobalArguments):
    """What ``check`` was given."""

    file: str
    signature: str | None = None
    signers: str | None = None
    public_key: str | None = None
    key: str | None = None
    principal: str | None = None
    namespace: str = "file"
    at: int | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add whose signature is expected."""
    from strongroom.doors.cli.spans import moment

    parser.add_argument("--signers", metavar="FILE", help="a signers file, or a public key file of minisign or ssh")
    parser.add_argument("--public-key", metavar="TEXT", help="a public key: RWQ... or ssh-ed25519 AAAA...")
    parser.add_argument("--key", metavar="NAME", help="a key of the vault, with all its versions")
    parser.add_argument("--principal", metavar="WHO", help="who of the signers must have signed (default: anybody)")
    parser.add_argument("--namespace", metavar="WORD", default="file", help="what an ssh signature must be for")
    parser.add_argument("--at", metavar="WHEN", type=moment, help="when the keys must be valid (default: now)")


def run(arguments: Arguments) -> int:
    """Check it; whatever does not fit is an error."""
    from strongroom.credentials import signing
    from strongroom.doors.cli.signatures import find_signature, show, signers_of
    from strongroom.doors.cli.streams import Damaged, Showing, open_source, read_small

    path = arguments.signature or find_signature(arguments)
    signers = signers_of(arguments)
    signature = read_small(path, signing.SIGNATURE_BYTES_MAX, "signature")
    with Damaged(), open_source(arguments.file) as source, Showing("checked", source) as progress:
        checked = signing.check(
            source,
            signature,
            signers,
            namespace=arguments.namespace,
            principal=arguments.principal,
            at=arguments.at,
            progress=progress,
        )
    show(arguments, checked)
    return OK
