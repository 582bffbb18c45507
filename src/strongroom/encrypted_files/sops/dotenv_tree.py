"""dotenv files as SOPS reads them: a value is the rest of its line, quotation marks and all.

Source: getsops/sops, stores/dotenv/store.go.
"""

from __future__ import annotations

from strongroom.encrypted_files.sops import flat
from strongroom.encrypted_files.sops.tree import COMMENT, Leaf, Tree, line_ends
from strongroom.encrypted_files.sops.tree import with_lines as with_same_metadata  # noqa: F401
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "sops_"


def read(text: str) -> Tree:
    """See `Format.read`.

    Raises: BadFile: a line without an equals sign.
    """
    leaves, metadata, spans, place = list[Leaf](), dict[str, str](), list[tuple[int, int]](), 0
    for number, whole in enumerate(text.split("\n"), 1):
        # A carriage return is not a part of the value here, as it is not to any program that reads the file.
        line, start = whole.removesuffix("\r"), place
        place += len(whole) + 1
        if not line:
            continue
        if line.startswith("#"):
            span = start + 1, start + len(line)
            leaves.append(Leaf((), ("#", str(number)), COMMENT, line[1:], span=span, line=number))
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise BadFile(f"line {number} has no equals sign")
        if name.startswith(_PREFIX):
            metadata[name.removeprefix(_PREFIX)] = value
            spans.append((start, min(place, len(text))))
            continue
        span = start + len(name) + 1, start + len(line)
        leaves.append(Leaf((name,), (name,), "str", value.replace("\\n", "\n"), span=span, line=number))
    return Tree(text, leaves, flat.unflatten(metadata) if metadata else None, spans)


def write(leaf: Leaf, kind: str, data: str) -> tuple[tuple[int, int], str]:
    """See `Format.write`.

    Raises: BadFile: a line cannot hold it.
    """
    if kind == COMMENT and "\n" in data:
        raise BadFile(f"a .env file cannot hold {leaf.name} as it is")
    return leaf.span, data.replace("\n", "\\n")


def with_metadata(text: str, metadata: Mapping[str, object]) -> str:
    """See `Format.with_metadata`."""
    end = line_ends(text)
    if text and not text.endswith("\n"):
        text += end
    return text + "".join(f"{_PREFIX}{name}={value}{end}" for name, value in sorted(flat.flatten(metadata).items()))
