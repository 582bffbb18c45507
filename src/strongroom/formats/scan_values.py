"""What there is to look for, and to mask: the secret values of items."""

from __future__ import annotations

from strongroom.errors import Denied, Expired, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from strongroom.items import Field, Item
    from strongroom.vault.vault import Vault

ITEMS_AT_ONCE: Final = 200


def secrets_in(item: Item) -> Iterator[tuple[str, bytes]]:
    """Name and value of the secret fields of *item* that are not empty; of JSON, the texts in it."""
    for name in item.names():
        if item.is_secret(name):
            for value in values_in(item.field(name)):
                if value:
                    yield name, value


def values_in(field: Field) -> Iterator[bytes]:
    """The value of *field*; of JSON, the texts in it."""
    yield from _texts(bytes(field.data)) if field.kind == "json" else [bytes(field.data)]


def readable_items(vault: Vault, prefix: str = "") -> Iterator[Item]:
    """The items below a folder that this program may read, expired ones as well.

    Raises: StrongroomError: as `Vault.walk`.
    """
    paths = list(vault.walk(prefix))
    for start in range(0, len(paths), ITEMS_AT_ONCE):
        yield from read_items(vault, paths[start : start + ITEMS_AT_ONCE])


def read_items(vault: Vault, paths: Sequence[str]) -> Iterator[Item]:
    """Those of the items at *paths* that are there and may be read."""
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
