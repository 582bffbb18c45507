"""``strongroom decrypt``: a file or stream that strongroom or age encrypted."""

from __future__ import annotations

from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "decrypt a file that strongroom or age encrypted"
WORDS = "[FILE]"
DETAILS = """\
Without FILE, standard input goes decrypted to standard output. OUT appears when all of FILE
has proved intact, with mode 0600; a pipe receives each part as soon as that part has, and a
failure says that the end was not known to be intact. For a file that is encrypted to a key
of the vault, or with --key, the ways to open (--identity, --passphrase-fd...) open the vault;
for others --identity and --passphrase-fd open the file.
"""
EXAMPLES = """\
strongroom decrypt report.csv.strongroom -o report.csv
strongroom decrypt app.tar.gz.age --identity ~/.ssh/id_ed25519 -o - | tar tz
"""


class Arguments(GlobalArguments):
    """What ``decrypt`` was given."""

    file: str = "-"
    key: list[str]
    output: str | None = None
    force: bool = False

    def __init__(self) -> None:
        self.key = []


def add_options(parser: ArgumentParser) -> None:
    """Add whose key opens it, and where it goes."""
    parser.add_argument(
        "--key", metavar="NAME", action="append", default=[], help="with this key of the vault; may be repeated"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="write to OUT (default: FILE without its ending)")
    parser.add_argument("--force", action="store_true", default=False, help="replace OUT if it exists")


def run(arguments: Arguments) -> int:
    """Decrypt it."""
    from strongroom.doors.cli.decrypting import decrypt

    return decrypt(arguments)
