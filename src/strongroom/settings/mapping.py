"""Mappings whose values are read from the vault when they are asked for, and not kept.

A value is fetched at every access, so that a rotated one is seen. A missing one is a `KeyError`, as in any mapping; a
locked vault, one that says no, and a value past its date are errors that no default hides.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from strongroom.errors import Denied, NotFound
from strongroom.formats.references import BadReference, Reference, is_reference, parse
from strongroom.items import parse_folder, parse_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.items import Field, Item
    from strongroom.vault.vault import Vault


class VaultSettings(Mapping[str, str]):
    """The fields of one or more items, by their names.

    Args:
        paths: items; of a name that several have, the first one's is taken.
        vault: an open one; None for the one that `strongroom.open` finds, opened once for the whole process.

    Raises: ValueError: no path, or one that names no item.
    """

    def __init__(self, *paths: str, vault: Vault | None = None) -> None:
        if not paths:
            raise ValueError("name an item: VaultSettings('shop/env')")
        for path in paths:
            parse_path(path)
        self._paths = paths
        self._vault = vault

    def _open(self) -> Vault:
        return self._vault if self._vault is not None else shared_vault()

    def __getitem__(self, name: str) -> str:
        """The value of *name*; JSON as its text.

        Raises:
            NotFound: no item has such a field; it is a KeyError.
            ValueError: the value is bytes, and not UTF-8 text.
        """
        for path in self._paths:
            try:
                item = self._open().get(path)
            except NotFound:
                continue
            if name in item:
                return _text(item.field(name), f"{path} {name}")
        raise NotFound(f"{' and '.join(self._paths)}: no field {name!r}")

    def items_found(self) -> Iterator[Item]:
        """The items that there are, in the order of their paths; no value of theirs is kept here."""
        for path in self._paths:
            try:
                yield self._open().get(path)
            except NotFound:
                continue

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for item in self.items_found() for name in item))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"VaultSettings({', '.join(map(repr, self._paths))})"


class References(Mapping[str, str]):
    """Another mapping, such as ``os.environ`` or a ``.env`` file's, with its references resolved when they are read.

    Args:
        mapping: name -> a reference, or a value that stays as it is.
        prefix: the folder that references may name items in; the mapping may be a file that somebody else wrote.
            ``""`` trusts it with the whole vault.
        vault: as `VaultSettings`.
    """

    def __init__(self, mapping: Mapping[str, str], *, prefix: str, vault: Vault | None = None) -> None:
        self._mapping = mapping
        self._prefix = parse_folder(prefix)
        self._vault = vault

    def __getitem__(self, name: str) -> str:
        """The value of *name*.

        Raises:
            KeyError: the mapping has no such name, or (NotFound) the vault no such item or field.
            Denied: the reference names an item outside of the prefix.
            ValueError: the reference is none, or names a value that is not text.
        """
        value = self._mapping[name]
        if not is_reference(value):
            return value
        reference = parse(value)
        if tuple(reference.path.split("/"))[: len(self._prefix)] != self._prefix:
            raise Denied(f"{name} names {reference.path}, which is not below {'/'.join(self._prefix)}/")
        vault = self._vault if self._vault is not None else shared_vault()
        return _resolved(reference, vault.get(reference.path))

    def __contains__(self, name: object) -> bool:
        # Whether it is set, not whether it resolves: no default hides a reference that leads nowhere.
        return name in self._mapping

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)

    def __len__(self) -> int:
        return len(self._mapping)

    def __repr__(self) -> str:
        return f"References(<{len(self)} names>, prefix={'/'.join(self._prefix)!r})"


def vault_value(reference: str) -> str | bytes | int | float | bool | None:
    """What *reference* names: text, bytes, or a number, true, false or null that was stored as JSON.

    ``strongroom import settings.py --replace`` puts calls of it into settings modules.

    Args:
        reference: such as ``strongroom://shop/settings#SECRET_KEY``.

    Raises:
        NotFound: no such item or field.
        ValueError: it is no reference.
    """
    wanted = parse(reference)
    item = shared_vault().get(wanted.path)
    field = item.field(_only_field(wanted, item))
    if wanted.encoding or field.kind == "text":
        return _resolved(wanted, item)
    if field.kind == "bytes":
        return bytes(field.data)
    from json import loads

    value: str | int | float | bool | None = loads(bytes(field.data))
    return value


@lru_cache(maxsize=1)
def shared_vault() -> Vault:
    """The vault of this process's settings, opened when the first of them is read.

    The one object of this package that lives as long as the process: a settings module has nobody to hand it to.
    Through an agent it holds no key.
    """
    from strongroom.locate.opening import open

    return open()


def _only_field(reference: Reference, item: Item) -> str:
    if reference.field is not None:
        return reference.field
    names = item.names()
    if len(names) != 1:
        raise BadReference(f"{reference.path} has {len(names)} fields: name one")
    return names[0]


def _resolved(reference: Reference, item: Item) -> str:
    try:
        return reference.value(item).decode("utf-8")
    except UnicodeDecodeError:
        # `from None`: the cause holds the value.
        raise ValueError(f"{reference.name} is not text") from None


def _text(field: Field, name: str) -> str:
    try:
        return field.data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not text") from None
