"""YAML files of SOPS's: the values keep their places in the text, and so do comments, which SOPS encrypts, too.

What SOPS would not bring back is refused before anything is encrypted: anchors, tags, several documents.
Source: getsops/sops, stores/yaml/store.go; go-yaml, resolve.go.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from strongroom.encrypted_files.sops.tree import COMMENT, Leaf, Tree
from strongroom.encrypted_files.sops.tree import with_lines as with_same_metadata  # noqa: F401
from strongroom.encrypted_files.sops.values import is_encrypted
from strongroom.encrypted_files.sops.yaml_text import NULLS, resolve
from strongroom.encrypted_files.sops.yaml_text import with_metadata as with_metadata
from strongroom.encrypted_files.sops.yaml_text import write as write
from strongroom.errors import FormatUnsupported
from strongroom.formats.interface import BadFile, Lines, check_depth
from strongroom.formats.yaml_file import FILE_BYTES_MAX, PARTS_MAX, compose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_CORE = "tag:yaml.org,2002:"
_COMMENT = re.compile(r"(?:(?<=[\s])|^)#([^\r\n]*)")


def read(text: str) -> Tree:
    """See `Format.read`.

    Raises:
        BadFile: not YAML, no mapping, names that are no text, anchors, aliases, tags of one's own.
        FormatUnsupported: several documents; or the extra ``yaml`` is not installed.
    """
    if len(text) > FILE_BYTES_MAX or text.count("\n") + text.count(",") > PARTS_MAX:
        raise BadFile(f"a YAML file is read up to {FILE_BYTES_MAX} bytes and {PARTS_MAX} lines and commas")
    documents = compose(text)
    if len(documents) > 1:
        raise FormatUnsupported("this SOPS file holds several YAML documents, which only sops reads")
    if not documents or documents[0].id != "mapping":
        raise BadFile("the file is no mapping of names to values, and SOPS encrypts nothing else")
    reader = _Reader(text)
    reader.walk(documents[0], (), (), -1, is_top=True)
    leaves = sorted([*reader.leaves, *reader.comments()], key=lambda leaf: leaf.span)
    return Tree(text, leaves, reader.metadata, reader.metadata_spans)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = Lines(text)
        self._seen: set[int] = set()
        # Where nothing is a comment: names and values.
        self._taken: list[tuple[int, int]] = []
        self._shape = _Shape(text)
        # Blocks: by their names and kind, where each begins, and in which column.
        self._blocks: dict[tuple[str, ...], dict[str, list[tuple[int, int]]]] = {}
        self._first: set[tuple[int, tuple[str, ...]]] = set()
        # Where a collection in brackets ends, and its names.
        self._brackets: dict[int, tuple[str, ...]] = {}
        # Where a name begins, and those around it.
        self._starts: dict[int, tuple[str, ...]] = {}
        # The same with the name itself, in the order of the file.
        self._last: list[tuple[int, tuple[str, ...]]] = []
        self.leaves: list[Leaf] = []
        self.metadata: Mapping[str, object] | None = None
        self.metadata_spans: list[tuple[int, int]] = []

    def walk(
        self, node: Any, path: tuple[str, ...], place: tuple[str, ...], column: int, *, is_top: bool = False
    ) -> None:
        """Take *node* and all below it; *column* is that of the block around it, -1 inside of brackets."""
        line = node.start_mark.line + 1
        check_depth(place, line)
        if id(node) in self._seen or (node.id != "scalar" and node.anchor):
            raise BadFile(f"line {line} has an anchor or an alias, which SOPS would not keep")
        self._seen.add(id(node))
        raw = self._text[node.start_mark.index : node.end_mark.index]
        if raw.startswith(("!", "&")):
            raise BadFile(f"line {line} has a tag or an anchor, which SOPS would not keep")
        if node.id == "scalar":
            self._scalar(node, path, place, column)
            return
        column = -1 if node.flow_style else node.start_mark.column
        if not node.flow_style:
            of_kind = self._blocks.setdefault(path, {}).setdefault(node.id, [])
            of_kind.append((node.start_mark.index, column))
            self._first.add((node.start_mark.index, path))
        else:
            self._brackets.setdefault(node.end_mark.index, path)
        if node.id == "sequence":
            number = 0
            for one in node.value:
                self.walk(one, path, (*place, str(number)), column)
                # A comment that SOPS made an item of does not count: it is none once it is decrypted.
                number += not (one.id == "scalar" and _is_comment(one.value))
            return
        names = set[str]()
        for key, value in node.value:
            name = self._name(key, names)
            self._starts[key.start_mark.index] = path
            self._last.append((key.start_mark.index, (*path, name)))
            if is_top and name == "sops":
                self._take_metadata(key, value)
            else:
                self.walk(value, (*path, name), (*place, name), column)

    def _name(self, key: Any, names: set[str]) -> str:
        line = key.start_mark.line + 1
        self._taken.append((key.start_mark.index, key.end_mark.index))
        is_plain = key.id == "scalar" and key.style is None
        is_text = key.id == "scalar" and (not is_plain or resolve(key.value, line)[0] == "str")
        if not is_text or key.tag == _CORE + "merge" or self._text[key.start_mark.index] in "!&":
            raise BadFile(f"line {line} has a name that is no text")
        name = str(key.value)
        if name in names:
            raise BadFile(f"line {line} gives a name a second time")
        names.add(name)
        return name

    def _scalar(self, node: Any, path: tuple[str, ...], place: tuple[str, ...], column: int) -> None:
        line = node.start_mark.line + 1
        span = node.start_mark.index, node.end_mark.index
        self._taken.append(span)
        kind, data = "str", str(node.value)
        if node.style is None:
            kind, data = resolve(data, line)
        if node.style in ("|", ">"):
            # A block ends with its lines, and what is written in its place does not.
            raw = self._text[span[0] : span[1]]
            span = span[0], span[0] + len(raw.rstrip("\r\n"))
        if _is_comment(data) and place[-1:] != path[-1:]:
            # The first comment of a list is an item to SOPS; with its dash it becomes a comment again.
            dash = self._text.rfind("-", 0, span[0])
            self.leaves.append(Leaf(path, place, COMMENT, data, span=(dash, span[1]), line=line))
            return
        self.leaves.append(Leaf(path, place, kind, data, span=span, line=line, column=column))

    def _take_metadata(self, key: Any, value: Any) -> None:
        if value.id != "mapping":
            raise BadFile("what stands under sops is no metadata of SOPS")
        self.metadata = {name: _plain(one) for name, one in _pairs(value)}
        start = self._lines.start(key.start_mark.line + 1)
        end = value.end_mark.index
        if self._text[start : key.start_mark.index].strip() or value.flow_style:
            raise FormatUnsupported("the metadata of this SOPS file stands where only sops reads it")
        self.metadata_spans = [(start, end)]
        self._taken.append((start, end))

    def comments(self) -> list[Leaf]:
        """What stands between names and values behind a ``#``."""
        found, place = [], 0
        for start, end in [*sorted(self._taken), (len(self._text), len(self._text))]:
            for one in _COMMENT.finditer(self._text, place, max(place, start)):
                line = self._lines.at(one.start())
                name = ("#", str(line))
                found.append(Leaf(self._around(one.start()), name, COMMENT, one[1], span=one.span(1), line=line))
            place = max(place, end)
        return found

    def _around(self, place: int) -> tuple[str, ...]:
        """The names of the block that go-yaml puts a comment into: the next one's, or by its column."""
        number = self._lines.at(place)
        line = self._shape.lines[number - 1]
        if not line.lstrip().startswith("#"):
            end = len(self._text[self._lines.start(number) : place].rstrip()) + self._lines.start(number)
            if end in self._brackets:
                return self._brackets[end]
            return self._deepest(place, len(line) - len(line.lstrip()))
        column, rest = place - self._lines.start(number), self._shape.next[number - 1]
        inner = self._inner(place)
        is_first = rest >= 0 and (self._starts.get(rest) == inner or (rest, inner) in self._first)
        if self._shape.is_foot(number - 1) and not is_first:
            return self._deepest(place, column)
        if rest >= 0:
            depth = rest - self._lines.start(self._lines.at(rest))
            if depth >= column:
                return self._starts[rest] if rest in self._starts else self._deepest(rest, depth)
        return self._deepest(place, column)

    def _inner(self, place: int) -> tuple[str, ...]:
        """The last name before *place*, and those around it."""
        number = bisect_right(self._last, place, key=_first)
        return self._last[number - 1][1] if number else ()

    def _deepest(self, place: int, column: int) -> tuple[str, ...]:
        """The innermost block that is open at *place*, and begins in *column* or before it."""
        inner = self._inner(place)
        best = -1
        names: tuple[str, ...] = ()
        for length in range(len(inner) + 1):
            for blocks in self._blocks.get(inner[:length], {}).values():
                number = bisect_right(blocks, place, key=_first)
                if number and best < blocks[number - 1][0] and blocks[number - 1][1] <= column:
                    best, names = blocks[number - 1][0], inner[:length]
        return names


