"""INI files, as configparser reads them, without interpolation. A scan finds the places, and the two must agree."""

from __future__ import annotations

import re

from strongroom.formats.interface import BadFile, Document, Entry, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = re.compile(r"\[(.+)\]")
_OPTION = re.compile(r"(.*?)\s*(?:[=:]\s*(.*))?$", re.DOTALL)
_ENDS = re.compile("[^\n]*\n?")
# configparser's own pattern takes time by the square of a row of blanks inside of a line.
_BLANKS_INSIDE = re.compile(r"(?<=[^\s])[^\S\n]{64,}(?=[^\s])")


def read(data: bytes | bytearray) -> Document:
    """Every option, under its section.

    Raises: BadFile: not INI, no section at the top, a section or option twice.
    """
    text, bom = decode(data)
    blanks = _BLANKS_INSIDE.search(text)
    if blanks is not None:
        raise BadFile(f"line {text.count(chr(10), 0, blanks.start()) + 1} has too many blanks in a row inside of it")
    values = _parse(text)
    entries = []
    for section, option, line, span in _places(text):
        value = values.get((section, option))
        shown = text[span[0] : span[1]]
        if value is None or [one.strip() for one in value.split("\n")] != _value_lines(shown):
            raise BadFile(f"line {line} can be read in two ways")
        entries.append(Entry((section, option), value.encode("utf-8"), line=line, span=span))
    if len(entries) != len(values):
        raise BadFile("the file can be read in two ways")
    return Document(text, entries, _write, template="", bom=bom)


def _parse(text: str) -> dict[tuple[str, str], str]:
    import configparser

    # A default section would show its options in every other; here it is one like them.
    parser = configparser.RawConfigParser(allow_no_value=True, default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        raise BadFile(f"line {error.lineno} stands before any [section]") from None
    except configparser.ParsingError as error:
        # From Python 3.13 on one kind of it, a line that continues nothing, has a number and no list.
        lines = [number for number, _ in getattr(error, "errors", ())]
        raise BadFile(f"line {lines[0] if lines else getattr(error, 'lineno', 1)} is not INI") from None
    except configparser.DuplicateSectionError as error:
        raise BadFile(f"line {error.lineno} begins a section a second time") from None
    except configparser.DuplicateOptionError as error:
        raise BadFile(f"line {error.lineno} gives an option a second time") from None
    except (configparser.Error, AttributeError):
        # The second: a line that continues an option without a value.
        raise BadFile("this is not INI") from None
    found: dict[tuple[str, str], str] = {}
    for section in parser.sections():
        options: list[tuple[str, str | None]] = list(parser.items(section))
        found |= {(section, option): value for option, value in options if value is not None}
    return found


def _value_lines(shown: str) -> list[str]:
    """The lines of a value as it is written, without comment lines; it begins with its first."""
    first, *rest = re.split("\r\n|\r|\n", shown)
    return [first.strip(), *(one.strip() for one in rest if not one.strip().startswith(("#", ";")))]


def _places(text: str) -> Iterator[tuple[str, str, int, tuple[int, int]]]:
    """Section, option, line and span of every option that has a value, by configparser's own rules of indentation."""
    section, indent = "", 0
    current: tuple[str, str, int, int] | None = None
    end = 0
    for number, found in enumerate(_ENDS.finditer(text), start=1):
        line = found.group()
        content = line.strip()
        if not content or content.startswith(("#", ";")):
            continue
        depth = len(line) - len(line.lstrip())
        if current is not None and section and depth > indent:
            end = found.start() + len(line.rstrip())
            continue
        if current is not None and current[3] >= 0:
            yield current[0], current[1], current[2], (current[3], end)
        current, indent = None, depth
        header = _SECTION.match(content)
        if header is not None:
            section = header[1]
            continue
        option = _OPTION.match(content)
        if option is not None:
            start = found.start() + depth
            at = -1 if option[2] is None else start + option.start(2)
            current, end = (section, option[1].rstrip(), number, at), start + len(content)
    if current is not None and current[3] >= 0:
        yield current[0], current[1], current[2], (current[3], end)


def _write(text: str) -> str:
    if text != text.strip() or "\n" in text or "\r" in text:
        raise BadFile("an INI file cannot hold this text as it is")
    return text
