"""YAML files, through ruamel.yaml (extra ``yaml``): composed to nodes with places, and nothing ever constructed.

So no tag makes an object, an alias is followed once, and what is replaced is only the value's own text.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import DEPTH_MAX, BadFile, Document, Entry, check_depth, decode
from strongroom.keys.slots.bound import missing_extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE_BYTES_MAX = 1024 * 1024
"""The parser is written in Python, and slow."""

PARTS_MAX = 50_000
"""Lines and commas: about what a document has of nodes, and each takes 0.1 ms."""

OPENED_MAX = 200
"""Brackets that open close to each other in one line: the parser takes time by their square, or more."""

_OPENED = re.compile(rf"(?:[\[{{][^\[\]{{}}\n]{{0,8}}){{{OPENED_MAX}}}")
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + one for one in ("str", "int", "float", "bool", "null", "binary", "timestamp", "value"))


def read(data: bytes | bytearray) -> Document:
    """Every scalar, under the names and list places that lead to it; of several documents also their number.

    Raises:
        BadFile: not YAML, a tag that would make a Python object, a name twice, nested too deeply.
        FormatUnsupported: the extra ``yaml`` is not installed.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BadFile(f"a YAML file is read up to {FILE_BYTES_MAX} bytes")
    text, bom = decode(data)
    if text.count("\n") + text.count(",") > PARTS_MAX:
        raise BadFile(f"the file has more than {PARTS_MAX} lines and commas")
    if any(line.count("[") + line.count("{") >= OPENED_MAX and _OPENED.search(line) for line in text.split("\n")):
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep")
    documents = compose(text)
    reader = _Reader(text)
    for place, node in enumerate(documents):
        reader.walk(node, (str(place),) if len(documents) > 1 else ())
    return YamlDocument(text, reader.entries, _write, place=_place, template="json", bom=bom)


class YamlDocument(Document):
    """A YAML file: what is written in a place has an anchor before it and line ends behind it, which stay."""

    __slots__ = ()

    def spellings(self) -> list[str]:
        """See `Document.spellings`."""
        return [_bare(spelling) for spelling in super().spellings()]


def compose(text: str) -> list[Any]:
    """The nodes of every document of *text* that is not empty, with their places; nothing is constructed.

    Raises: BadFile, FormatUnsupported: as `read`.
    """
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError:
        raise missing_extra("yaml", "reading YAML") from None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = list(YAML(typ="safe", pure=True).compose_all(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # `from None`: the cause quotes the lines.
        raise BadFile(f"this is not YAML{where}") from None
    except RecursionError:
        raise BadFile(f"the file is nested more than {DEPTH_MAX} deep") from None
    except (YAMLError, ValueError, AttributeError, NotImplementedError):
        # The last two: what the library lets out for some malformed input, such as a bad directive.
        raise BadFile("this is not YAML") from None
    return [node for node in found if node is not None]


class _Reader:
    """Walks nodes; each of them once, however many aliases lead to it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._seen: dict[int, Entry | None] = {}
        self.entries: list[Entry] = []

    def walk(self, node: Any, keys: tuple[str, ...]) -> None:
        line = node.start_mark.line + 1
        check_depth(keys, line)
        if id(node) in self._seen:
            self._alias(node, keys)
            return
        self._seen[id(node)] = None
        _check_tag(node, line)
        if node.id == "mapping":
            self._mapping(node, keys)
        elif node.id == "sequence":
            for place, one in enumerate(node.value):
                self.walk(one, (*keys, str(place)))
        else:
            entry = self._scalar(node, keys or ("value",), line)
            self._seen[id(node)] = entry
            self.entries.append(entry)

    def _alias(self, node: Any, keys: tuple[str, ...]) -> None:
        """The value stands at its anchor; only how it is called may tell that it is secret."""
        entry = self._seen[id(node)]
        if entry is not None and keys and Entry(keys, entry.data).is_secret:
            entry.is_secret = True

    def _mapping(self, node: Any, keys: tuple[str, ...]) -> None:
        names = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.id != "scalar":
                raise BadFile(f"line {line} has a name that is no scalar")
            if key.tag == _CORE + "merge":
                self.walk(value, keys)
                continue
            if key.value in names:
                raise BadFile(f"line {line} gives a name a second time")
            names.add(key.value)
            self.walk(value, (*keys, key.value))

    def _scalar(self, node: Any, keys: tuple[str, ...], line: int) -> Entry:
        start, end = node.start_mark.index, node.end_mark.index
        raw, tag, note = self._text[start:end], str(node.tag), ""
        kind, value = "text", str(node.value)
        if tag not in _PLAIN_TAGS:
            note = "has a tag of its own"
        elif tag != _CORE + "str" and raw == value and _is_json(value):
            kind = "json"
        elif tag == _CORE + "null":
            kind, value = "json", "null"
        try:
            stored = value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadFile(f"line {line} holds half of a surrogate pair") from None
        return Entry(keys, stored, kind=kind, line=line, span=(start, end if start != end else start), note=note)


def _check_tag(node: Any, line: int) -> None:
    if "python/" in str(node.tag):
        raise BadFile(f"line {line} asks for a Python object, which is never made")


def _is_json(value: str) -> bool:
    """Whether JSON writes this number, boolean or null in the same way."""
    from json import dumps, loads

    try:
        return dumps(loads(value)) == value
    except ValueError:
        return False


def _write(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\x85", "\\x85")


def _place(_entry: Entry, piece: str, raw: str) -> str:
    """The new value, with the anchor of the old one, and with the line ends of a block."""
    anchor = _anchor(raw)
    rest = raw[len(raw.rstrip("\r\n")) :] if raw.endswith("\n") else ""
    return (anchor + " " if anchor else "") + piece + rest


def _anchor(raw: str) -> str:
    """The anchor of a value, which may stand before its tag or behind it, and nowhere else."""
    words = raw.split(maxsplit=2)[:2]
    if words and words[0].startswith("!"):
        del words[0]
    return words[0] if words and words[0].startswith("&") else ""


def _bare(raw: str) -> str:
    """What `_place` makes *raw* of again."""
    anchor = _anchor(raw)
    if anchor:
        before, _, after = raw.partition(anchor)
        raw = before + after.lstrip(" \t")
    return raw.rstrip("\r\n") if raw.endswith("\n") else raw
