"""TOML files. tomllib reads; tomlkit (extra ``yaml``) writes references without touching anything else."""

from __future__ import annotations

import re

from strongroom.formats.interface import DEPTH_MAX, BadFile, Document, Entry, check_depth, decode
from strongroom.keys.slots.bound import missing_extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    _Tables = dict[tuple[str, ...], Any]

FILE_BYTES_MAX = 1024 * 1024
"""Both parsers are written in Python, and slow."""

DOTS_MAX = 200
"""In one name: tomllib takes time by their square."""

DOTTED_NAMES_MAX = 150
"""``a.b = 1`` and its like: tomlkit takes time by their cube."""

_DOTTED_NAME = re.compile(r"""\.[ \t]*(?:[\w-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')[ \t]*=""")

_DATE = "is a date or a time"


def read(data: bytes | bytearray) -> Document:
    """Every value, under the names of its tables and its places in arrays.

    Raises: BadFile: not TOML, too large, nested too deeply.
    """
    import tomllib

    if len(data) > FILE_BYTES_MAX:
        raise BadFile(f"a TOML file is read up to {FILE_BYTES_MAX} bytes")
    text, bom = decode(data)
    for number, line in enumerate(text.split("\n"), start=1):
        if max(part.count(".") for part in line.split("=")) > DOTS_MAX:
            raise BadFile(f"line {number} has more than {DOTS_MAX} dots")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its words end with the place, and may quote a name before that.
        place = str(error).rpartition("(at ")[2].rstrip(")")
        raise BadFile(f"this is not TOML: {place}") from None
    except RecursionError:
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep") from None
    except ValueError:
        raise BadFile("the file holds a number or a date that TOML does not have") from None
    return TomlDocument(text, [_entry(keys, value) for keys, value in _leaves(found, ())], bom=bom)


def with_added(text: str, keys: Sequence[str], value: str) -> str:
    """A TOML file with one text more, in tables that are made where they are missing.

    Raises:
        BadFile: there is no place for it.
        FormatUnsupported: the extra ``yaml`` is not installed.
    """
    try:
        import tomlkit
    except ImportError:
        raise missing_extra("yaml", "changing a TOML file") from None
    _check_dotted_names(text)
    try:
        document: Any = tomlkit.parse(text)
        table = document
        for key in keys[:-1]:
            if key not in table:
                table[key] = tomlkit.table()
            table = table[key]
        table[keys[-1]] = value
        changed: str = tomlkit.dumps(document)
    except Exception:
        # As in `TomlDocument.spliced`.
        raise BadFile("tomlkit cannot add to this file") from None
    return changed


class TomlDocument(Document):
    """A TOML file: places are names here, for tomlkit to find."""

    __slots__ = ()

    def __init__(self, text: str, entries: list[Entry], *, bom: bool) -> None:
        super().__init__(text, entries, _write, template="json", bom=bom)

    def spliced(self, pieces: Mapping[int, str]) -> bytes:
        """See `Document.spliced`.

        Raises: FormatUnsupported: the extra ``yaml`` is not installed.
        """
        try:
            import tomlkit
        except ImportError:
            raise missing_extra("yaml", "changing a TOML file") from None
        marks = {number: self._mark(number) for number in pieces}
        _check_dotted_names(self._text)
        try:
            document: Any = tomlkit.parse(self._text)
            tables: _Tables = {(): document}
            for number, mark in marks.items():
                keys = self.entries[number].keys
                table = _found(tables, keys[:-1])
                table[_index(table, keys[-1])] = mark
            text: str = tomlkit.dumps(document)
        except Exception:
            # The library has no one class for what it cannot do; what it says may hold values.
            raise BadFile("tomlkit cannot put references into this file") from None
        for number, mark in marks.items():
            if text.count(f'"{mark}"') != 1:
                raise BadFile(f"{'.'.join(self.entries[number].keys)} cannot be replaced where it stands")
            text = text.replace(f'"{mark}"', pieces[number])
        return self.encoded(text)

    def spellings(self) -> list[str]:
        """See `Document.spellings`.

        Raises: FormatUnsupported: the extra ``yaml`` is not installed.
        """
        try:
            import tomlkit
        except ImportError:
            raise missing_extra("yaml", "changing a TOML file") from None
        found = []
        _check_dotted_names(self._text)
        try:
            document: Any = tomlkit.parse(self._text)
            tables: _Tables = {(): document}
            for entry in self.entries:
                value = _found(tables, entry.keys)
                # A bool comes as Python's own.
                found.append(str(value).lower() if isinstance(value, bool) else value.as_string())
        except Exception:
            # As in `spliced`.
            raise BadFile("tomlkit cannot read this file") from None
        return found

    def _mark(self, number: int) -> str:
        """A text that stands nowhere in the file."""
        mark = f"strongroom-place-{number}"
        while mark in self._text:
            mark += "-"
        return mark + "."


def _check_dotted_names(text: str) -> None:
    """Before tomlkit parses.

    Raises: BadFile: more than `DOTTED_NAMES_MAX`.
    """
    if sum(1 for _ in _DOTTED_NAME.finditer(text)) > DOTTED_NAMES_MAX:
        raise BadFile(f"the file has more than {DOTTED_NAMES_MAX} dotted names; write them in [tables]")


def _found(tables: _Tables, keys: tuple[str, ...]) -> Any:
    """What stands under these names, each looked up once: tomlkit makes some tables anew whenever they are asked for.
    """
    for depth, key in enumerate(keys):
        if keys[: depth + 1] not in tables:
            table = tables[keys[:depth]]
            tables[keys[: depth + 1]] = table[_index(table, key)]
    return tables[keys]


def _index(table: object, key: str) -> str | int:
    return int(key) if isinstance(table, list) else key


def _leaves(found: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    check_depth(keys, 1)
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _leaves(value, (*keys, name))
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from _leaves(value, (*keys, str(place)))
    else:
        yield keys, found


def _entry(keys: tuple[str, ...], value: object) -> Entry:
    # tomlkit finds it by its names; a span that is not (0, 0) says that it can be replaced.
    if isinstance(value, str):
        return Entry(keys, value.encode("utf-8"), span=(0, 1))
    if isinstance(value, bool | int | float):
        from json import dumps

        try:
            return Entry(keys, dumps(value, allow_nan=False).encode("ascii"), kind="json", span=(0, 1))
        except ValueError:
            return Entry(keys, str(value).encode("ascii"), span=(0, 1), note="is not a number that JSON has")
    return Entry(keys, str(value).encode("utf-8"), span=(0, 1), note=_DATE)


def _write(text: str) -> str:
    from json import dumps

    # A TOML basic string is a JSON string but for pairs of surrogates, and DEL.
    return dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
