"""What an import would do: which values go to which items, and why others stay. Pure; the vault is not asked.

The names of a value lead to its place: the last one is the field, the others are the path below the target.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import BadFile, line_at
from strongroom.formats.naming import component, field_name
from strongroom.formats.references import Reference, is_reference
from strongroom.items import FIELDS_MAX, Field, is_secret_name, parse_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from strongroom.formats.interface import Document, Entry

_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}|\{\{.*\}\}|<[^<>]*>|%\([^()]*\)s|ENC\[.*\]", re.DOTALL)
_PLACEHOLDER_LENGTH_MAX = 256
NOT_SECRET = "does not look secret"  # noqa: S105 - words for people


class Taken:
    """One value that goes into the vault.

    Attributes:
        number: of its entry in the document.
        path: the item.
        field: its field there.
        superseded: a later line sets the same name to another value, which is the one that is stored.
    """

    __slots__ = ("field", "name", "number", "path", "superseded")

    def __init__(self, number: int, name: str, path: str, field: str) -> None:
        self.number = number
        self.name = name
        self.path = path
        self.field = field
        self.superseded = False

    @property
    def reference(self) -> Reference:
        """What may stand in the value's place."""
        return Reference(self.path, self.field)


class Plan:
    """What is taken and what is left, in the order of the file.

    Attributes:
        items: path -> field name -> what is stored.
        taken: the entries that are taken.
        left: name and line of those that are not, with the reason.
    """

    __slots__ = ("items", "left", "taken")

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Field]] = {}
        self.taken: list[Taken] = []
        self.left: list[tuple[str, int, str]] = []

    @property
    def lost(self) -> list[str]:
        """Names of values that the file holds and the vault would not."""
        return [name for name, _, why in self.left if why != "is empty"]


class Choice:
    """Which values are wanted.

    Args:
        every: also those that do not look secret.
        only: shell patterns; when there are any, exactly what they match is taken.
        skip: shell patterns of what is left.
    """

    __slots__ = ("_every", "_only", "_skip")

    def __init__(self, *, every: bool = False, only: Sequence[str] = (), skip: Sequence[str] = ()) -> None:
        self._every = every
        self._only = tuple(only)
        self._skip = tuple(skip)

    def check(self, names: Sequence[str]) -> None:
        """Refuse a pattern that matches none of *names*: it is mistyped, and what it meant would be left or taken.

        Raises: BadFile: there is one.
        """
        from fnmatch import fnmatchcase

        for pattern in (*self._only, *self._skip):
            if not any(fnmatchcase(name, pattern) for name in names):
                raise BadFile(f"no value of it is called {pattern}")

    def reason_to_leave(self, name: str, entry: Entry) -> str:
        """Why the value stays where it is; empty when it is taken."""
        from fnmatch import fnmatchcase

        text = entry.data[: _PLACEHOLDER_LENGTH_MAX + 1].decode("utf-8", "replace")
        if entry.note:
            return entry.note
        if not entry.data or (entry.kind == "json" and entry.data == b"null"):
            return "is empty"
        if is_reference(text):
            return "is a reference already"
        if any(fnmatchcase(name, pattern) for pattern in self._skip):
            return "is skipped"
        if self._only:
            return "" if any(fnmatchcase(name, pattern) for pattern in self._only) else "is not asked for"
        if len(text) <= _PLACEHOLDER_LENGTH_MAX and _PLACEHOLDER.fullmatch(text.strip()):
            return "is a placeholder"
        return "" if self._every or entry.is_secret else NOT_SECRET


