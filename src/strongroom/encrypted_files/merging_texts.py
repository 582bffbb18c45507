"""The plain texts of two sides brought together: names and comments as lines, each value by itself. Pure."""

from __future__ import annotations

import re

from strongroom.credentials.hidden import HiddenText
from strongroom.encrypted_files.bodies import Body
from strongroom.encrypted_files.merging_lines import OURS, THEIRS, merge_texts
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.encrypted_files.bodies import Path

    Values = Mapping[Path, str]


def merged_text(base: Body, ours: Body, theirs: Body, conflicts: list[str]) -> str:
    """The merged text; what is in the way of it is added to *conflicts*, without any value."""
    before = len(conflicts)
    values = merged_values(base.values(), ours.values(), theirs.values(), conflicts)
    if len(conflicts) > before:
        return ""
    marks = _Marks(base, ours, theirs)
    try:
        lines = [marks.skeleton(one) for one in (base, ours, theirs)]
    except BadFile:
        conflicts.append("a value cannot be replaced where it stands")
        return ""
    for prefer in ("", OURS, THEIRS):
        merged = merge_texts(*lines, prefer=prefer)
        if merged is None:
            continue
        text = HiddenText(marks.filled(merged, values))
        try:
            found = Body(text, base.format).values()
        except BadFile:
            continue
        if found == values:
            return text
    conflicts.append("both sides changed names, order or comments in the same place")
    return ""


def merged_values(base: Values, ours: Values, theirs: Values, conflicts: list[str]) -> dict[Path, str]:
    """How each value that is left is written."""
    found: dict[Path, str] = {}
    shaken = _lists_changed_by_both(base, ours, theirs)
    conflicts += [f"both sides changed the list {'.'.join(one)}" for one in sorted(shaken)]
    for path in {**ours, **theirs, **base}:
        old, mine, yours = base.get(path), ours.get(path), theirs.get(path)
        name = ".".join(path)
        if yours in (mine, old):
            taken = mine
        elif mine == old:
            taken = yours
        elif None in (mine, yours):
            who = "ours changed and theirs" if yours is None else "theirs changed and ours"
            conflicts.append(f"{who} took away {name}")
            continue
        else:
            conflicts.append(f"both sides changed {name}")
            continue
        if taken is not None:
            found[path] = taken
    return found


def _lists_changed_by_both(base: Values, ours: Values, theirs: Values) -> set[Path]:
    """Lists that got another length on one side, and another value on the other: a place in it means nothing then."""

    old, mine, yours = (_inside_lists(values) for values in (base, ours, theirs))
    nothing: dict[Path, str] = {}
    found = set()
    for one in {**old, **mine, **yours}:
        before, left, right = (values.get(one, nothing) for values in (old, mine, yours))
        if before != left != right != before and not before.keys() == left.keys() == right.keys():
            found.add(one)
    return found


def _inside_lists(values: Values) -> dict[Path, dict[Path, str]]:
    """For each list that is in no other: what is in it. A mapping whose names are numbers looks like one."""
    found: dict[Path, dict[Path, str]] = {}
    for path, spelling in values.items():
        for depth, name in enumerate(path):
            if name.isdigit():
                found.setdefault(path[:depth], {})[path] = spelling
                break
    return found


class _Marks:
    """A word for each name, which stands in no text, in the place of its value."""

    def __init__(self, *bodies: Body) -> None:
        mark = "strongroom-value-"
        while any(mark in body.text for body in bodies):
            mark += "x-"
        self._paths = list(dict.fromkeys(path for body in bodies for path in body.paths))
        self._marks = {path: f"{mark}{number}." for number, path in enumerate(self._paths)}
        self._pattern = re.compile(rf"{mark}(\d+)\.")

    def skeleton(self, body: Body) -> str:
        """The text with each value replaced."""
        return body.spliced({number: self._marks[path] for number, path in enumerate(body.paths)})

    def filled(self, skeleton: str, values: Values) -> str:
        """A skeleton with these values; what has none there keeps its mark, and so is found out."""
        return self._pattern.sub(lambda mark: str(values.get(self._paths[int(mark[1])], mark[0])), skeleton)
