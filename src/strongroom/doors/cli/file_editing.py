"""``file edit``: the plain text of an encrypted file in the user's editor; and a merge that git left to a person."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.file_changes import finish
from strongroom.doors.cli.file_contents import About, check_readers, read_bytes, read_encrypted, replace
from strongroom.doors.cli.file_keys import Keys
from strongroom.formats.interface import BadFile
from strongroom.items import quoted
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.encrypted_files import OpenFile


def edit(arguments: Arguments) -> int:
    """Show the plain text to the editor, encrypt what came back."""
    from strongroom.encrypted_files.bodies import text_of
    from strongroom.encrypted_files.trailer import has_conflict

    path = arguments.file
    with About(path):
        is_conflict = has_conflict(text_of(read_bytes(path)))
    if is_conflict:
        return _resolve(arguments)
    data, file = read_encrypted(path, arguments)
    with Keys(arguments) as keys, About(path), keys.open(file, path) as opened:
        check_readers(path, opened)

        def take(text: bytearray) -> bytearray:
            with About(path):
                opened.replace(text)
                opened.encoded()
            return text

        if _edited(arguments, opened.plaintext(), take) is None:
            output.note(f"{path} is unchanged")
            return OK
        finish(arguments, data, opened)
    return OK


def _edited(
    arguments: Arguments, before: bytearray, take: Callable[[bytearray], bytearray]
) -> bytearray | None:
    from strongroom.doors.cli.editing import edited_text

    try:
        return edited_text(
            before,
            take,
            instead=f"strongroom file set {quoted(arguments.file)} KEY",
            name=os.path.basename(arguments.file),
        )
    finally:
        wipe(before)


def _resolve(arguments: Arguments) -> int:
    """Merge the three revisions that git keeps of a file in conflict, in the editor, where both sides changed it."""
    from strongroom import encrypted_files
    from strongroom.doors.cli.file_git import stages

    path = arguments.file
    conflicted = read_bytes(path)
    with Keys(arguments) as keys, About(path):
        base, ours, theirs = (keys.open(encrypted_files.read(one), path) for one in stages(path))
        with base, ours, theirs:
            check_readers(path, ours)
            found: list[OpenFile] = []

            def take(text: bytearray) -> bytearray:
                try:
                    resolved = encrypted_files.resolved(base, ours, theirs, text)
                    resolved.encoded()
                except BadFile as error:
                    raise UsageError(f"{path}: {error}") from None
                found.append(resolved)
                return text

            marked = encrypted_files.with_marks_in_plain(base, ours, theirs)
            if _edited(arguments, marked, take) is None:
                output.note(f"{path} is in conflict as before")
                return OK
            with found[-1] as resolved:
                added = {one.text for one in resolved.recipients} - {one.text for one in ours.recipients}
                for one in sorted(added):
                    output.note(f"from the other side: this recipient may read it, too: {one}")
                replace(path, conflicted, resolved.encoded())
    output.note(f"wrote {path}, revision {resolved.revision}")
    output.hint(f"git add {quoted(path)}")
    return OK


ACTIONS: Final[dict[str, Callable[[Arguments], int]]] = {"edit": edit}
