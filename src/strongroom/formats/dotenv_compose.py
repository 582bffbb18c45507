"""``.env`` files as Docker Compose reads them.

Source: compose-go v2, dotenv/parser.go and template/template.go, and Docker's page "Set environment variables:
env file syntax". Where those leave a doubt the file is refused.
"""

from __future__ import annotations

import re

from strongroom.formats.dotenv import environment_note
from strongroom.formats.interface import BadFile, Entry, Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_BLANKS = "\t\v\f\r \x85\xa0"
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPES: dict[str, str] = dict(zip('$abfnrtv"\\', ("$$", *'\a\b\f\n\r\t\v"\\'), strict=True))
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<named>[_a-zA-Z][_a-zA-Z0-9]*)"
    r"|\{(?P<braced>[_a-zA-Z][_a-zA-Z0-9]*)(?:(?P<how>:?-)(?P<default>[^{}$]*))?\}|(?P<other>))"
)


def read_compose(text: str, environment: Mapping[str, str] | None) -> list[Entry]:
    """The variables of *text*.

    Raises: BadFile: what Compose refuses, or an interpolation beyond ``$NAME``, ``${NAME}`` and a plain default.
    """
    return _Reader(text, environment).read()


class _Reader:
    def __init__(self, text: str, environment: Mapping[str, str] | None) -> None:
        self._text = text
        self._environment = environment
        self._lines = Lines(text)
        self._known: dict[str, str] = {}
        self._place = 0

    def read(self) -> list[Entry]:
        entries = []
        while self._skip_to_statement():
            start = self._place
            name = self._name()
            if name is None:
                continue
            raw, end = self._value()
            if raw.startswith("'"):
                value, note = raw[1:-1].replace("\\'", "'"), ""
            elif raw.startswith('"'):
                value, note = self._expand(_ESCAPE.sub(_unescape, raw[1:-1].replace('\\"', '"')), start)
            elif "\\$" in raw:
                raise BadFile(f"line {self._lines.at(start)} has a \\$ without quotes; write $$ for a $")
            else:
                value, note = self._expand(raw, start)
            self._known[name] = value
            line, span = self._lines.at(start), (end - len(raw), end)
            entries.append(Entry((name,), value.encode("utf-8"), line=line, span=span, note=note))
        return entries

    def _skip_to_statement(self) -> bool:
        while self._place < len(self._text):
            if self._text[self._place].isspace():
                self._place += 1
            elif self._text[self._place] == "#":
                end = self._text.find("\n", self._place)
                self._place = len(self._text) if end < 0 else end
            else:
                return True
        return False

    def _name(self) -> str | None:
        """The name before ``=`` or ``:``; None for a bare name, whose value is the environment's."""
        text, start = self._text, self._place
        exported = re.compile(r"export\s+").match(text, start)
        start = exported.end() if exported else start
        place = start
        while place < len(text) and text[place] not in "=:\n":
            one = text[place]
            if not (one in _BLANKS or one in "_.-[]" or one.isalpha() or one.isnumeric()):
                raise BadFile(f"line {self._lines.at(place)} has a character in its name that Compose refuses")
            place += 1
        name = text[start:place].rstrip()
        if " " in name:
            raise BadFile(f"line {self._lines.at(start)} has a space in its name")
        if place == len(text):
            # Compose itself reads a bare name at the very end as nothing.
            self._place = place
            return None
        is_bare = text[place] == "\n"
        place += 1
        while not is_bare and place < len(text) and text[place] in _BLANKS:
            place += 1
        self._place = place
        return None if is_bare else name

    def _value(self) -> tuple[str, int]:
        """The value as it is written, and where it ends."""
        text, start = self._text, self._place
        if text[start : start + 1] in ("'", '"'):
            quote, place = text[start], start + 1
            while place < len(text) and text[place] != quote:
                place += 2 if text[place] == "\\" else 1
            if place >= len(text):
                raise BadFile(f"line {self._lines.at(start)} opens a quote that nothing closes")
            self._place = place + 1
            rest = re.compile(r"[^\S\n]*([^\s#])?").match(text, place + 1)
            if rest and rest[1]:
                # Compose reads it as the next name; who wrote it meant a part of the value.
                raise BadFile(f"line {self._lines.at(place)} has more behind the quote that closes a value")
            return text[start : place + 1], place + 1
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        self._place = end
        raw = text[start:end].partition(" #")[0].rstrip()
        return raw, start + len(raw)

    def _expand(self, value: str, start: int) -> tuple[str, str]:
        note = ""

        def replace(found: re.Match[str]) -> str:
            nonlocal note
            if found["escaped"] is not None:
                return "$"
            name = found["named"] or found["braced"]
            if name is None:
                raise BadFile(f"line {self._lines.at(start)} has a $ that Compose refuses; it writes one as $$")
            known = (self._environment or {}).get(name, self._known.get(name))
            if self._environment is None and name not in self._known:
                note = environment_note(name)
            default = found["default"]
            if default is not None and (known is None or (not known and found["how"] == ":-")):
                return default
            return known or ""

        return _VARIABLE.sub(replace, value), note


def _unescape(found: re.Match[str]) -> str:
    sequence = found.group()
    if sequence[1] == "0":
        digits = sequence[2:]
        is_octal = len(digits) == 3 and all(one in "01234567" for one in digits) and int(digits, 8) < 128
        return chr(int(digits, 8)) if is_octal else sequence
    return _ESCAPES.get(sequence[1], sequence)
