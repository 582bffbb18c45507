"""A scan's own memory: the secrets of the items that it was given, and where in a text they stand. Pure.

The agent holds one for whoever scans through it, and the command line one where there is no agent.
"""

from __future__ import annotations

from strongroom.formats.scan_forms import LENGTH_MIN
from strongroom.formats.scan_search import SQUEEZING, Search, is_searchable
from strongroom.formats.scan_values import secrets_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from strongroom.items import Item

VALUES_MAX: Final = 10_000
OVERLAP_BYTES: Final = 64 * 1024
"""What two pieces of one text must share, so that no value is cut: the longest form, wrapped and indented."""

WHY_SKIPPED: Final = f"shorter than {LENGTH_MIN} bytes, or hardly a letter or digit"


class Finding:
    """One value in one text.

    Attributes:
        text: number of the text.
        start, end: offsets in it.
        path, field: where the vault has the value.
        form: how it stands there, such as ``"base64"``.
    """

    __slots__ = ("end", "field", "form", "path", "start", "text")

    def __init__(self, text: int, start: int, end: int, path: str, field: str, form: str) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.path = path
        self.field = field
        self.form = form

    def __repr__(self) -> str:
        return f"Finding(text={self.text}, {self.start}..{self.end}, {self.path}#{self.field}, {self.form!r})"


class Scanner:
    """Finds the secrets of the items that were added.

    Attributes:
        items: how many items.
        values: how many values are looked for.
        skipped: names of the fields that are not, for `WHY_SKIPPED`.
    """

    __slots__ = ("_names", "_search", "items", "skipped")

    def __init__(self) -> None:
        self._search = Search()
        self._names: list[tuple[str, str]] = []
        self.items = 0
        self.skipped: list[str] = []

    @property
    def values(self) -> int:
        """How many values are looked for."""
        return len(self._names)

    def add(self, item: Item) -> None:
        """Take in the secret fields of *item*.

        Raises: ValueError: they are more than `VALUES_MAX` together.
        """
        self.items += 1
        for field, whole in secrets_in(item):
            # A file that was stored as a value ends with a newline, and what was taken from it does not.
            value = whole.strip()
            if not is_searchable(value):
                self.skipped.append(f"{item.path}#{field}")
                continue
            if len(self._names) == VALUES_MAX:
                raise ValueError(f"a scan looks for at most {VALUES_MAX} values: name a folder")
            self._search.add(len(self._names), value)
            self._names.append((item.path, field))

    @property
    def squeezing(self) -> int:
        """Which way to squeeze `suspects` takes."""
        return SQUEEZING

    def suspects(self, squeezed: Sequence[bytes]) -> set[tuple[int, str]]:
        """Which texts, of which only this is known, may hold a value of which item: their numbers, and its path."""
        return {(text, self._names[value][0]) for text, value in self._search.suspects(squeezed)}

    def find(self, texts: Sequence[bytes]) -> list[Finding]:
        """Every place where one of the values stands, in order."""
        return [
            Finding(match.text, match.start, match.end, *self._names[match.value], match.form)
            for match in self._search.find(texts)
        ]

    def __repr__(self) -> str:
        return f"Scanner({self.items} items, {self.values} values, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a scanner holds secrets and cannot be pickled")