class _Shape:
    """Of every line: where the next one stands that is neither empty nor a comment, and what is around comments."""

    __slots__ = ("_above", "_below", "lines", "next")

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        kinds = ["gap" if not one.strip() else "#" if one.lstrip().startswith("#") else "text" for one in self.lines]
        self.next, self._below = [-1] * len(kinds), ["gap"] * len(kinds)
        found, below, start = -1, "gap", len(text) + 1
        for number in range(len(kinds) - 1, -1, -1):
            line = self.lines[number]
            start -= len(line) + 1
            self.next[number], self._below[number] = found, below
            if kinds[number] == "text":
                found = start + len(line) - len(line.lstrip())
            if kinds[number] != "#":
                below = kinds[number]
        self._above, above = list[str](), "gap"
        for kind in kinds:
            self._above.append(above)
            above = above if kind == "#" else kind

    def is_foot(self, number: int) -> bool:
        """Whether a comment belongs to what stands before it: right below it, and before a gap."""
        return self._above[number] == "text" and self._below[number] == "gap"


def _is_comment(data: str) -> bool:
    return is_encrypted(data) and data.endswith("type:comment]")


def _first(pair: tuple[int, object]) -> int:
    return pair[0]


def _pairs(node: Any) -> list[tuple[str, Any]]:
    return [(str(key.value), value) for key, value in node.value if key.id == "scalar"]


def _plain(node: Any, depth: int = 0) -> object:
    """Metadata as dictionaries, lists and texts."""
    if depth > 8:
        raise BadFile("the SOPS metadata is nested too deeply")
    if node.id == "mapping":
        return {name: _plain(one, depth + 1) for name, one in _pairs(node)}
    if node.id == "sequence":
        return [_plain(one, depth + 1) for one in node.value]
    return None if node.style is None and node.value in NULLS else str(node.value)
