"""The files of other programs that a command reads: which format, what is in them, and where it would go."""

from __future__ import annotations

import os

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.inputs import read_file, read_stdin
from strongroom.errors import NotFound
from strongroom.formats.interface import BadFile
from strongroom.formats.naming import component, field_name
from strongroom.formats.registry import CREDENTIALS_ONLY, FORMATS, SEALED, format_of, reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.doors.cli.sealed_sources import SourceWays
    from strongroom.formats.interface import Document

STDIN = "-"
KEYRING = "keyring:"
KEYRING_FOLDER = "keyring"
"""Where entries of the OS keyring go: the `keyring` backend finds them there."""

_EXAMPLES = (".example", ".sample", ".template", ".dist")


class ForeignFile:
    """A file, standard input or the OS keyring, read.

    Attributes:
        path: the file's; None for what is no file.
        shown: how to call it in messages.
        format: one of `FORMATS` or `SEALED`, or ``"keyring"``.
        read: what reads this format; None for what cannot hold references.
        is_sealed: whether all of it was encrypted.
    """

    __slots__ = ("content", "document", "format", "is_sealed", "path", "read", "shown")

    def __init__(
        self,
        path: str | None,
        shown: str,
        format: str,
        content: bytes,
        document: Document,
        read: Callable[[bytes], Document] | None,
        *,
        is_sealed: bool = False,
    ) -> None:
        self.path = path
        self.shown = shown
        self.format = format
        self.content = content
        self.document = document
        self.read = read
        self.is_sealed = is_sealed

    @property
    def holds_credentials_only(self) -> bool:
        """Whether all of it is taken without asking whether it looks secret."""
        return self.is_sealed or self.format in (*CREDENTIALS_ONLY, "keyring")


def read_foreign(word: str, *, format: str | None, dialect: str, ways: SourceWays | None = None) -> ForeignFile:
    """Read what *word* names.

    Args:
        word: a path, `STDIN` or `KEYRING`.
        format: one of `FORMATS` or `SEALED`; None for what the name and the content say.
        dialect: of dotenv.
        ways: to open what is encrypted; None: it is refused.

    Raises:
        WrongKey, WouldPrompt: what is encrypted is not opened by what was given, or nothing was.
        NotFound: there is no such file.
        UsageError: it cannot be read as that format; the message says where and why, and never what stands there.
        FormatUnsupported: the format needs an extra that is not installed.
    """
    if word == KEYRING:
        from strongroom.locate.keyring_entries import read_keyring

        return ForeignFile(None, "the OS keyring", "keyring", b"", read_keyring(), None)
    shown = "standard input" if word == STDIN else word
    if ways is not None and word != STDIN and (format == "pass" or os.path.isdir(word)):
        return ForeignFile(None, shown, "pass", b"", ways.read_pass_store(word, format), None)
    try:
        known = format or format_of(os.path.basename(word))
    except BadFile as error:
        if word != STDIN and not os.path.lexists(word):
            from strongroom.doors.cli.streams import near_file

            raise NotFound(f"there is no file {word}", advice=near_file(word)) from None
        advice = f"say it with --format: {', '.join((*FORMATS, *SEALED))}"
        raise UsageError(f"{shown}: {error}", advice=advice) from None
    path = None if word == STDIN else word
    data = bytes(read_stdin() if word == STDIN else read_file(word))
    if ways is not None:
        sealed = ways.read(data, known, shown, path, dialect)
        if sealed is not None:
            return ForeignFile(path, shown, sealed.format, data, sealed.document, None, is_sealed=sealed.is_whole)
    if known in SEALED:
        raise UsageError(f"{shown} is not of the format {known}, or cannot be opened by this command")
    read = reader(known, dialect)
    try:
        document = read(data)
    except BadFile as error:
        advice = "another dialect may fit: --dialect" if known == "dotenv" else ""
        raise UsageError(f"{shown}: {error}", advice=advice) from None
    return ForeignFile(path, shown, known, data, document, read)


def default_target(file: ForeignFile) -> str:
    """The path below which a file's values go when nobody says where.

    ``.../shop/.env`` is ``shop/env``, ``.../shop/.env.production`` is ``shop/env.production``, ``.../shop/app.yaml`` is
    ``shop/app``; a list of credentials goes below its own name.
    """
    if file.format == "keyring":
        return KEYRING_FOLDER
    if file.path is None or file.format in ("kv", "keepass"):
        return ""
    name = os.path.basename(file.path).lstrip("._")
    for ending in _EXAMPLES:
        name = name.removesuffix(ending)
    stem = name if name == "env" or name.startswith("env.") else name.rpartition(".")[0] or name
    folder = os.path.basename(os.path.dirname(os.path.abspath(file.path)))
    try:
        if file.holds_credentials_only or not folder:
            return component(stem)
        return f"{component(folder)}/{component(stem)}"
    except ValueError as error:
        raise UsageError(f"{file.shown}: its name is no path of a vault: {error}", advice="--to PATH") from None


def wanted_by_example(word: str, *, dialect: str, target: str | None) -> dict[str, list[str]]:
    """The items and fields that a ``.env`` file without values asks for, in its order.

    A name without a value is a field of *target*; a reference says itself what it wants; a value is a default, and
    asks for nothing.

    Raises: as `read_foreign`.
    """
    from strongroom.formats.references import BadReference, is_reference, parse

    file = read_foreign(word, format="dotenv", dialect=dialect)
    place = default_target(file) if target is None else target
    wanted: dict[str, list[str]] = {}
    for entry in file.document.entries:
        text = entry.data.decode("utf-8", "replace")
        path, field = place, field_name(entry.keys[0])
        if is_reference(text):
            try:
                reference = parse(text)
            except BadReference as error:
                raise UsageError(f"{file.shown}: line {entry.line}: {error}") from None
            path, field = reference.path, reference.field or "password"
        elif text:
            continue
        if not path:
            raise UsageError("say which item the fields are of: strongroom require --from FILE PATH")
        fields = wanted.setdefault(path, [])
        if field not in fields:
            fields.append(field)
    return wanted
