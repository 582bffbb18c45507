"""``strongroom sign``: a detached signature that stock tools verify."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "sign a file, for minisign or ssh-keygen to verify"
WORDS = "FILE"
DETAILS = """\
The key is one of kind signing: strongroom key create NAME --kind signing. The signature goes
to FILE.minisig, or to FILE.sshsig with --format ssh; the command that verifies it without
strongroom is shown. Standard input is signed as the FILE "-", and needs --output.
"""
EXAMPLES = """\
strongroom key create release --kind signing
strongroom sign app.tar.gz --key release
strongroom sign app.tar.gz --key release --format ssh
"""


class Arguments(GlobalArguments):
    """What ``sign`` was given."""

    file: str
    key: str | None = None
    format: str = "minisign"
    namespace: str | None = None
    comment: str | None = None
    output: str | None = None
    force: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add the key, the format and what is signed besides the file."""
    parser.add_argument("--key", metavar="NAME", help="the key of the vault to sign with")
    parser.add_argument("--format", choices=("minisign", "ssh"), default="minisign", help="default: minisign")
    parser.add_argument("--namespace", metavar="WORD", help="what an ssh signature is for (default: file)")
    parser.add_argument("--comment", metavar="TEXT", help="minisign's trusted comment, which is signed too")
    parser.add_argument("-o", "--output", metavar="OUT", help="write to OUT (default: FILE.minisig or FILE.sshsig)")
    parser.add_argument("--force", action="store_true", default=False, help="replace OUT if it exists")


def run(arguments: Arguments) -> int:
    """Sign it, and say how it is verified."""
    from strongroom.credentials import signing, stored_keys
    from strongroom.doors.cli.opening import open_items
    from strongroom.doors.cli.signatures import SUFFIXES, checked_use, report
    from strongroom.doors.cli.streams import STANDARD, Showing, Tidy, open_source, open_target

    if not arguments.key:
        raise UsageError("sign needs --key NAME", advice="strongroom key create NAME --kind signing")
    namespace = checked_use(arguments)
    if arguments.file == STANDARD and arguments.output is None:
        raise UsageError("name the signature of standard input: --output OUT")
    path = arguments.output if arguments.output is not None else arguments.file + SUFFIXES[arguments.format]
    try:
        with (
            Tidy(),
            open_source(arguments.file) as source,
            open_target(path, is_secret=False, replace=arguments.force) as target,
        ):
            with open_items(arguments) as vault:
                key = stored_keys.signing_key(vault.keys[arguments.key])
            with key, Showing("signed", source) as progress:
                if arguments.format == signing.SSH:
                    signature = signing.sign_ssh(source, key, namespace=namespace, progress=progress)
                else:
                    signature = signing.sign_minisign(
                        source, key, name=_name(arguments.file), comment=arguments.comment, progress=progress
                    )
                target.write(signature)
                target.publish()
                report(arguments, path, key)
    except ValueError as error:
        raise UsageError(str(error)) from None
    except BrokenPipeError:
        raise output.ClosedOutput from None
    return OK


def _name(file: str) -> str:
    from os.path import basename

    return "" if file == "-" else basename(file)
