"""``strongroom init``: make a vault with its first key slots."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.inputs import new_passphrase, read_passphrase_line, remark_on_strength, stdin_is_terminal
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.next_steps import report
from strongroom.doors.cli.opening import location_of
from strongroom.doors.cli.recovery_codes import may_show_code
from strongroom.errors import WouldPrompt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.keys.slots.recovery import RecoveryCredential

SUMMARY = "make a vault"
WORDS = ""
DETAILS = """\
--key-file FILE gives the vault a key file slot: the file is made with mode 0400 if it is
absent, and used if it is there. --passphrase and --key-file together make two slots, and
either opens the vault. Without a terminal the passphrase is one line of standard input.
--keyring, --age and --shares make slots of these kinds, as strongroom slot add does.
"""
EXAMPLES = """\
strongroom init --passphrase
# for a program that starts without you, such as a cron job
strongroom init --vault jobs.db --key-file jobs.key
# for whoever holds this SSH key
strongroom init --vault team.db --age ~/.ssh/id_ed25519.pub
"""


class Arguments(GlobalArguments):
    """What ``init`` was given."""

    passphrase: bool = False
    recovery_code: bool | None = None
    keyring: bool = False
    age: str | None = None
    shares: str | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add an option for each kind of slot."""
    parser.add_argument("--passphrase", action="store_true", default=False, help="open it with a passphrase")
    parser.add_argument(
        "--recovery-code", action="store_true", default=None, help="make a recovery code, shown once (a terminal asks)"
    )
    parser.add_argument("--no-recovery-code", dest="recovery_code", action="store_false", help="make none")
    parser.add_argument("--keyring", action="store_true", default=False, help="open it with the desktop's keyring")
    parser.add_argument("--age", metavar="RECIPIENT", help="open it with this age recipient's or SSH key's identity")
    parser.add_argument("--shares", metavar="TofN", help="open it with T of N shares together, such as 2of3")


def run(arguments: Arguments) -> int:
    """Make the vault and say how it goes on."""
    from contextlib import ExitStack

    from strongroom.doors.cli.new_credentials import new_credential
    from strongroom.locate.making import make_vault, refuse_existing
    from strongroom.locate.recognition import remember_new

    location = location_of(arguments)
    refuse_existing(location)
    wants_passphrase = arguments.passphrase or arguments.passphrase_fd is not None
    kinds = [kind for kind in ("keyring", "age", "shares") if getattr(arguments, kind)]
    if not wants_passphrase and arguments.key_file is None and not kinds:
        if not stdin_is_terminal():
            raise WouldPrompt(
                "what shall open the vault?",
                advice="strongroom init --passphrase      a passphrase, as one line of standard input\n"
                "strongroom init --key-file FILE   a key file, made with mode 0400 if absent",
            )
        wants_passphrase = True
    if arguments.recovery_code:
        may_show_code(arguments)
    with ExitStack() as stack:
        made = [stack.enter_context(new_credential(kind, _detail(arguments, kind), arguments)) for kind in kinds]
        others = [one.credential for one in made]
        # The passphrase before the question: whoever expects to be asked for it types it at the first prompt.
        passphrase = _passphrase(arguments) if wants_passphrase else None
        recovery = _new_code() if _wants_recovery_code(arguments) else None
        with make_vault(
            location, key_file=arguments.key_file, passphrase=passphrase, recovery=recovery, others=others
        ) as vault:
            for one in made:
                one.keep()
            remember_new(vault, tell=output.note)
            report(vault, recovery, arguments, {name: code for one in made for name, code in one.codes().items()})
    return 0


def _detail(arguments: Arguments, kind: str) -> str | None:
    return {"age": arguments.age, "shares": arguments.shares}.get(kind)


def _passphrase(arguments: Arguments) -> bytearray:
    if arguments.passphrase_fd is not None:
        passphrase = read_passphrase_line(arguments.passphrase_fd)
        remark_on_strength(passphrase)
        return passphrase
    return new_passphrase(arguments)


def _wants_recovery_code(arguments: Arguments) -> bool:
    if arguments.recovery_code is not None or arguments.json or arguments.yes or not stdin_is_terminal():
        return bool(arguments.recovery_code)
    from strongroom.locate.terminal import Terminal

    terminal = Terminal.open()
    if terminal is None:
        return False
    with terminal:
        return terminal.confirm(
            "Make a recovery code? It opens the vault when passphrase and key file are lost.", default=True
        )


def _new_code() -> RecoveryCredential:
    from strongroom.keys.slots.recovery import new_recovery_code

    return new_recovery_code()
