"""Reading an encrypted file, saying which file an error is about, and putting a new text in its place."""

from __future__ import annotations

import os

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.encrypted_files.recipients import KEY
from strongroom.errors import Denied, FormatUnsupported, NotFound, RolledBack, StrongroomError, Tampered, WrongKey
from strongroom.formats.interface import FILE_BYTES_MAX, BadFile
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.encrypted_files import EncryptedFile, OpenFile


class About:
    """A block whose errors are about one file, and say so."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, BadFile):
            advice = ""
            if "conflict" in str(error):
                advice = f"strongroom file edit {quoted(self._path)}"
            raise UsageError(f"{self._path}: {error}", advice=advice) from None
        if isinstance(error, ValueError) and not isinstance(error, NotFound):
            raise UsageError(f"{self._path}: {error}") from None
        if isinstance(error, Tampered | WrongKey | FormatUnsupported | NotFound):
            if self._path not in error.message:
                error.message = f"{self._path}: {error.message}"
            error.advice = error.advice.replace("FILE", quoted(self._path))
            if isinstance(error, Tampered):
                error.advice = error.advice or f"see what was changed: git log -p {quoted(self._path)}"


def read_bytes(path: str) -> bytes:
    """The bytes of a file that the user named.

    Raises: NotFound, UsageError: as `streams.read_small`.
    """
    from strongroom.doors.cli.streams import read_small

    return read_small(path, FILE_BYTES_MAX, "file")


def read_once(path: str, arguments: Arguments) -> bytes:
    """As `read_bytes`; what was read already, to see what the file is, is not read again: it may have been a pipe."""
    seen = arguments.seen.pop(path, None)
    return read_bytes(path) if seen is None else seen


def read_encrypted(path: str, arguments: Arguments) -> tuple[bytes, EncryptedFile]:
    """An encrypted file, as bytes and as what they are.

    Raises:
        UsageError: it is none.
        RolledBack: it is older than ``--min-revision`` says.
    """
    from strongroom import encrypted_files

    data = read_once(path, arguments)
    with About(path):
        file = encrypted_files.read(data)
        check_revision(file, arguments, path)
    return data, file


def check_revision(file: EncryptedFile, arguments: Arguments, path: str) -> None:
    """Refuse a file that is older than somebody remembers.

    Raises: RolledBack: it is.
    """
    least = arguments.min_revision
    if least is not None and file.revision < least:
        raise RolledBack(
            f"{path} is revision {file.revision}, and {least} or later is expected",
            advice="get it again from where it came from: git pull",
        )


def check_readers(path: str, file: OpenFile, *, accept: bool = False) -> None:
    """Before something is added to a file: whether its readers are those that this machine knows.

    Args:
        accept: whoever they are, a person has looked at them.

    Raises: Denied: it has another key than before, and a reader who is new, or a name that stays readable and did not.
    """
    from strongroom.doors.cli import output
    from strongroom.locate.known_readers import known_readers

    known = known_readers(path)
    if known is None:
        return
    readers = [one.text for one in file.recipients] + [f"everybody, what is named {one}" for one in file.plain]
    strangers = known.strangers(file.key_mark, readers)
    if strangers and not accept:
        raise Denied(
            f"{path} has another key than it had here before, and these may read it: {', '.join(strangers)}",
            advice=f"see who changed it: git log -p {quoted(path)}\n"
            f"if they may: strongroom file recipients {quoted(path)} --accept",
        )
    try:
        known.remember(file.key_mark, readers)
    except StrongroomError as error:
        output.note(f"who may read {path} is not remembered: {error}")


def check_allowed(path: str, named: Sequence[str], allowed: Sequence[str]) -> None:
    """Before a file gets a new key: whether those whom the command line allows are all who would get it.

    Args:
        named: by the file.
        allowed: nobody for whoever the file names.

    Raises: Denied: somebody else is named.
    """
    strangers = [one for one in named if one not in allowed]
    if allowed and strangers:
        first = strangers[0]
        if first.startswith(KEY):
            # By its name: the rest is its public part, and no person types that.
            first = first.removeprefix(KEY).partition(" ")[0]
        raise Denied(
            f"{path} names recipients that were not allowed here: {', '.join(strangers)}",
            advice=f"see who named them: git log -p {quoted(path)}\n"
            f"if nobody did: strongroom file recipients {quoted(path)} --remove {quoted(first)}",
        )


def replace(path: str, before: bytes, after: bytes) -> None:
    """Put *after* in the place of *before* in one step; whoever changed the file meanwhile is not overwritten.

    Raises: Conflict, UnsafePermissions, StoreUnavailable: as `replacing.OldFile`.
    """
    from strongroom.doors.cli.replacing import OldFile

    if after == before:
        return
    with OldFile(os.path.abspath(path), before) as old:
        old.replace(after)
