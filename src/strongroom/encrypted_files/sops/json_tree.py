"""JSON files of SOPS's, and what is no text in any format: it lies in one as the value ``data``.

SOPS takes every number for a floating one; one that would lose digits is written as a whole number.
Source: getsops/sops, stores/json/store.go.
"""

from __future__ import annotations

from decimal import Decimal
from json import dumps

from strongroom.encrypted_files.sops.tree import NULL, Leaf, Tree, line_ends
from strongroom.encrypted_files.sops.values import checked_int, go_float, short_float
from strongroom.formats.interface import BadFile, Lines, check_depth
from strongroom.formats.json_file import parse, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read(text: str) -> Tree:
    """See `Format.read`.

    Raises: BadFile: not JSON, no object, or a number that SOPS would change.
    """
    found = parse(text)
    if not isinstance(found, dict):
        raise BadFile("the file is no object, and SOPS encrypts nothing else")
    metadata = found.get("sops")
    if metadata is not None and not isinstance(metadata, dict):
        raise BadFile("what stands under sops is no metadata of SOPS")
    lines, leaves = Lines(text), []
    for (path, place, value), span in zip(_leaves(found, (), ()), spans(text), strict=True):
        line = lines.at(span[0])
        check_depth(place, line)
        if place[0] != "sops" or metadata is None:
            leaves.append(Leaf(path, place, *_kind(value, text[slice(*span)], line), span=span, line=line))
    return Tree(text, leaves, metadata, [] if metadata is None else [_member(text, "sops")])


def _leaves(
    found: object, path: tuple[str, ...], place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], object]]:
    if len(place) > 64:
        raise BadFile("the file is nested too deeply")
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _leaves(value, (*path, name), (*place, name))
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from _leaves(value, path, (*place, str(number)))
    else:
        yield path, place, found


def _kind(value: object, raw: str, line: int) -> tuple[str, str]:
    if value is None:
        return NULL, ""
    if isinstance(value, bool):
        return "bool", str(value)
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadFile(f"line {line} holds half of a surrogate pair") from None
        return "str", value
    try:
        data = go_float(float(raw))
        if Decimal(data) == Decimal(raw):
            return "float", data
        return "int", str(checked_int(int(raw)))
    except (ValueError, OverflowError):
        raise BadFile(f"line {line} has a number that SOPS would change: make it a text") from None


def _member(text: str, name: str) -> tuple[int, int]:
    """The characters of a member of the outermost object, with the comma that goes when it does."""
    from json import JSONDecoder

    decoder, place = JSONDecoder(), text.index("{") + 1
    while True:
        before = place
        place = _skip(text, place)
        if text[place] == ",":
            place = _skip(text, place + 1)
        key, end = decoder.raw_decode(text, place)
        _value, end = decoder.raw_decode(text, _skip(text, _skip(text, end) + 1))
        if key == name:
            after = _skip(text, end)
            if "," not in text[before:place] and text[after] == ",":
                return _skip(text, before), _skip(text, after + 1)
            return before, end
        place = end


def _skip(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place


def write(leaf: Leaf, kind: str, data: str) -> tuple[tuple[int, int], str]:
    """See `Format.write`."""
    if kind == "bool":
        return leaf.span, data.lower()
    if kind == "float":
        return leaf.span, short_float(data)
    return leaf.span, data if kind == "int" else dumps(data, ensure_ascii=False)


def with_metadata(text: str, metadata: Mapping[str, object]) -> str:
    """See `Format.with_metadata`."""
    end = text.rindex("}")
    body = text[:end].rstrip()
    line, rest = line_ends(text), text[end:]
    shown = dumps(metadata, ensure_ascii=False, indent="\t").replace("\n", line + "\t")
    comma = "" if body.endswith("{") else ","
    return f'{body}{comma}{line}\t"sops": {shown}{line}{rest}'


def with_same_metadata(text: str, tree: Tree, metadata: Mapping[str, object]) -> str:
    """See `Format.with_same_metadata`: written as sops writes it, so that its lines stay."""
    return with_metadata(text, metadata)
