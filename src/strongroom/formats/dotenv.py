"""``.env`` files, in one of three dialects that are named: their readers disagree on 28 of 36 ordinary inputs.

``python-dotenv`` is what that library reads (also dynaconf's and pydantic-settings'), and it does the
parsing; ``compose`` is Docker Compose's; ``posix`` is what a shell would assign, with nothing ever run.
"""

from __future__ import annotations

from strongroom.formats.interface import BadFile, Document, Entry, Lines, decode
from strongroom.keys.slots.bound import missing_extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from re import Match, Pattern
    from typing import Any

DIALECTS = ("python-dotenv", "compose", "posix")
DEFAULT_DIALECT = "python-dotenv"
VARIABLES_MAX = 256


def read(
    data: bytes | bytearray, *, dialect: str = DEFAULT_DIALECT, environment: Mapping[str, str] | None = None
) -> Document:
    """The variables of a ``.env`` file, in its order, one that is set twice also twice; the last one counts.

    Args:
        data: the file.
        dialect: one of `DIALECTS`.
        environment: where ``${NAME}`` looks for what the file does not define; None: such a value has a note.

    Raises:
        BadFile: a line that the dialect does not understand, or that a shell would run.
        FormatUnsupported: the extra ``dotenv`` is not installed, and the dialect is ``python-dotenv``.
        ValueError: no such dialect.
    """
    text, bom = decode(data)
    if dialect == "python-dotenv":
        entries = _read_python_dotenv(text, environment)
    elif dialect == "compose":
        from strongroom.formats.dotenv_compose import read_compose

        entries = read_compose(text, environment)
    elif dialect == "posix":
        if bom:
            raise BadFile("the file begins with a byte order mark, which a shell takes for a part of the first name")
        from strongroom.formats.dotenv_posix import read_posix

        entries = read_posix(text, environment)
    else:
        raise ValueError(f"a dotenv dialect is one of {', '.join(DIALECTS)}")
    return Document(text, entries, write_value, last_counts=True, bom=bom)


def write_value(text: str) -> str:
    """*text* in the one form that every dialect and library reads alike.

    Raises: BadFile: there is none.
    """
    if any(one in "'\\$\r\n" for one in text):
        raise BadFile("a .env file cannot hold this text so that all of its readers agree")
    return f"'{text}'" if text else ""


def environment_note(name: str) -> str:
    """What is said of a value that depends on a variable from outside of the file."""
    return f"takes {name} from the environment"


def _read_python_dotenv(text: str, environment: Mapping[str, str] | None) -> list[Entry]:
    try:
        from dotenv.parser import parse_stream
    except ImportError:
        raise missing_extra("dotenv", "reading .env files as python-dotenv does") from None
    import re
    from io import StringIO

    before = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*=[^\S\r\n]*")
    lines, known, entries, place = Lines(text), dict[str, str](), list[Entry](), 0
    for binding in parse_stream(StringIO(text, newline="")):
        raw = binding.original.string
        # The library begins a binding with the empty lines before it.
        start = place + len(raw) - len(raw.lstrip())
        if binding.error:
            raise BadFile(f"line {lines.at(start)} is not understood by python-dotenv")
        if binding.key is not None and binding.value is not None:
            _check_variables(binding.value, lines.at(start))
            value, note = _interpolate(binding.value, known, environment)
            known[binding.key] = value
            span = _value_span(raw, place, before)
            entries.append(
                Entry((binding.key,), value.encode("utf-8", "replace"), line=lines.at(start), span=span, note=note)
            )
        place += len(raw)
    return entries


def _value_span(raw: str, place: int, before: Pattern[str]) -> tuple[int, int]:
    """Where in the text the value of the binding *raw*, which begins at *place*, is written."""
    import re

    found: Match[str] | None = before.match(raw)
    if found is None:
        return (0, 0)
    start = found.end()
    quoted = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL).match(raw, start)
    if quoted is not None:
        return place + start, place + quoted.end()
    bare = re.sub(r"\s+#.*", "", re.match(r"[^\r\n]*", raw[start:]).group()).rstrip()  # type: ignore[union-attr]
    return place + start, place + start + len(bare)


def _check_variables(value: str, line: int) -> None:
    # The library looks for the end of each; where none comes, that takes time by the square.
    if value.count("${") > VARIABLES_MAX:
        raise BadFile(f"line {line} has more than {VARIABLES_MAX} variables in one value")


def _interpolate(value: str, known: Mapping[str, str], environment: Mapping[str, str] | None) -> tuple[str, str]:
    """The value with its ``${NAME}`` filled, as the library does it, and the note that goes with it."""
    from dotenv.variables import Variable, parse_variables

    parts, note = [], ""
    outside: Any = environment or {}
    for atom in parse_variables(value):
        found: Mapping[str, str | None] = {}
        if isinstance(atom, Variable):
            if atom.name not in known and environment is None:
                note = environment_note(atom.name)
            given = known.get(atom.name, outside.get(atom.name))
            found = {} if given is None else {atom.name: given}
        parts.append(atom.resolve(found))
    return "".join(parts), note
