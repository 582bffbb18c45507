"""``strongroom token KIND``: a random value on standard output, what it is worth on standard error."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.commands.token import Arguments
    from strongroom.secret import SecretStr

# What --length counts, and how many there are without it; 0 where there is nothing to choose.
_SIZES = {"hex": 32, "urlsafe": 32, "digits": 6, "passphrase": 6, "django": 0, "fernet": 0, "uuid": 0}


def make(arguments: Arguments) -> int:
    """Print a new value; with a note of its bits where they are few enough to be thought about."""
    from strongroom.credentials import tokens

    kind = arguments.action
    _refuse_others(arguments)
    size = arguments.length or _SIZES[kind]
    try:
        value = _value(kind, size, arguments)
    except ValueError as error:
        raise UsageError(f"--length: {error}") from None
    bits = tokens.entropy_bits(kind, size)
    if arguments.json:
        output.json({"value": value.reveal(), "entropy_bits": round(bits, 1)})
        return OK
    output.value(value.reveal_buffer())
    if kind == "passphrase":
        output.note(f"{size} words, each one of 7,776 by chance: {bits:.1f} bits")
    elif kind == "digits":
        output.note(f"{size} digits: {bits:.1f} bits, which only hold where few tries are allowed")
    return OK


def _value(kind: str, size: int, arguments: Arguments) -> SecretStr:
    from strongroom.credentials import tokens

    if kind == "passphrase":
        return tokens.passphrase(size, separator="-" if arguments.separator is None else arguments.separator)
    if _SIZES[kind]:
        sized = {"hex": tokens.hex, "urlsafe": tokens.urlsafe, "digits": tokens.digits}
        return sized[kind](size)
    return {"django": tokens.django, "fernet": tokens.fernet, "uuid": tokens.uuid}[kind]()


def _refuse_others(arguments: Arguments) -> None:
    kind = arguments.action
    if arguments.prefix or arguments.scope or arguments.lifetime or arguments.overlap:
        raise UsageError(f"token {kind} takes none of --prefix, --scope, --for, --overlap: token issue NAME does")
    if arguments.length is not None and not _SIZES[kind]:
        raise UsageError(f"token {kind} has one length")
    if arguments.separator is not None and kind != "passphrase":
        raise UsageError("--separator goes with token passphrase")
