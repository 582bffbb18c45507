"""Where the values of ``set`` come from: the terminal, standard input, files, chance."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.inputs import read_file, read_stdin, stdin_is_terminal, terminal_for
from strongroom.doors.cli.opening import checked_field
from strongroom.errors import WouldPrompt
from strongroom.items import Field, is_secret_name, quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.commands.set import Arguments

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""64 characters that need no quoting in shells, URLs and config files: 6 bits each."""

LENGTH_DEFAULT = 32
LENGTH_MIN = 8
LENGTH_MAX = 4096


def check_words(arguments: Arguments) -> dict[str, str | None]:
    """Name -> public text, or None for a value that is still to be fetched; nothing is asked or read.

    Raises: UsageError: as `collect`.
    """
    given = _sort_out(arguments)
    wanted = [name for name, text in given.items() if text is None]
    if len(wanted) > 1 and not arguments.generate and not stdin_is_terminal():
        raise UsageError(
            f"standard input is one value, and {' and '.join(wanted)} are {len(wanted)}",
            advice="one call for each, or an object for all of them: strongroom set PATH --json",
        )
    return given


def collect(path: str, arguments: Arguments) -> dict[str, Field]:
    """The fields to store.

    Args:
        path: the item, for prompts.
        arguments: of ``set``.

    Raises:
        UsageError: a secret on the command line, two values from one standard input, a field twice.
        WouldPrompt: a value is missing, and there is neither a terminal nor anything on standard input.
    """
    given = check_words(arguments)
    fields: dict[str, Field] = {}
    for name, text in given.items():
        if text is not None:
            fields[name] = Field(name, "text", text.encode("utf-8"), is_secret=False)
        elif arguments.generate:
            fields[name] = Field(name, "text", generate(arguments.length or LENGTH_DEFAULT), is_secret=True)
            output.note(f"generated {arguments.length or LENGTH_DEFAULT} characters for {name}")
        else:
            fields[name] = _typed(path, name) if stdin_is_terminal() else _piped(name)
    for word in arguments.field_file:
        field = _from_file(word)
        if field.name in fields:
            raise UsageError(f"field {field.name} is given twice")
        fields[field.name] = field
    return fields or _object()


def _sort_out(arguments: Arguments) -> dict[str, str | None]:
    """Name -> public text, or None for a value that is still to be fetched."""
    given: dict[str, str | None] = {}
    for word in arguments.field:
        name, equals, text = word.partition("=")
        if checked_field(name) in given:
            raise UsageError(f"field {name} is given twice")
        given[name] = _public(arguments.path, name, text) if equals else None
    if not given and not arguments.field_file and not arguments.json:
        given["password"] = None
    return given


def _public(path: str, name: str, text: str) -> str:
    if is_secret_name(name):
        known = "\nthe value is in the shell's history now: consider it known, and change it" if text else ""
        raise UsageError(
            f"{name} is secret: on the command line everybody on this machine can read it",
            advice=f"to be asked for it, or to pipe it: strongroom set {quoted_name(path, name)}{known}",
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"the value of {name} is not UTF-8", advice=f"--field-file {name}=FILE takes bytes") from None
    return text


def generate(length: int) -> bytearray:
    """Random characters of `ALPHABET`.

    Raises: UsageError: *length* is not within 8 and 4,096.
    """
    from strongroom.crypto.entropy import random_buffer

    if not LENGTH_MIN <= length <= LENGTH_MAX:
        raise UsageError(f"--length takes {LENGTH_MIN} to {LENGTH_MAX}")
    characters = random_buffer(length)
    for place, byte in enumerate(characters):
        # 64 divides 256: every character is equally likely.
        characters[place] = ord(ALPHABET[byte & 63])
    return characters


def _typed(path: str, name: str) -> Field:
    with terminal_for(name) as terminal:
        return _text_or_bytes(name, terminal.ask_new(output.escape(f"{name} of {path}")))


def _piped(name: str) -> Field:
    data = read_stdin()
    if data.endswith(b"\n"):
        del data[-1:]
    if not data:
        # Never store an empty string because a program in front of the pipe failed.
        raise WouldPrompt(
            f"there is no value for {name}: standard input is empty, and no terminal to ask on",
            advice=f"to store an empty value on purpose: echo '{{\"{name}\": \"\"}}' | strongroom set PATH --json",
        )
    return _text_or_bytes(name, data)


def _text_or_bytes(name: str, data: bytearray) -> Field:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return Field(name, "bytes", data, is_secret=True)
    return Field(name, "text", data, is_secret=True)


def _from_file(word: str) -> Field:
    name, equals, path = word.partition("=")
    if not equals or not path:
        raise UsageError("--field-file takes NAME=FILE")
    return Field(checked_field(name), "bytes", read_file(path), is_secret=True)


def _object() -> dict[str, Field]:
    from strongroom.doors.cli.fields import fields_from_json

    text = read_stdin()
    if not text.strip():
        raise WouldPrompt("there is no JSON object on standard input")
    return fields_from_json(text)
