"""``NAME=REFERENCE`` on the command line and in files: who gets which value, checked before anything is opened."""

from __future__ import annotations

import os
import re

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import NotFound
from strongroom.formats.references import SCHEME, BadReference, is_reference, parse
from strongroom.formats.references_resolving import Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from strongroom.formats.references import Reference

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Assignments:
    """What the child's variables are to be.

    Attributes:
        wanted: name -> the reference whose value it gets.
        plain: name -> a text that is no reference, from a file.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, Wanted] = {}
        self.plain: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self.wanted) + len(self.plain)


def read_words(option: str, words: Iterable[str], taken: Iterable[str] = ()) -> dict[str, Wanted]:
    """The references of an option that may be repeated.

    Args:
        option: its name, for messages.
        words: ``NAME=REFERENCE`` each.
        taken: names that other options gave already.

    Raises: UsageError: one is none, or a name comes twice. No message repeats what stands after the name.
    """
    found: dict[str, Wanted] = {}
    known = set(taken)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not _NAME.match(name):
            raise UsageError(f"{option} takes NAME={SCHEME}PATH#FIELD, with a NAME of letters, digits and _")
        if name in known:
            raise UsageError(f"{name} is given twice")
        known.add(name)
        found[name] = Wanted(_reference(text, f"{option} {name}"), name)
    return found


def read_env_file(place: str, data: bytes | bytearray, dialect: str) -> Assignments:
    """The variables of a dotenv file.

    Raises: UsageError: it cannot be read, or a value holds a reference and more.
    """
    from strongroom.formats import dotenv
    from strongroom.formats.interface import BadFile

    try:
        document = dotenv.read(data, dialect=dialect, environment=os.environ)
    except BadFile as error:
        raise UsageError(f"{place} cannot be read: {error}") from None
    found = Assignments()
    for entry in document.entries:
        name = entry.keys[-1]
        where = f"line {entry.line} of {place}"
        if entry.note:
            raise UsageError(f"{where}: {name}: {entry.note}")
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"{where} names no variable")
        # The last one counts, as with every reader of these files.
        found.plain.pop(name, None)
        found.wanted.pop(name, None)
        text = str(entry.data, "utf-8")
        if is_reference(text):
            found.wanted[name] = Wanted(_reference(text, f"{where}: {name}"), name)
        elif SCHEME in text:
            raise UsageError(
                f"{where}: {name} is a reference and more, and only a whole value is replaced",
                advice="put such a text together in a template: strongroom render",
            )
        else:
            found.plain[name] = entry.data
    return found


def choose(found: Assignments, names: Sequence[str], places: Sequence[str]) -> None:
    """Keep only *names*, of what the files at *places* give.

    Raises: NotFound: some of them are in none of the files.
    """
    missing = [name for name in names if name not in found.wanted and name not in found.plain]
    if missing:
        raise NotFound(f"no {', '.join(missing)} in {', '.join(places) or 'any file: none is given'}")
    found.wanted = {name: one for name, one in found.wanted.items() if name in names}
    found.plain = {name: one for name, one in found.plain.items() if name in names}


def check_carried(values: Mapping[str, bytes]) -> None:
    """Refuse what no environment can carry.

    Raises: UsageError: a value holds a NUL.
    """
    broken = [name for name, value in values.items() if b"\0" in value]
    if broken:
        raise UsageError(
            f"the value of {', '.join(broken)} holds a NUL, which no environment variable can",
            advice="hand it over in a file: --file NAME=REFERENCE",
        )


def _reference(text: str, where: str) -> Reference:
    try:
        return parse(text)
    except BadReference as error:
        raise UsageError(f"{where}: {error}") from None
