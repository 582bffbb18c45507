"""``file merge`` and ``file textconv``, which git calls; ``file install-git``, which has it do so.

A merge driver is given three files and leaves its result in the second; what it exits with says whether that is a
merge (0) or a conflict (1). No plain text is written anywhere.
"""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.file_contents import About, check_readers, read_bytes
from strongroom.doors.cli.file_keys import Keys
from strongroom.errors import StoreUnavailable, StrongroomError
from strongroom.formats.interface import BadFile
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.doors.cli.scan_git import Repository
    from strongroom.encrypted_files import Merge

CONFLICT = 1
VALUES_VARIABLE = "STRONGROOM_SHOW_VALUES"
ATTRIBUTE = "strongroom"


def merge(arguments: Arguments) -> int:
    """Merge BASE, OURS and THEIRS, all of PATH, into OURS.

    Returns: 0, or 1 for a conflict; never above 128, which git takes for a broken driver.
    """
    try:
        merged = _merged(arguments)
    except (StrongroomError, BadFile) as error:
        # Nothing could be decided: the marks of an ordinary merge, around what is encrypted.
        output.note(f"{arguments.path} is not merged: {error}")
        output.hint(error.advice if isinstance(error, StrongroomError) else "")
        _write(arguments.ours, _marked(arguments).encode("utf-8"))
        output.hint(f"when a key is at hand: strongroom file edit {quoted(arguments.path)}")
        return CONFLICT
    for note in merged.notes:
        output.note(f"{arguments.path}: {note}")
    if merged.file is not None:
        with merged.file as file:
            _write(arguments.ours, file.encoded())
        return OK
    for conflict in merged.conflicts:
        output.note(f"conflict in {arguments.path}: {conflict}")
    output.hint(f"strongroom file edit {quoted(arguments.path)}")
    output.hint(f"or take one side: git checkout --ours {quoted(arguments.path)}, or --theirs")
    _write(arguments.ours, merged.text.encode("utf-8"))
    return CONFLICT


def _merged(arguments: Arguments) -> Merge:
    from strongroom import encrypted_files

    with Keys(arguments) as keys:
        files = []
        for name, path in (("base", arguments.base), ("ours", arguments.ours), ("theirs", arguments.theirs)):
            with About(f"{arguments.path} ({name})"):
                files.append(keys.open(encrypted_files.read(read_bytes(path)), arguments.path))
        base, ours, theirs = files
        with base, ours, theirs:
            merged = encrypted_files.merge(base, ours, theirs)
            # What is written: the merged file, or a conflict under our side's key.
            check_readers(arguments.path, merged.file or ours)
            if merged.file is not None:
                at_hand = keys.fetch(merged.file.recipients)
                merged.file.recipients = tuple(at_hand.get(one.text, one) for one in merged.file.recipients)
                # While its vault is open: a new key has to be encrypted to everybody.
                merged.file.encoded()
            return merged


def _marked(arguments: Arguments) -> str:
    """Git's marks, line by line; for three files of which one may be plain text, nothing but a statement."""
    from strongroom import encrypted_files
    from strongroom.encrypted_files.merging import CONFLICT_LINE
    from strongroom.encrypted_files.merging_lines import marked

    texts = []
    for path in (arguments.base, arguments.ours, arguments.theirs):
        data = read_bytes(path)
        try:
            # Both sides may have made the file: git has nothing that they go back to then.
            is_encrypted = encrypted_files.is_encrypted(data) or (path == arguments.base and not data)
        except BadFile:
            is_encrypted = False
        if not is_encrypted:
            return f"<<<<<<< one side of this merge is no encrypted file\n{CONFLICT_LINE}"
        texts.append(data.decode("utf-8"))
    return marked(texts[0], texts[1], texts[2], ("ours (encrypted)", "theirs (encrypted)")) + CONFLICT_LINE


def _write(path: str, data: bytes) -> None:
    try:
        # git's own temporary file, whose name and place git has chosen.
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise StoreUnavailable(f"cannot write {path}: {(error.strerror or '').lower()}") from None


def textconv(arguments: Arguments) -> int:
    """Write a file as git shall compare it: names, and marks that differ where values do; no key is needed.

    With `VALUES_VARIABLE` set, and a key at hand, the plain text.
    """
    from strongroom import encrypted_files

    try:
        data = read_bytes(arguments.file)
    except UsageError as error:
        # One such blob in the history must not end a whole `git log -p`.
        output.note(f"{error}; its content is not compared")
        output.value(f"(not compared: {os.stat(arguments.file).st_size} bytes)\n".encode())
        return OK
    try:
        file = encrypted_files.read(data)
    except (BadFile, StrongroomError):
        # Plain text of before it was encrypted, a conflict, or damage: as it is.
        output.value(data)
        return OK
    if os.environ.get(VALUES_VARIABLE):
        try:
            with Keys(arguments) as keys, keys.open(file, arguments.file) as opened:
                output.value(opened.plaintext())
                return OK
        except StrongroomError as error:
            output.note(f"no values are shown: {error}")
    output.value(file.shown().encode("utf-8"))
    return OK


def stages(path: str) -> list[bytes]:
    """Base, ours and theirs of a file in conflict, as git keeps them.

    Raises: UsageError: git knows of no conflict in it, or one side does not have the file.
    """
    repository = repository_at(path)
    name = os.path.basename(path)
    asked = [repository.ask("cat-file", "blob", f":{number}:./{name}", may_fail=True) for number in (1, 2, 3)]
    found = [one for one in asked if one is not None]
    if len(found) < len(asked):
        raise UsageError(
            f"{path} has marks of a conflict in it, and git does not know both sides and what they go back to",
            advice=f"begin again: git checkout -m {quoted(path)}\n"
            f"or take one side: git checkout --ours {quoted(path)}, or --theirs",
        )
    return found


def repository_at(path: str) -> Repository:
    """The repository in which a file lies.

    Raises: UsageError: none.
    """
    from strongroom.doors.cli.scan_git import repository_of

    folder = os.path.dirname(os.path.abspath(path))
    found = repository_of(folder, is_needed=True)
    if found is None:
        raise UsageError(f"{folder} is in no git work tree", advice=f"make one: git init {quoted(folder)}")
    found.directory = folder
    return found


ACTIONS: Final[dict[str, Callable[[Arguments], int]]] = {"merge": merge, "textconv": textconv}
