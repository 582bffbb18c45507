"""``encrypt``: who it is for, in which format, and where it goes."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.streams import STANDARD, Showing, Tidy, open_source, open_target, read_small
from strongroom.errors import NotFound
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.recipients import Passphrase, Recipient
    from strongroom.credentials.streams import NewStream
    from strongroom.doors.cli.commands.encrypt import Arguments
    from strongroom.vault.vault import Vault

SUFFIXES = {"age": ".age", "strongroom": ".strongroom"}
_RECIPIENTS_BYTES_MAX = 1_048_576


def encrypt(arguments: Arguments) -> int:
    """Encrypt FILE, or standard input.

    Returns: the exit code.
    """
    if not (arguments.recipient or arguments.key or arguments.passphrase):
        raise UsageError(
            "encrypt needs to know who may open it",
            advice="\n".join(
                f"strongroom encrypt {'' if arguments.file == STANDARD else quoted(arguments.file) + ' '}{one}"
                for one in ("--recipient age1...", "--key NAME", "--passphrase")
            ),
        )
    format = arguments.format or _usual_format(arguments)
    path = arguments.output if arguments.output is not None else _usual_output(arguments.file, format)
    if path == STANDARD and output.is_terminal() and not arguments.armor:
        raise UsageError("a terminal is no place for encrypted bytes", advice="--output FILE\n--armor, for text")
    try:
        # The files first, so that nobody types a passphrase in vain.
        with (
            Tidy(),
            open_source(arguments.file) as source,
            open_target(path, is_secret=False, replace=arguments.force) as target,
        ):
            stream = _begin(arguments, format)
            with Showing("encrypted", source) as progress:
                stream.write_to(source, target, progress=progress)
            target.publish()
    except ValueError as error:
        raise UsageError(str(error)) from None
    except BrokenPipeError:
        raise output.ClosedOutput from None
    _report(arguments, path, format, target.written)
    return OK


def _begin(arguments: Arguments, format: str) -> NewStream:
    """The vault is closed and the passphrase forgotten when this returns, however long the file is."""
    from strongroom.credentials.streams import NewStream
    from strongroom.doors.cli.opening import open_items

    recipients: list[Recipient] = []
    try:
        if arguments.key:
            with open_items(arguments) as vault:
                recipients += _recipients(arguments, vault)
                return NewStream(recipients, format=format, armor=arguments.armor)
        recipients += _recipients(arguments, None)
        return NewStream(recipients, format=format, armor=arguments.armor)
    finally:
        for one in recipients:
            one.wipe()


def _report(arguments: Arguments, path: str, format: str, written: int) -> None:
    if path == STANDARD:
        return
    if arguments.json:
        output.json({"output": path, "format": format, "bytes": written})
    else:
        output.note(f"wrote {path}")


def _recipients(arguments: Arguments, vault: Vault | None) -> list[Recipient]:
    from strongroom.credentials import stored_keys

    found: list[Recipient] = []
    for text in arguments.recipient:
        found += _parse(text)
    if vault is not None:
        found += [stored_keys.recipient(vault.keys[name]) for name in arguments.key]
    if arguments.passphrase:
        if found:
            raise UsageError("a passphrase stands alone: nobody else can be a recipient of the same file")
        found.append(_new_passphrase(arguments))
    return found


def _parse(text: str) -> list[Recipient]:
    """The recipient that *text* is, or those of the file that it names."""
    from strongroom.credentials import streams

    try:
        if text.startswith(("age1", "ssh-")):
            return [streams.parse_recipient(text)]
        return streams.parse_recipients(read_small(text, _RECIPIENTS_BYTES_MAX, "recipients file"))
    except NotFound as error:
        error.advice = error.advice or "a recipient itself begins with age1, ssh-ed25519 or ssh-rsa"
        raise
    except ValueError as error:
        where = "" if text.startswith(("age1", "ssh-")) else f"{text}: "
        raise UsageError(f"{where}{error}") from None


def _new_passphrase(arguments: Arguments) -> Passphrase:
    from strongroom.credentials.recipients import Passphrase
    from strongroom.doors.cli.inputs import new_passphrase, read_passphrase_line, remark_on_strength, terminal_for

    if arguments.passphrase_fd is not None:
        typed = read_passphrase_line(arguments.passphrase_fd)
    elif arguments.file == STANDARD:
        # Standard input is what is encrypted.
        with terminal_for("passphrase of the file") as terminal:
            typed = terminal.ask_new("passphrase of the file")
        remark_on_strength(typed, of="file")
    else:
        typed = new_passphrase(arguments, "passphrase of the file", of="file")
    return Passphrase(typed)


def _usual_format(arguments: Arguments) -> str:
    """age for recipients that have its form, else ours."""
    return "age" if arguments.recipient else "strongroom"


def _usual_output(file: str, format: str) -> str:
    return STANDARD if file == STANDARD else file + SUFFIXES[format]
