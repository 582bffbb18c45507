"""What every format of a SOPS file gives: its values and comments, each with its names and its place in the text."""

from __future__ import annotations

import re

from strongroom.credentials.hidden import HiddenText
from strongroom.errors import StrongroomError
from strongroom.formats.interface import ENTRIES_MAX, BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    class Format(Protocol):
        """A module that reads and writes one format."""

        def read(self, text: str) -> Tree:
            """All leaves, those of the metadata apart."""

        def write(self, leaf: Leaf, kind: str, data: str) -> tuple[tuple[int, int], str]:
            """What stands in whose place when *leaf* is to have another value."""

        def with_metadata(self, text: str, metadata: Mapping[str, object]) -> str:
            """*text* with the metadata at its end."""

        def with_same_metadata(self, text: str, tree: Tree, metadata: Mapping[str, object]) -> str:
            """*text* with the metadata of *tree* in which the time and the MAC alone are others."""


COMMENT = "comment"
NULL = "null"


class Leaf:
    """A value or a comment.

    Attributes:
        path: the names that lead to it, without places in lists: what its encryption is bound to.
        place: the same with them; of a comment, where it stands.
        kind: ``"str"``, ``"int"``, ``"float"``, ``"bool"``, ``"time"``, `NULL` or `COMMENT`.
        data: as SOPS's MAC sees it.
        span: the characters that write it.
        column: of YAML, where its block begins; -1 inside of brackets.
    """

    __slots__ = ("column", "data", "kind", "line", "path", "place", "span")

    def __init__(
        self,
        path: Sequence[str],
        place: Sequence[str],
        kind: str,
        data: str,
        *,
        span: tuple[int, int],
        line: int,
        column: int = -1,
    ) -> None:
        self.path = tuple(path)
        self.place = tuple(place)
        self.kind = kind
        self.data = HiddenText(data)
        self.span = span
        self.line = line
        self.column = column

    @property
    def name(self) -> str:
        """How to call it in messages."""
        return f"the comment in line {self.line}" if self.kind == COMMENT else ".".join(self.place)

    @property
    def is_empty(self) -> bool:
        """SOPS encrypts neither an empty text nor a null."""
        return self.kind == NULL or not self.data

    def associated(self, path: Sequence[str] | None = None) -> bytes:
        """What its encryption is bound to."""
        return (":".join(self.path if path is None else path) + ":").encode("utf-8")

    def __repr__(self) -> str:
        return f"Leaf({'.'.join(self.place)!r}, {self.kind!r}, line={self.line}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a leaf may hold a secret and cannot be pickled")


class Tree:
    """A file that was taken apart.

    Args:
        text: all of it.
        leaves: in the order of the file.
        metadata: what stands under ``sops``; None where nothing does.
        metadata_spans: the characters that write it.
    """

    __slots__ = ("leaves", "metadata", "metadata_spans", "text")

    def __init__(
        self,
        text: str,
        leaves: Sequence[Leaf],
        metadata: Mapping[str, object] | None,
        metadata_spans: Sequence[tuple[int, int]] = (),
    ) -> None:
        if len(leaves) > ENTRIES_MAX:
            raise BadFile(f"more than {ENTRIES_MAX} values in one file")
        self.text = HiddenText(text)
        self.leaves = tuple(leaves)
        self.metadata = metadata
        self.metadata_spans = tuple(metadata_spans)

    def spliced(self, pieces: Sequence[tuple[tuple[int, int], str]], *, keep_metadata: bool = False) -> str:
        """The text with pieces in the place of spans, and without its metadata; all else stays as it is."""
        gone = [] if keep_metadata else [(span, "") for span in self.metadata_spans]
        done, place = [], 0
        for (start, end), piece in sorted([*pieces, *gone]):
            if start < place:
                raise BadFile("two values of the file lie in each other")
            done += [self.text[place:start], piece]
            place = end
        return "".join((*done, self.text[place:]))

    def __repr__(self) -> str:
        return f"Tree({len(self.leaves)} leaves, <hidden>)"


def read_with(format: Format, text: str) -> Tree:
    """What *format* reads, without the frames of its parser in an error: they hold the text and parts of it."""
    try:
        return format.read(text)
    except (BadFile, StrongroomError) as error:
        kept = error.with_traceback(None)
    # Outside of the block, so that nothing is the cause.
    raise kept


def write_with(format: Format, leaf: Leaf, kind: str, data: str) -> tuple[tuple[int, int], str]:
    """What *format* writes, without its frames in an error; see `read_with`."""
    try:
        return format.write(leaf, kind, data)
    except BadFile as error:
        kept = error.with_traceback(None)
    raise kept


def with_lines(text: str, tree: Tree, metadata: Mapping[str, object]) -> str:
    """`Format.with_same_metadata` of formats whose metadata are lines of their own: what has not changed stays."""
    lines = "".join(tree.text[start:end] for start, end in tree.metadata_spans)
    before = tree.metadata or {}
    lines = re.sub(
        r"(lastmodified[\"']?\s*[:=]\s*[\"']?)" + re.escape(str(before["lastmodified"])),
        lambda found: found[1] + str(metadata["lastmodified"]),
        lines,
    ).replace(str(before["mac"]), str(metadata["mac"]))
    return (text if not text or text.endswith("\n") else text + line_ends(tree.text)) + lines


def line_ends(text: str) -> str:
    """The line ends that *text* uses."""
    return "\r\n" if "\r\n" in text else "\n"
