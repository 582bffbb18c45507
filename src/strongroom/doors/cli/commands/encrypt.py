"""``strongroom encrypt``: a file or stream of any size, for recipients, a key of the vault, or a passphrase."""

from __future__ import annotations

from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "encrypt a file: recipients, a key of the vault, a passphrase"
WORDS = "[FILE]"
DETAILS = """\
Without FILE, standard input goes encrypted to standard output. Recipients are age1...,
age1pq1... or SSH public keys, and files of them; age opens what is encrypted to them.
A key is one of kind aead or box: strongroom key create NAME --kind aead.
Encrypting says nothing about who did it: strongroom sign does.
"""
EXAMPLES = """\
strongroom encrypt app.tar.gz --recipient ~/.ssh/id_ed25519.pub
strongroom key create files --kind aead
strongroom encrypt report.csv --key files
"""


class Arguments(GlobalArguments):
    """What ``encrypt`` was given."""

    file: str = "-"
    recipient: list[str]
    key: list[str]
    passphrase: bool = False
    format: str | None = None
    armor: bool = False
    output: str | None = None
    force: bool = False

    def __init__(self) -> None:
        self.recipient = []
        self.key = []


def add_options(parser: ArgumentParser) -> None:
    """Add who it is for, and how it is written."""
    parser.add_argument(
        "-r", "--recipient", metavar="R", action="append", default=[],
        help="age1..., an SSH public key, or a file of these; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--key", metavar="NAME", action="append", default=[], help="a key of the vault; may be repeated"
    )
    parser.add_argument("-p", "--passphrase", action="store_true", default=False, help="a passphrase")
    parser.add_argument("--format", choices=("age", "strongroom"), help="default: age for recipients, else strongroom")
    parser.add_argument("-a", "--armor", action="store_true", default=False, help="write text")
    parser.add_argument("-o", "--output", metavar="OUT", help="write to OUT (default: FILE.age or FILE.strongroom)")
    parser.add_argument("--force", action="store_true", default=False, help="replace OUT if it exists")


def run(arguments: Arguments) -> int:
    """Encrypt it."""
    from strongroom.doors.cli.encrypting import encrypt

    return encrypt(arguments)