def make_plan(document: Document, target: str, choice: Choice) -> Plan:
    """Where every value of *document* goes.

    Args:
        target: the path below which all goes; ``""`` for the top.
        choice: what is wanted.

    Raises: BadFile: a place that no path can name, more fields than an item can have, or a choice of nothing.
    """
    plan, by_place = Plan(), dict[tuple[str, str], list[Taken]]()
    choice.check([".".join(entry.keys) for entry in document.entries])
    for number, entry in enumerate(document.entries):
        name = ".".join(entry.keys)
        why = choice.reason_to_leave(name, entry)
        if why:
            plan.left.append((name, entry.line, why))
            continue
        taken = Taken(number, name, *_place(entry, target))
        plan.taken.append(taken)
        earlier = by_place.setdefault((taken.path, taken.field), [])
        for one in earlier:
            before = document.entries[one.number]
            one.superseded = (before.kind, before.data) != (entry.kind, entry.data)
            if before.keys != entry.keys or (one.superseded and not document.last_counts):
                raise BadFile(f"two values would go to {taken.path} {taken.field}: {one.name} and {name}")
        earlier.append(taken)
        is_secret = entry.is_secret or is_secret_name(taken.field)
        plan.items.setdefault(taken.path, {})[taken.field] = Field(
            taken.field, entry.kind, entry.data, is_secret=is_secret
        )
    for path, fields in plan.items.items():
        if len(fields) > FIELDS_MAX:
            raise BadFile(f"{path} would have {len(fields)} fields, and an item has at most {FIELDS_MAX}")
    return plan


def _place(entry: Entry, target: str) -> tuple[str, str]:
    *outer, last = entry.keys
    try:
        path = "/".join(filter(None, (target, *map(component, outer))))
        if path:
            parse_path(path)
            return path, field_name(last)
    except ValueError as error:
        where = f"line {entry.line}: " if entry.line else ""
        raise BadFile(f"{where}no path of a vault can name this place: {error}") from None
    raise BadFile("a value has no name but that of a field: say where it goes, with --to PATH")


def with_references(document: Document, plan: Plan, read: Callable[[bytes], Document]) -> bytes:
    """The file with a reference in the place of each value that was taken, read again and compared.

    Args:
        read: the reader that made *document*.

    Raises: BadFile: this format, or this file, cannot hold them so that all else stays as it is.
    """
    texts = {one.number: str(one.reference) for one in plan.taken}
    data = document.replaced(texts)
    _compare(document, read(data), {number: text.encode() for number, text in texts.items()})
    return data


def with_template(document: Document, plan: Plan, read: Callable[[bytes], Document]) -> bytes:
    """The file as a template for ``render``, which gives the file's own values back.

    Raises: BadFile: as `with_references`, or a template cannot give the values back exactly.
    """
    how = document.template
    if how is None:
        raise BadFile("this format has no templates; put references there")
    references = {one.number: str(Reference(one.path, one.field, encoding=how)) for one in plan.taken}
    data = document.spliced({number: f"{{{{ {text} }}}}" for number, text in references.items()})
    # Of a name that is set twice, the vault has the last value.
    last = {(one.path, one.field): document.entries[one.number] for one in plan.taken}
    values = {one.number: last[one.path, one.field] for one in plan.taken}
    rendered = document.spliced({number: _rendered(entry, how) for number, entry in values.items()})
    try:
        _compare(document, read(rendered), {number: entry.data for number, entry in values.items()})
    except BadFile:
        raise BadFile("a template cannot give these values back exactly; put references there") from None
    return data


def lines_with_values(data: bytes, plan: Plan) -> list[int]:
    """The numbers of the lines of a rewritten file in which a secret that was taken stands all the same.

    In a comment, say, or inside of another value; in any encoding that a scan finds.
    """
    from strongroom.formats.scan_search import Search, is_searchable

    search = Search()
    for number, field in enumerate(field for fields in plan.items.values() for field in fields.values()):
        value = bytes(field.data).strip()
        if field.is_secret and field.kind != "json" and is_searchable(value):
            search.add(number, value)
    return sorted({line_at(data, match.start) for match in search.find([data])})


def _rendered(entry: Entry, how: str) -> str:
    """What ``render`` puts in the place of a value: `Reference.value`, as text."""
    text = entry.data.decode("utf-8")
    if how == "json" and entry.kind == "text":
        from json import dumps

        return dumps(text)
    return text


def _compare(before: Document, after: Document, changed: Mapping[int, bytes]) -> None:
    """Refuse a file in which anything but the wanted values has changed."""
    if [entry.keys for entry in before.entries] != [entry.keys for entry in after.entries]:
        raise BadFile("references cannot be put into this file without changing its other values")
    for number, (old, new) in enumerate(zip(before.entries, after.entries, strict=True)):
        if new.data != changed.get(number, old.data):
            name = ".".join(old.keys)
            if number in changed:
                raise BadFile(f"a reference in the place of {name} would not be read back")
            raise BadFile(f"{name} uses another value of the file, and would change with it: take it too")
