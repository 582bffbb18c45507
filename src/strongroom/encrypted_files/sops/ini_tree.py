"""INI files as SOPS reads them, which is as go-ini does. A line that could be read in another way is refused.

Comments in a row are one to SOPS, and belong to what follows them.
Source: getsops/sops, stores/ini/store.go; go-ini, parser.go.
"""

from __future__ import annotations

import re

from strongroom.encrypted_files.sops import flat
from strongroom.encrypted_files.sops.tree import COMMENT, Leaf, Tree, line_ends
from strongroom.encrypted_files.sops.tree import with_lines as with_same_metadata  # noqa: F401
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_METADATA = "sops"
_TOP = "DEFAULT"
_OPTION = re.compile(r"([^=:\"`]+?)\s*[=:]\s*(.*)")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.leaves: list[Leaf] = []
        self.metadata: dict[str, str] | None = None
        self.metadata_span: tuple[int, int] | None = None
        self._section = _TOP
        self._names: set[tuple[str, str]] = set()
        self._sections: set[str] = set()
        # Comment lines that wait for what follows: start of the first, line, end of the last.
        self._waiting: tuple[int, int, int] | None = None

    def line(self, start: int, number: int, whole: str) -> None:
        line = whole.strip()
        at = start + len(whole) - len(whole.lstrip())
        if not line:
            return
        if line[0] in "#;":
            first = (at, number) if self._waiting is None else self._waiting[:2]
            self._waiting = (*first, at + len(line))
        elif line[0] == "[":
            self._open(line, start, number)
        else:
            self._option(line, at, number)

    def _open(self, line: str, start: int, number: int) -> None:
        if not line.endswith("]") or len(line) < 3:
            raise BadFile(f"line {number} is not INI")
        self._section = line[1:-1].strip()
        if self._section in self._sections:
            raise BadFile(f"line {number} begins a section a second time")
        self._sections.add(self._section)
        if self._section == _METADATA:
            # With the empty line before it.
            start -= 1 if self.text[:start].endswith("\n\n") else 0
            self.metadata, self.metadata_span = {}, (start, len(self.text))
        elif self.metadata is not None:
            raise BadFile(f"line {number} follows the metadata of SOPS, which only sops reads")
        self.comment()

    def _option(self, line: str, at: int, number: int) -> None:
        found = _OPTION.fullmatch(line)
        if found is None:
            raise BadFile(f"line {number} is not INI")
        name, raw = found.groups()
        if (self._section, name) in self._names:
            raise BadFile(f"line {number} gives an option a second time")
        self._names.add((self._section, name))
        if self.metadata is not None:
            self.metadata[name] = _value(raw, number)
            return
        path = (self._section, name)
        span = at + found.start(2), at + found.end(2)
        self.leaves.append(Leaf(path, path, "str", _value(raw, number), span=span, line=number))
        self.comment()

    def comment(self) -> None:
        """Take the comment lines that stand before this one."""
        if self._waiting is None:
            return
        start, number, end = self._waiting
        self._waiting = None
        shown = self.text[start:end]
        data = shown.lstrip(shown[0] + " ")
        lines = [one.strip() for one in data.split("\n")]
        span = end - len(data), end
        # Empty lines between comments are lost, as SOPS loses them.
        text = "\n".join(one for one in lines if one)
        if self._section != _METADATA:
            leaf = Leaf((self._section,), ("#", str(number)), COMMENT, text, span=span, line=number)
            self.leaves.append(leaf)


def read(text: str) -> Tree:
    """See `Format.read`.

    Raises: BadFile: not INI, a name twice, or a line that could be read in two ways.
    """
    reader, place = _Reader(text), 0
    for number, whole in enumerate(text.split("\n"), 1):
        reader.line(place, number, whole)
        place += len(whole) + 1
    reader.comment()
    metadata = None if reader.metadata is None else flat.unflatten(reader.metadata)
    leaves = sorted(reader.leaves, key=lambda leaf: leaf.span)
    return Tree(text, leaves, metadata, [] if reader.metadata_span is None else [reader.metadata_span])


def _value(raw: str, number: int) -> str:
    """What go-ini makes of the rest of a line, which it cuts at a # or ; that no backticks hold."""
    if raw[:1] == "`" and len(raw) > 1 and raw.count("`") == 2 and raw[-1] == "`":
        return raw[1:-1]
    inner = raw[1:-1] if len(raw) > 1 and raw[0] in "'\"" and raw[-1] == raw[0] else raw
    if any(one in inner for one in "#;`\r") or raw.endswith("\\") or inner[:1] in ("'", '"'):
        raise BadFile(f"line {number} can be read in two ways, and SOPS may cut it: put its value in backticks (`)")
    return inner


def write(leaf: Leaf, kind: str, data: str) -> tuple[tuple[int, int], str]:
    """See `Format.write`.

    Raises: BadFile: a line cannot hold it.
    """
    if kind == COMMENT:
        return leaf.span, data
    for shown in (data, f'"{data}"', f"`{data}`"):
        try:
            if not any(one in data for one in "\r\n") and shown == shown.strip() and _value(shown, 0) == data:
                return leaf.span, shown
        except BadFile:
            continue
    raise BadFile(f"an INI file cannot hold {leaf.name} as it is")


def with_metadata(text: str, metadata: Mapping[str, object]) -> str:
    """See `Format.with_metadata`."""
    end = line_ends(text)
    if text and not text.endswith("\n"):
        text += end
    lines = (f"{name} = {value}" for name, value in flat.flatten(metadata).items())
    return text + end.join((f"{end}[{_METADATA}]" if text else f"[{_METADATA}]", *lines)) + end
