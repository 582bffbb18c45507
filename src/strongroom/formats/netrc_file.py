"""netrc files: login, password and account of machines.

Read here and not by the standard library, which takes only a path, keeps one entry of a machine and no place; it judges
this reader in the tests. Source: GNU inetutils, ".netrc"; CPython, Lib/netrc.py.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import BadFile, Document, Entry, Lines, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?:[^\s\\"]|\\.)(?:[^\s\\]|\\.)*', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FIELDS = {"login": "login", "user": "login", "account": "account", "password": "password"}


def read(data: bytes | bytearray) -> Document:
    """Every machine's fields, under its name; a second entry of a machine as ``NAME[2]``.

    Of a macro only the name is read.

    Raises: BadFile: not netrc.
    """
    text, bom = decode(data)
    lines, entries, counts = Lines(text), list[Entry](), dict[str, int]()
    machine, waiting = "", ""
    for token in _tokens(text):
        start, end = token
        raw = text[start:end]
        if raw.startswith("macdef") and "\n" in raw:
            macro = raw.split()[1:2]
            entries.append(Entry(("macdef", *macro), b"", line=lines.at(start), is_secret=False, note="is a macro"))
        elif waiting in _FIELDS:
            keys = (machine, _FIELDS[waiting])
            value = unquoted(raw).encode("utf-8")
            is_secret = keys[1] == "password"
            entries.append(Entry(keys, value, line=lines.at(start), span=token, is_secret=is_secret))
            waiting = ""
        elif waiting == "machine" or raw == "default":
            name = unquoted(raw)
            counts[name] = counts.get(name, 0) + 1
            machine = name if counts[name] == 1 else f"{name}[{counts[name]}]"
            waiting = ""
        elif raw == "machine" or (raw in _FIELDS and machine):
            waiting = raw
        else:
            raise BadFile(f"line {lines.at(start)} is not netrc")
    if waiting:
        raise BadFile(f"the file ends after the word {waiting}")
    return Document(text, entries, _write, template="", bom=bom)


def unquoted(raw: str) -> str:
    """What a token stands for."""
    if raw.startswith('"') and raw.endswith('"') and len(raw) > 1:
        raw = raw[1:-1]
    return _ESCAPE.sub(r"\1", raw)


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """The places of all words; a macro is one, and comments are passed over."""
    place, is_value = 0, False
    while True:
        found = _TOKEN.search(text, place)
        skipped = text[place : found.start() if found is not None else len(text)]
        if skipped.strip():
            raise BadFile("the file opens a quote that nothing closes, or ends with a backslash")
        if found is None:
            return
        place = found.end()
        raw = found.group()
        if raw.startswith("#") and not is_value:
            place = _end_of_line(text, found.start())
        elif raw == "macdef" and not is_value:
            end = re.compile(r"\n[ \t]*\r?\n|\Z").search(text, place)
            place = len(text) if end is None else end.end()
            yield found.start(), place
        else:
            yield found.span()
            is_value = not is_value and (raw == "machine" or raw in _FIELDS)


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _write(text: str) -> str:
    if not text:
        raise BadFile("a netrc file cannot hold an empty text")
    if re.fullmatch(r"[^\s\"\\#][^\s\"\\]*", text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
