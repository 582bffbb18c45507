"""``file`` with SOPS files: the same actions, on files that ``sops`` opens too."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.file_contents import About, check_allowed, read_bytes, replace
from strongroom.encrypted_files.sops import is_sops
from strongroom.formats.interface import BadFile
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Final

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.encrypted_files.sops.file import SopsFile

_ADVICE = "--recipient age1..., an SSH public key, or a file of these"


def run_if_sops(arguments: Arguments) -> bool:
    """Do what ACTION says, if it is about SOPS files; of check, take them out of what is left to check.

    Returns: whether there is nothing left to do.
    """
    if arguments.sops and arguments.action != "encrypt":
        raise UsageError("--sops is of encrypt; other actions see what a file is")
    if arguments.action == "check" and not arguments.staged:
        return _check(arguments)
    if arguments.action not in _ACTIONS:
        return False
    data = read_bytes(arguments.file)
    if not (arguments.sops if arguments.action == "encrypt" else is_sops(data)):
        arguments.seen[arguments.file] = data
        return False
    _refuse(arguments)
    with About(arguments.file):
        _ACTIONS[arguments.action](arguments, data)
    return True


def _refuse(arguments: Arguments) -> None:
    """Say what SOPS files do not have."""
    if arguments.key or arguments.plain or arguments.accept:
        raise UsageError("--key, --plain and --accept are of strongroom's own encrypted files, not of SOPS's")
    if arguments.min_revision is not None:
        raise UsageError("a SOPS file does not count its revisions")


def _encrypt(arguments: Arguments, data: bytes) -> None:
    from strongroom.encrypted_files.sops.file import encrypt

    recipients = _recipients(arguments)
    if not recipients:
        raise UsageError("encrypt needs to know who may open the file", advice=_ADVICE)
    if is_sops(data):
        raise UsageError(f"{arguments.file} is encrypted already")
    sealed = encrypt(data, _format(arguments), recipients, _now())
    if arguments.output is not None:
        _write(arguments, sealed, is_secret=False)
        return
    from strongroom.doors.cli.replacing import LIMITS

    replace(arguments.file, data, sealed)
    output.note(f"encrypted {arguments.file} as sops does")
    output.note(LIMITS)


def _decrypt(arguments: Arguments, data: bytes) -> None:
    from strongroom.secret import wipe

    with _opened(arguments, arguments.file, data) as file:
        plain = file.plaintext()
    try:
        _write(arguments, plain, is_secret=True)
    finally:
        wipe(plain)


def _get(arguments: Arguments, data: bytes) -> None:
    with _opened(arguments, arguments.file, data) as file:
        kind, text = file.value(arguments.keys)
    if arguments.json:
        from json import loads

        output.json({"value": text if kind in ("str", "time") else loads(text)})
    else:
        output.value(text.encode("utf-8"))


def _set(arguments: Arguments, data: bytes) -> None:
    from strongroom.doors.cli.inputs import secret_line
    from strongroom.secret import wipe

    with _opened(arguments, arguments.file, data) as file:
        line = secret_line(".".join(arguments.keys))
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError("a SOPS file holds text, and this is not UTF-8") from None
        finally:
            wipe(line)
        _put(arguments, data, file.with_value(arguments.keys, text, _now()))


def _edit(arguments: Arguments, data: bytes) -> None:
    from strongroom.doors.cli.editing import edited_text

    with _opened(arguments, arguments.file, data) as file:
        found: list[bytes] = []

        def take(text: bytearray) -> bytearray:
            with About(arguments.file):
                found.append(file.edited(text, _now()))
            return text

        instead = f"strongroom file set {quoted(arguments.file)} KEY"
        name = os.path.basename(arguments.file)
        if edited_text(file.plaintext(), take, instead=instead, name=name) is None:
            output.note(f"{arguments.file} is unchanged")
            return
    _put(arguments, data, found[-1])


def _readers(arguments: Arguments, data: bytes) -> None:
    file = _read(data, _format(arguments))
    there = list(file.metadata.recipients)
    if not (arguments.recipient or arguments.remove):
        if arguments.json:
            output.json({"file": arguments.file, "recipients": there, "others": list(file.metadata.others)})
        else:
            output.lines([*there, *(f"({kind}, which only sops opens)" for kind in file.metadata.others)])
        return
    for word in arguments.remove:
        if word not in there:
            raise UsageError(f"no recipient of {arguments.file} is called {word}")
    wanted = [one for one in there if one not in arguments.remove]
    wanted += [one for one in _recipients(arguments) if one not in wanted]
    with _opened(arguments, arguments.file, data) as opened:
        _tell_readers(wanted)
        _put(arguments, data, opened.with_recipients(wanted, _now()))
    if arguments.remove:
        output.note("whoever was removed has read the values that were in it: change them where they are used")


def _rotate(arguments: Arguments, data: bytes) -> None:
    check_allowed(arguments.file, _read(data, _format(arguments)).metadata.recipients, _recipients(arguments))
    with _opened(arguments, arguments.file, data) as file:
        _tell_readers(file.metadata.recipients)
        _put(arguments, data, file.with_recipients(file.metadata.recipients, _now()))


def _tell_readers(recipients: Sequence[str]) -> None:
    """Name them: whoever can write a SOPS file can put himself among those who get its next key."""
    output.note(f"nothing in a SOPS file says who named its recipients; its new key is for {', '.join(recipients)}")


def _check(arguments: Arguments) -> bool:
    """The SOPS files among those to be checked."""
    shown, left = [], list[str]()
    for path in arguments.files:
        data = read_bytes(path)
        if not is_sops(data):
            arguments.seen[path] = data
            left.append(path)
            continue
        _refuse(arguments)
        with About(path):
            if arguments.without_key:
                _read(data, _format(arguments, path)).check_form()
                output.note(f"{path} is encrypted by SOPS; whether it was changed is not known without a key")
                continue
            with _opened(arguments, path, data, tell=False) as file:
                spots = file.weak_spots()
        shown.append({"file": path, "format": f"sops {file.format}", "weak_spots": [spot.text for spot in spots]})
        if not arguments.json:
            output.note(f"{path} is what SOPS's MAC says" + (", but" if spots else ""))
            for spot in spots:
                output.note(f"  {spot.text}")
    if shown and arguments.json:
        if left:
            raise UsageError("check --json takes SOPS files or others, not both at once")
        output.json({"files": shown})
    is_done = bool(arguments.files) and not left
    arguments.files = left
    return is_done


_ACTIONS: Final[dict[str, Callable[[Arguments, bytes], None]]] = {
    "encrypt": _encrypt, "decrypt": _decrypt, "get": _get, "set": _set, "edit": _edit, "recipients": _readers,
    "rotate": _rotate,
}  # fmt: skip


def _opened(arguments: Arguments, path: str, data: bytes, *, tell: bool = True) -> SopsFile:
    """The file, unlocked; what its MAC leaves open is said."""
    from strongroom.doors.cli.sops_keys import identities
    from strongroom.locate.identities import IDENTITY_VARIABLE

    file = _read(data, _format(arguments, path))
    keys = identities(arguments.identity or os.environ.get(IDENTITY_VARIABLE), "--identity")
    try:
        file.unlock(keys)
    finally:
        for key in keys:
            key.wipe()
    if tell:
        for spot in file.weak_spots():
            output.note(f"{path}: {spot.text}")
    return file


def _read(data: bytes, format: str) -> SopsFile:
    # Late: whoever has files of strongroom's own need not wait for it.
    from strongroom.encrypted_files.sops.file import SopsFile

    return SopsFile(data, format)


def _format(arguments: Arguments, path: str = "") -> str:
    """What the name says; a file of another name is a binary one, as it is to sops."""
    from strongroom.formats.registry import format_of

    try:
        format = arguments.format or format_of(os.path.basename(path or arguments.file))
    except BadFile:
        format = "binary"
    if arguments.dialect is not None:
        raise UsageError("SOPS has a dialect of its own for dotenv files")
    return format if format in ("yaml", "json", "dotenv", "ini") else "binary"


def _recipients(arguments: Arguments) -> list[str]:
    from strongroom.doors.cli.file_keys import texts

    return list(dict.fromkeys(text for word in arguments.recipient for text in texts(word)))


def _put(arguments: Arguments, before: bytes, after: bytes) -> None:
    replace(arguments.file, before, after)
    if arguments.json:
        output.json({"file": arguments.file, "changed": after != before})
    else:
        output.note(f"wrote {arguments.file}")


def _write(arguments: Arguments, data: bytes | bytearray, *, is_secret: bool) -> None:
    from strongroom.doors.cli.ignoring import look_after
    from strongroom.doors.cli.streams import STANDARD, Tidy, open_target

    path = STANDARD if arguments.output is None else arguments.output
    with Tidy(), open_target(path, is_secret=is_secret, replace=arguments.force) as target:
        target.write(data)
        target.publish()
    if path != STANDARD:
        output.note(f"wrote {path}")
        if is_secret:
            look_after(path, arguments)


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)
