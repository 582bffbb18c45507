"""XML files: the text of elements without children, and attributes.

A document type is refused, so that there are no entities to expand or fetch.
Expat reads and says where; what it gives and what stands there must agree.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import BadFile, Document, Entry, Lines, check_depth, decode, looks_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ATTRIBUTE = re.compile(r"""\s([^\s=<>"'/]+)\s*=\s*("[^"<]*"|'[^'<]*')""")
_NAMES = ("name", "key", "id")
_CDATA = re.compile(r"<!\[CDATA\[(?:(?!\]\]>).)*\]\]>", re.DOTALL)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def read(data: bytes | bytearray) -> Document:
    """Every attribute, and the text of every element, under the names of its elements; among children it has a note.

    An attribute is ``@NAME``, a second element of a name among its siblings ``NAME[2]``: neither is a name of XML. A
    ``name``, ``key`` or ``id`` beside a ``value`` says whether that is secret.

    Raises: BadFile: not XML, a document type, another encoding than UTF-8, nested too deeply.
    """
    text, bom = decode(data)
    return Document(text, _Reader(text).read(), _write, template="", bom=bom)


class _Element:
    __slots__ = ("children", "counts", "name", "parts", "start")

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.start = start  # where its content begins, in bytes
        self.children = 0
        self.counts: dict[str, int] = {}
        self.parts: list[str] = []


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._data = text.encode("utf-8")
        self._lines = Lines(text)
        self._open = [_Element("", 0)]
        self._entries: list[Entry] = []
        self._characters = (0, 0)

    def read(self) -> list[Entry]:
        from xml.parsers import expat

        parser: Any = expat.ParserCreate("UTF-8")
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.XmlDeclHandler = _check_declaration
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = lambda name, attributes: self._start(parser, name, attributes)
        parser.EndElementHandler = lambda _name: self._end(parser)
        parser.CharacterDataHandler = lambda text: self._open[-1].parts.append(text)
        try:
            parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise BadFile(f"this is not XML: line {error.lineno}, column {error.offset + 1}") from None
        return sorted(self._entries, key=lambda entry: entry.span)

    def _character(self, place: int) -> int:
        """The character at byte *place*; asked in rising order but for the ends of elements."""
        byte, character = self._characters if self._characters[0] <= place else (0, 0)
        character += len(self._data[byte:place].decode("utf-8"))
        self._characters = (place, character)
        return character

    def _keys(self) -> tuple[str, ...]:
        return tuple(element.name for element in self._open[1:])

    def _start(self, parser: Any, name: str, attributes: list[str]) -> None:
        outer = self._open[-1]
        outer.children += 1
        count = outer.counts[name] = outer.counts.get(name, 0) + 1
        begin = parser.CurrentByteIndex
        end = _tag_end(self._data, begin)
        self._open.append(_Element(name if count == 1 else f"{name}[{count}]", end))
        place = self._character(begin)
        check_depth(self._open, self._lines.at(place))
        self._attributes(place, self._data[begin:end].decode("utf-8"), attributes)

    def _attributes(self, place: int, tag: str, attributes: list[str]) -> None:
        found = list(_ATTRIBUTE.finditer(tag))
        given = list(zip(attributes[::2], attributes[1::2], strict=True))
        if [one[1] for one in found] != [name for name, _ in given]:
            raise BadFile(f"line {self._lines.at(place)} can be read in two ways")
        called = next((value for name, value in given if name in _NAMES), "")
        is_named = called != "" and any(name == "value" for name, _ in given)
        for one, (name, value) in zip(found, given, strict=True):
            keys = (*self._keys(), f"@{name}")
            span = (place + one.start(2) + 1, place + one.end(2) - 1)
            data = value.encode("utf-8")
            if is_named and name == "value":
                is_secret = looks_secret((*self._keys(), called), data)
            else:
                is_secret = not (is_named and name in _NAMES) and looks_secret((*self._keys(), name), data)
            line = self._lines.at(span[0])
            self._entries.append(Entry(keys, data, line=line, span=span, is_secret=is_secret))

    def _end(self, parser: Any) -> None:
        element = self._open[-1]
        end = parser.CurrentByteIndex
        text = "".join(element.parts)
        # Text between children is in parts, and so not taken; but it is there.
        is_text = not element.children or text.strip()
        if is_text and element.start <= end and self._data[end : end + 2] == b"</":
            self._element_text(text, element.start, end)
        self._open.pop()

    def _element_text(self, value: str, begin: int, end: int) -> None:
        raw = self._data[begin:end].decode("utf-8")
        shown = raw.strip()
        if not shown:
            return
        is_whole = "<" not in shown or _CDATA.fullmatch(shown) is not None
        start = self._character(begin) + len(raw) - len(raw.lstrip())
        keys = self._keys()
        span, line = (start, start + len(shown)), self._lines.at(start)
        note = "" if is_whole else "is written in parts"
        self._entries.append(Entry(keys, value.strip().encode("utf-8"), line=line, span=span, note=note))


def _tag_end(data: bytes, begin: int) -> int:
    """Where the tag that begins at byte *begin* ends; a ``>`` inside of quotes is part of a value."""
    found = re.compile(rb"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""").match(data, begin)
    return begin if found is None else found.end()


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii", "ascii"):
        raise BadFile("the file says that it is not UTF-8; convert it first")


def _refuse_doctype(*_parts: object) -> None:
    raise BadFile("the file has a document type, which could define entities: it is not read")


def _write(text: str) -> str:
    return "".join(_ENTITIES.get(one, one) for one in text)
