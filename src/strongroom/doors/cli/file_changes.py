"""What ``file`` does that leaves another file: encrypt, set, recipients, rotate."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.file_contents import About, check_allowed, check_readers, read_encrypted, read_once, replace
from strongroom.doors.cli.file_keys import Keys
from strongroom.errors import WouldPrompt
from strongroom.items import quoted
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.encrypted_files import OpenFile



def _who_may(path: str) -> str:
    command = f"strongroom file encrypt {quoted(path)}"
    return f"{command} --recipient age1...\n{command} --key NAME, of the vault: strongroom key create NAME"


def encrypt(arguments: Arguments) -> int:
    """Encrypt a plain file in its place or elsewhere; or what somebody wrote into an encrypted one."""
    from strongroom import encrypted_files

    path = arguments.file
    data = read_once(path, arguments)
    with About(path):
        is_encrypted = encrypted_files.is_encrypted(data)
    if arguments.accept:
        return _accept(arguments, data)
    if is_encrypted:
        raise UsageError(
            f"{path} is encrypted already",
            advice=f"change who may read it: strongroom file recipients {quoted(path)} --recipient R\n"
            f"take what else was changed in it: strongroom file encrypt {quoted(path)} --accept",
        )
    with Keys(arguments) as keys, About(path):
        recipients = keys.recipients()
        if not recipients:
            raise UsageError("encrypt needs to know who may open the file", advice=_who_may(path))
        with encrypted_files.encrypt(
            data, recipients, format=_format(arguments), plain=arguments.plain
        ) as file:
            encoded = file.encoded()
            count = len(file.names())
            check_readers(arguments.output or path, file, accept=True)
    if arguments.output is not None:
        _write(arguments, encoded)
        return OK
    replace(path, data, encoded)
    from strongroom.doors.cli.replacing import LIMITS

    output.note(f"encrypted the values of {path}: {count}")
    output.note(LIMITS)
    return OK


def _accept(arguments: Arguments, data: bytes) -> int:
    """Take the text of an encrypted file as a person left it; who may read it must be untouched."""
    from strongroom import encrypted_files

    path = arguments.file
    if arguments.recipient or arguments.key or arguments.plain:
        raise UsageError("--accept takes a file as it is: who may read it is changed by strongroom file recipients")
    with Keys(arguments) as keys, About(path):
        with keys.open(encrypted_files.read(data), path, accept=True) as file:
            check_readers(path, file)
            names = [".".join(one) for one in encrypted_files.read(data).plaintext_names()]
            encoded = file.encoded()
    if arguments.output is not None:
        _write(arguments, encoded)
    else:
        replace(path, data, encoded)
    output.note(f"accepted {path} as it is; encrypted anew: {', '.join(names) or 'nothing'}")
    return OK


def _format(arguments: Arguments) -> str:
    from strongroom.encrypted_files.trailer import FORMATS
    from strongroom.formats.interface import BadFile
    from strongroom.formats.registry import format_of

    try:
        format = arguments.format or format_of(os.path.basename(arguments.file))
    except BadFile as error:
        raise UsageError(
            f"{arguments.file}: {error}",
            advice="say it: --format yaml, json, toml, ini or dotenv\nothers: strongroom encrypt",
        ) from None
    if arguments.dialect is not None and format != "dotenv":
        raise UsageError("--dialect is of dotenv files")
    if arguments.dialect in ("compose", "posix"):
        format = f"{format}-{arguments.dialect}"
    if format not in FORMATS:
        raise BadFile("YAML, JSON, TOML, INI and dotenv files are encrypted value by value; others: strongroom encrypt")
    return format


def _write(arguments: Arguments, encoded: bytes) -> None:
    from strongroom.doors.cli.streams import STANDARD, Tidy, open_target

    path = arguments.output or ""
    with Tidy(), open_target(path, is_secret=False, replace=arguments.force) as target:
        target.write(encoded)
        target.publish()
    if path != STANDARD:
        output.note(f"wrote {path}")


def set_value(arguments: Arguments) -> int:
    """Change or add one value."""
    from strongroom.secret import SecretStr

    path = arguments.file
    data, file = read_encrypted(path, arguments)
    with Keys(arguments) as keys, About(path), keys.open(file, path) as opened:
        # First: nobody likes to type a value to hear that the file is not theirs.
        check_readers(path, opened)
        with SecretStr(_new_value(".".join(arguments.keys))) as value:
            opened.set(tuple(arguments.keys), value)
        finish(arguments, data, opened)
    return OK


def _new_value(name: str) -> bytearray:
    """Typed twice on a terminal; else all of standard input, without one newline at its end.

    Raises: WouldPrompt: neither is there.
    """
    from strongroom.doors.cli.inputs import read_stdin, stdin_is_terminal, terminal_for

    if stdin_is_terminal():
        with terminal_for(f"value of {name}") as terminal:
            return terminal.ask_new(output.escape(name))
    value = read_stdin()
    if not value:
        raise WouldPrompt(
            f"there is no value for {name}: standard input is empty, and no terminal to ask on",
            advice="write it to standard input",
        )
    shown = HiddenBuffer(memoryview(value)[: len(value) - value.endswith(b"\n")])
    wipe(value)
    return shown


def recipients(arguments: Arguments) -> int:
    """Show who may read a file; or change that."""
    path = arguments.file
    data, file = read_encrypted(path, arguments)
    if not (arguments.recipient or arguments.key or arguments.remove or arguments.accept):
        if arguments.json:
            output.json({"file": path, "recipients": list(file.recipients), "revision": file.revision})
        else:
            output.lines(file.recipients)
        return OK
    with Keys(arguments) as keys, About(path), keys.open(file, path) as opened:
        check_readers(path, opened, accept=arguments.accept)
        added = keys.recipients(opened.recipients)
        if added:
            opened.add_recipients(added)
        if arguments.remove:
            _with_keys_at_hand(opened, keys)
            removed = [_full(one, file.recipients) for one in arguments.remove]
            if {one.text for one in opened.recipients} <= set(removed):
                raise UsageError(
                    f"{arguments.file}: nobody could read it any more",
                    advice=f"first let somebody else: strongroom file recipients {quoted(arguments.file)} -r RECIPIENT",
                )
            opened.remove_recipients(removed)
        finish(arguments, data, opened)
    if arguments.remove:
        output.note("whoever was removed has read the values that were in it: change them where they are used")
    return OK


def _full(word: str, texts: tuple[str, ...]) -> str:
    """The recipient that a word names: all of its text, or the name of a key of the vault."""
    bare = " ".join(word.split()[:2]) if word.startswith("ssh-") else word
    found = [text for text in texts if text == bare or f"{text} ".startswith(f"key {bare} ")]
    return found[0] if len(found) == 1 else word


def rotate(arguments: Arguments) -> int:
    """Encrypt everything under a new key."""
    path = arguments.file
    data, file = read_encrypted(path, arguments)
    with Keys(arguments) as keys, About(path), keys.open(file, path) as opened:
        check_readers(path, opened)
        check_allowed(path, [one.text for one in opened.recipients], keys.allowed(opened.recipients))
        _with_keys_at_hand(opened, keys)
        opened.rotate()
        finish(arguments, data, opened)
    return OK


def _with_keys_at_hand(opened: OpenFile, keys: Keys) -> None:
    """A file that an identity opened may be for keys of the vault too, which are needed to encrypt to them."""
    at_hand = keys.fetch(opened.recipients)
    opened.recipients = tuple(at_hand.get(one.text, one) for one in opened.recipients)


def finish(arguments: Arguments, before: bytes, opened: OpenFile) -> None:
    """Write what has become of a file, and say so."""
    after = opened.encoded()
    check_readers(arguments.file, opened, accept=True)
    replace(arguments.file, before, after)
    if arguments.json:
        output.json({"file": arguments.file, "revision": opened.revision, "changed": after != before})
    elif after == before:
        output.note(f"{arguments.file} is unchanged")
    else:
        output.note(f"wrote {arguments.file}, revision {opened.revision}")


ACTIONS: Final[dict[str, Callable[[Arguments], int]]] = {
    "encrypt": encrypt,
    "set": set_value,
    "recipients": recipients,
    "rotate": rotate,
}
