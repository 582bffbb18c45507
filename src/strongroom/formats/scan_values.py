"""What a scan looks for: the secret fields of the items, and which of them are left out and why."""

from __future__ import annotations

from strongroom.errors import Denied, Expired, NotFound
from strongroom.formats.scan_forms import LENGTH_MIN
from strongroom.formats.scan_search import is_searchable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from strongroom.items import Item
    from strongroom.vault.vault import Vault

VALUES_MAX: Final = 20_000
_ITEMS_AT_ONCE = 200


class Sought:
    """One value, and where the vault has it.

    Attributes:
        path, field: the item and its field.
        value: the bytes.
    """

    __slots__ = ("field", "path", "value")

    def __init__(self, path: str, field: str, value: bytes) -> None:
        self.path = path
        self.field = field
        self.value = value

    @property
    def name(self) -> str:
        """Path and field, for people."""
        return f"{self.path}#{self.field}"

    def __repr__(self) -> str:
        return f"Sought({self.name!r}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("it holds a secret and cannot be pickled")


class Secrets:
    """The secret values of some items.

    Attributes:
        values: all of them.
        items: how many items were read.
    """

    __slots__ = ("items", "values")

    def __init__(self) -> None:
        self.values: list[Sought] = []
        self.items = 0

    def add(self, item: Item) -> None:
        """Take in the secret fields of an item; of JSON, the texts in it."""
        self.items += 1
        for name in item.names():
            if item.is_secret(name):
                field = item.field(name)
                for value in _texts(bytes(field.data)) if field.kind == "json" else [bytes(field.data)]:
                    if value:
                        self.values.append(Sought(item.path, name, value))

    def sought(self) -> list[Sought]:
        """Those that can be looked for."""
        return [one for one in self.values if is_searchable(one.value)][:VALUES_MAX]

    def skipped(self) -> list[str]:
        """The names of those that cannot: too short, or nothing but punctuation, or one too many."""
        kept = {id(one) for one in self.sought()}
        return list(dict.fromkeys(one.name for one in self.values if id(one) not in kept))


def why_skipped() -> str:
    """The reason for `Secrets.skipped`, for people."""
    return f"shorter than {LENGTH_MIN} bytes, or nothing but punctuation"


def secrets_of(vault: Vault, prefix: str = "") -> Secrets:
    """The secrets below a folder that this program may read, expired ones as well.

    Raises: StrongroomError: as `Vault.walk`.
    """
    found = Secrets()
    paths = list(vault.walk(prefix))
    for start in range(0, len(paths), _ITEMS_AT_ONCE):
        for item in _read(vault, paths[start : start + _ITEMS_AT_ONCE]):
            found.add(item)
    return found


def _read(vault: Vault, paths: Sequence[str]) -> Iterator[Item]:
    try:
        yield from vault.get_many(paths).values()
    except (Denied, Expired, NotFound):
        for path in paths:
            try:
                yield vault.get(path, allow_expired=True)
            except (Denied, NotFound):
                continue  # listed and not granted, or deleted since: nothing that could be looked for


def _texts(data: bytes) -> Iterator[bytes]:
    from json import loads

    pending = [loads(data)]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one.encode("utf-8", "surrogatepass")
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list):
            pending += one
