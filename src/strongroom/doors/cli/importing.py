"""What ``import`` does to the vault: compare, show, store, and read back."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.errors import Conflict, Denied, NotFound, Tampered
from strongroom.formats.plan import NOT_SECRET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.formats.plan import Plan
    from strongroom.items import Field, Item
    from strongroom.vault.vault import Vault

NEW, SAME, CHANGED, UNKNOWN = "new", "is there already", "replaces another value", "not compared"
_SUPERSEDED = "a later line counts"
_NAMES_SHOWN = 8
_ROWS_SHOWN = 40


class Comparison:
    """A plan beside what the vault holds.

    Attributes:
        states: (path, field) -> one of `NEW`, `SAME`, `CHANGED`, `UNKNOWN`.
    """

    __slots__ = ("_found", "plan", "states")

    def __init__(self, plan: Plan, vault: Vault | None) -> None:
        self.plan = plan
        self.states: dict[tuple[str, str], str] = {}
        self._found: dict[str, Item | None] = {}
        for path, fields in plan.items.items():
            item = None if vault is None else _current(vault, path)
            self._found[path] = item
            for name, field in fields.items():
                self.states[path, name] = UNKNOWN if vault is None else _state(item, field)

    def of(self, state: str) -> list[str]:
        """The places in *state*, for people."""
        return [f"{path} {name}" for (path, name), one in self.states.items() if one == state]

    def refuse_changes(self) -> None:
        """Refuse to overwrite.

        Raises: Conflict: the vault holds other values at some of the places.
        """
        changed = self.of(CHANGED)
        if changed:
            raise Conflict(
                f"the vault holds other values at {some(changed)}",
                advice="--overwrite stores the file's as new versions; the old ones stay in the history\n"
                "--skip NAME leaves one out",
            )

    def store(self, vault: Vault) -> int:
        """Store what is new or changed, and read all of it back.

        Returns: how many values were stored.
        Raises:
            Conflict: somebody else wrote to an item since it was compared.
            Tampered: what is read back is not what was stored.
        """
        from strongroom.doors.cli.progress import Progress

        todo = {
            path: {name: field for name, field in fields.items() if self.states[path, name] != SAME}
            for path, fields in self.plan.items.items()
        }
        todo = {path: fields for path, fields in todo.items() if fields}
        try:
            together = vault.transaction()
        except Denied:
            # An agent takes one item at a time. Broken off, the import is repeated: what is there is passed over.
            together = _OneByOne()
        with together, Progress("imported") as progress:
            for number, (path, fields) in enumerate(todo.items()):
                vault.patch(path, fields, cas=self._seen(vault, path), create=True)
                progress(number + 1, len(todo))
        self._read_back(vault)
        return sum(len(fields) for fields in todo.values())

    def _seen(self, vault: Vault, path: str) -> int:
        """The version that the comparison saw, or that was deleted before it; 0 for none."""
        item = self._found[path]
        if item is not None:
            return item.version.number
        try:
            return max(version.number for version in vault.history(path))
        except NotFound:
            return 0

    def _read_back(self, vault: Vault) -> None:
        for path, fields in self.plan.items.items():
            item = vault.get(path)
            for name, field in fields.items():
                if _state(item, field) != SAME:
                    raise Tampered(f"{path} {name} does not hold what was stored", advice="strongroom verify")

    def show(self) -> None:
        """The plan as a table: name in the file, place in the vault, and what happens there."""
        rows = []
        for one in self.plan.taken:
            what = _SUPERSEDED if one.superseded else self.states[one.path, one.field]
            rows.append((one.name, f"{one.path} {one.field}", what))
        # A person reads the first; whoever wants them all sends them into a file.
        shown = _ROWS_SHOWN if output.is_terminal() else len(rows)
        if rows:
            output.table(("NAME", "PLACE", ""), rows[:shown])
        if len(rows) > shown:
            output.note(f"and {output.counted(len(rows) - shown, 'more value')}: --dry-run > FILE lists all")
        reasons: dict[str, list[str]] = {}
        for name, _, why in self.plan.left:
            reasons.setdefault(why, []).append(name)
        for why, names in reasons.items():
            hint = "; --all takes such, too" if why == NOT_SECRET else ""
            output.note(f"left where it is, as it {why}: {some(names)}{hint}")

    def to_json(self) -> dict[str, object]:
        """The plan for ``--json``, without a value."""
        fields = self.plan.items
        return {
            "values": [
                {
                    "name": one.name,
                    "path": one.path,
                    "field": one.field,
                    "secret": fields[one.path][one.field].is_secret,
                    "state": _SUPERSEDED if one.superseded else self.states[one.path, one.field],
                }
                for one in self.plan.taken
            ],
            "left": [{"name": name, "line": line, "reason": why} for name, line, why in self.plan.left],
        }


class _OneByOne:
    """The place of a transaction where there is none."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_exc: object) -> None:
        return None


def some(names: Sequence[str]) -> str:
    """A few of *names*, and how many more there are."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _current(vault: Vault, path: str) -> Item | None:
    try:
        # A value past its date is there, and is not overwritten silently either.
        return vault.get(path, allow_expired=True)
    except NotFound:
        return None


def _state(item: Item | None, field: Field) -> str:
    if item is None or field.name not in item:
        return NEW
    there = item.field(field.name)
    is_same = (there.kind, bytes(there.data)) == (field.kind, bytes(field.data))
    return SAME if is_same else CHANGED
