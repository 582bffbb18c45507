"""Metadata in formats that have only names and lines: ``age__list_0__map_enc``. Pure.

Source: getsops/sops, stores/flatten.go.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ITEMS_MAX = 64
_PARTS = re.compile(r"__(map|list)_")


def flatten(metadata: Mapping[str, object]) -> dict[str, str]:
    """Name -> text, with line ends as ``\\n``."""
    found = dict[str, str]()
    for name, value in metadata.items():
        _flatten(name, value, found)
    return found


def _flatten(name: str, value: object, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            _flatten(f"{name}__map_{key}", one, found)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _flatten(f"{name}__list_{number}", one, found)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        found[name] = text.replace("\n", "\\n")


def unflatten(flat: Mapping[str, str]) -> dict[str, object]:
    """What `flatten` was given, as far as text can tell.

    Raises: BadFile: names that do not fit together.
    """
    found = dict[str, object]()
    for name, text in flat.items():
        first, *parts = _PARTS.split(name)
        node: dict[str, object] = found
        key = first
        for what, part in zip(parts[::2], parts[1::2], strict=True):
            if what == "list" and not (part.isascii() and part.isdigit() and int(part) < _ITEMS_MAX):
                raise BadFile("the SOPS metadata has a list that is none")
            inner = node.setdefault(key, {})
            if not isinstance(inner, dict):
                raise BadFile("the SOPS metadata has a name twice")
            node, key = inner, part if what == "map" else "\0" + part
        if key in node:
            raise BadFile("the SOPS metadata has a name twice")
        node[key] = text.replace("\\n", "\n")
    return {key: _lists(value, 0) for key, value in found.items()}


def _lists(value: object, depth: int) -> object:
    if depth > 8:
        raise BadFile("the SOPS metadata is nested too deeply")
    if not isinstance(value, dict):
        return value
    items = [key for key in value if key.startswith("\0")]
    if not items:
        return {key: _lists(one, depth + 1) for key, one in value.items()}
    if sorted(int(key[1:]) for key in items) != list(range(len(value))):
        raise BadFile("the SOPS metadata has a list that is none")
    return [_lists(value[f"\0{number}"], depth + 1) for number in range(len(value))]
