"""``.env`` files as a POSIX shell would assign them, with ``set -a; . ./.env``; nothing is ever run.

What would run a command is refused; a value that only the running shell knows has a note instead.
Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting, 2.6 Word Expansions, 2.9.1 Simple Commands.
"""

from __future__ import annotations

import re

from strongroom.formats.dotenv import environment_note
from strongroom.formats.interface import BadFile, Entry, Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)([^{}$`\"'\\]*))?\})")
_OPERATORS = ";&|<>()"
_OF_THE_SHELL = "holds what only the running shell knows"


def read_posix(text: str, environment: Mapping[str, str] | None) -> list[Entry]:
    """The variables that *text* assigns.

    Raises: BadFile: a line that is no assignment, an operator, a command, an open quote, CRLF line ends.
    """
    return _Reader(text, environment).read()


class _Reader:
    def __init__(self, text: str, environment: Mapping[str, str] | None) -> None:
        self._text = text
        self._environment = environment
        self._lines = Lines(text)
        self._known: dict[str, str] = {}
        self._place = 0
        self._note = ""

    def read(self) -> list[Entry]:
        if "\r" in self._text:
            line = self._lines.at(self._text.index("\r"))
            raise BadFile(f"line {line} ends with CRLF, which a shell takes into the value")
        entries: list[Entry] = []
        while self._place < len(self._text):
            self._line(entries)
        return entries

    def _line(self, entries: list[Entry]) -> None:
        """One line of assignments, ``export`` before them, a comment after them."""
        is_export = has_words = False
        while self._skip_blanks():
            start = self._place
            found = _ASSIGNMENT.match(self._text, start)
            bare = _NAME.match(self._text, start)
            if found is not None:
                entries.append(self._assignment(found[1], found.end()))
            elif bare is None or not self._ends_word(bare.end()) or not (is_export or bare.group() == "export"):
                raise self._command(start)
            elif not is_export and has_words:
                raise self._command(start)  # `A=1 export B` runs export with an environment of its own
            else:
                is_export, self._place = True, bare.end()
            has_words = True

    def _command(self, start: int) -> BadFile:
        return BadFile(f"line {self._lines.at(start)} is a command to a shell, and no assignment")

    def _ends_word(self, place: int) -> bool:
        return place >= len(self._text) or self._text[place] in " \t\n"

    def _skip_blanks(self) -> bool:
        """Go to the next word of the line; False at its end, which is passed."""
        text = self._text
        while self._place < len(text):
            one = text[self._place]
            if one in " \t":
                self._place += 1
            elif one == "\\" and text[self._place + 1 : self._place + 2] == "\n":
                self._place += 2
            elif one == "#":
                end = text.find("\n", self._place)
                self._place = len(text) if end < 0 else end
            elif one == "\n":
                self._place += 1
                return False
            else:
                return True
        return False

    def _assignment(self, name: str, start: int) -> Entry:
        self._place, self._note = start, ""
        value = self._word()
        self._known[name] = value
        line = self._lines.at(start)
        return Entry((name,), value.encode("utf-8"), line=line, span=(start, self._place), note=self._note)

    def _word(self) -> str:
        parts: list[str] = []
        text = self._text
        if text.startswith("~", self._place):
            self._note = _OF_THE_SHELL
        while self._place < len(text) and text[self._place] not in " \t\n":
            one = text[self._place]
            if one == "'":
                parts.append(self._single())
            elif one == '"':
                parts.append(self._double())
            elif one == "\\":
                following = text[self._place + 1 : self._place + 2]
                parts.append("" if following == "\n" else following or "\\")
                self._place += 2
            elif one in "$`":
                parts.append(self._expansion(is_quoted=False))
            elif one in _OPERATORS:
                raise BadFile(f"line {self._lines.at(self._place)} holds a shell operator outside of quotes")
            else:
                if text.startswith(":~", self._place):
                    self._note = _OF_THE_SHELL
                parts.append(one)
                self._place += 1
        self._place = min(self._place, len(text))
        return "".join(parts)

    def _single(self) -> str:
        end = self._text.find("'", self._place + 1)
        if end < 0:
            raise self._open_quote()
        value = self._text[self._place + 1 : end]
        self._place = end + 1
        return value

    def _double(self) -> str:
        text, start = self._text, self._place
        self._place += 1
        parts: list[str] = []
        while self._place < len(text) and text[self._place] != '"':
            one = text[self._place]
            if one == "\\":
                following = text[self._place + 1 : self._place + 2]
                kept = "" if following and following in '$`"\\\n' else "\\"
                parts.append(kept + ("" if following == "\n" else following))
                self._place += 2
            elif one in "$`":
                parts.append(self._expansion(is_quoted=True))
            else:
                parts.append(one)
                self._place += 1
        if self._place >= len(text):
            self._place = start
            raise self._open_quote()
        self._place += 1
        return "".join(parts)

    def _open_quote(self) -> BadFile:
        return BadFile(f"line {self._lines.at(self._place)} opens a quote that nothing closes")

    def _expansion(self, *, is_quoted: bool) -> str:
        """What ``$...`` stands for; a command is refused, and never run."""
        text, start = self._text, self._place
        following = text[start + 1 : start + 2]
        if text[start] == "`" or following == "(":
            raise BadFile(f"line {self._lines.at(start)} would run a command, which is never done")
        found = _PARAMETER.match(text, start)
        if found is None:
            if following == "{":
                raise BadFile(f"line {self._lines.at(start)} holds an expansion that is not read here")
            is_special = following != "" and (following in "$?!@*#-" or following.isdigit())
            if is_special or (following and following in "'\"" and not is_quoted):
                # The shell's process number, its arguments, or a quoting in which shells differ.
                self._note = _OF_THE_SHELL
            self._place += 2 if is_special else 1
            return "$"
        self._place = found.end()
        return self._parameter(found[1] or found[2], found[3], found[4])

    def _parameter(self, name: str, how: str | None, default: str | None) -> str:
        known = self._known.get(name)
        if known is None and self._environment is not None:
            known = self._environment.get(name)
        elif known is None:
            self._note = environment_note(name)
        if default is not None and (known is None or (not known and how == ":-")):
            return default
        return known or ""
