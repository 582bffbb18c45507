"""What ``file`` does with a file that it leaves as it is: decrypt, get, check."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.file_contents import About, read_encrypted
from strongroom.doors.cli.file_keys import Keys
from strongroom.errors import Tampered
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.encrypted_files import EncryptedFile


def decrypt(arguments: Arguments) -> int:
    """Write the plain text, once all of the file has proved intact."""
    from strongroom.doors.cli.ignoring import look_after
    from strongroom.doors.cli.streams import STANDARD, Tidy, open_target

    path = arguments.output if arguments.output is not None else STANDARD
    _, file = read_encrypted(arguments.file, arguments)
    with Keys(arguments) as keys, About(arguments.file), keys.open(file, arguments.file) as opened:
        plain = opened.plaintext()
    try:
        with Tidy(), open_target(path, is_secret=True, replace=arguments.force) as target:
            target.write(plain)
            target.publish()
    finally:
        wipe(plain)
    if path != STANDARD:
        output.note(f"wrote {path}")
        look_after(path, arguments)
    return OK


def get(arguments: Arguments) -> int:
    """Write one value."""
    _, file = read_encrypted(arguments.file, arguments)
    with Keys(arguments) as keys, About(arguments.file), keys.open(file, arguments.file) as opened:
        value = opened.get(*arguments.keys)
        is_text = opened.is_text(*arguments.keys)
    with value:
        if not arguments.json:
            output.value(value.reveal_buffer())
            return OK
        from json import loads

        shown = value.reveal()
        output.json({"value": shown if is_text else loads(shown), "revision": file.revision})
    return OK


def check(arguments: Arguments) -> int:
    """Say whether files are intact."""
    if arguments.staged:
        from strongroom.doors.cli.file_hook import check_staged

        if arguments.files:
            raise UsageError("check --staged takes no FILE: git says which there are")
        return check_staged(arguments)
    if not arguments.files:
        raise UsageError("check needs FILE", advice="strongroom file check FILE...\nstrongroom file check --staged")
    shown = []
    with Keys(arguments) as keys:
        for path in arguments.files:
            _, file = read_encrypted(path, arguments)
            with About(path):
                check_form(file)
                if not arguments.without_key:
                    keys.open(file, path).close()
            shown.append({"file": path, "format": file.format, "revision": file.revision, "values": len(file.names())})
            if not arguments.json:
                output.note(f"{path} is {'encrypted' if arguments.without_key else 'intact'}, revision {file.revision}")
    if arguments.json:
        output.json({"files": shown})
    elif arguments.without_key:
        output.note("whether anything was changed is not known without a key")
    return OK


def check_form(file: EncryptedFile) -> None:
    """What can be said without a key.

    Raises:
        Tampered: values stand in it in plain text.
        BadFile: it is not of its format.
    """
    plain = file.plaintext_names()
    if plain:
        names = ", ".join(".".join(one) for one in plain[:8]) + (", ..." if len(plain) > 8 else "")
        raise Tampered(
            f"not encrypted: {names}", advice="encrypt them: strongroom file encrypt FILE --accept"
        )


ACTIONS: Final[dict[str, Callable[[Arguments], int]]] = {"decrypt": decrypt, "get": get, "check": check}
