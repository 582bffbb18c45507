"""All named keys of a vault: `vault.keys`, on a local vault as through the agent."""

from __future__ import annotations

from _weakref import ref

from strongroom.errors import Conflict, NotFound, Tampered
from strongroom.items import COMPONENT_BYTES_MAX, Field, ReservedPath, check_name, quoted_name
from strongroom.secret import wipe
from strongroom.vault.named_keys import uses
from strongroom.vault.named_keys.kinds import check_kind, check_public, new_material, public_part
from strongroom.vault.named_keys.named_key import NamedKey
from strongroom.vault.named_keys.record import (
    IMPORTED,
    MADE,
    KeyRecord,
    KeyVersion,
    Material,
    decode_record,
    encode_record,
)
from strongroom.vault.named_keys.state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from strongroom.vault.vault import Vault

    Kind = Literal["aead", "fernet", "signing", "box", "hmac"]
    OpenKeys = list[ref[NamedKey]]

TREE = "@keys"
_FIELD = "keyset"
_PRUNE_AT = 64


class NamedKeys:
    """The keys that a vault keeps under names of their own, as a mapping that is read each time.

    Args:
        vault: a local or a remote one.
        clock_us: µs since 1970 UTC.
        opened: where the keys that were handed out are remembered, so that they close with the vault.
    """

    __slots__ = ("_clock_us", "_opened", "_vault")

    def __init__(self, vault: Vault, clock_us: Callable[[], int], opened: OpenKeys) -> None:
        self._vault = vault
        self._clock_us = clock_us
        self._opened = opened

    def create(self, name: str, kind: Kind = "aead") -> NamedKey:
        """Make a new key with one random version.

        Args:
            name: 1 to 1,024 bytes, without a slash.
            kind: what it is for, and for nothing else.

        Raises:
            Conflict: there is a key of this name.
            ValueError: a name or kind that cannot be.
        """
        return self._create(name, kind, new_material(check_kind(kind)), MADE)

    def import_public(self, name: str, kind: Literal["signing", "box"], public: bytes) -> NamedKey:
        """Keep the public part of somebody else's key: it verifies and seals, and does nothing else.

        Args:
            public: of kind ``signing`` 32 bytes; of kind ``box`` 1,248, or X25519's 32.

        Raises:
            Conflict: there is a key of this name.
            ValueError: a name or public part that cannot be.
        """
        return self._create(name, kind, None, IMPORTED, public=check_public(check_kind(kind), public))

    def get(self, name: str) -> NamedKey:
        """The key of that name.

        Raises: NotFound: there is none.
        """
        return self._opened_key(name, self._load(name))

    __getitem__ = get

    def list(self) -> Iterator[str]:
        """The names of all keys, sorted."""
        try:
            return self._vault._reserved.list(ReservedPath(TREE))
        except NotFound:
            return iter(())

    __iter__ = list

    def __contains__(self, name: object) -> bool:
        return name in set(self.list())

    def destroy(self, name: str) -> None:
        """Destroy a key with all its versions, for good: whatever was encrypted with it is lost.

        Raises: NotFound: there is none.
        """
        path = _path(name)
        try:
            self._vault._reserved.destroy(path)
        except NotFound:
            raise _no_key(name) from None
        uses.forget(self._vault, name)

    async def acreate(self, name: str, kind: Kind = "aead") -> NamedKey:
        """As `create`, in a thread."""
        import asyncio

        return await asyncio.to_thread(self.create, name, kind)

    async def aget(self, name: str) -> NamedKey:
        """As `get`, in a thread."""
        import asyncio

        return await asyncio.to_thread(self.get, name)

    def _create(
        self, name: str, kind: str, material: Material | None, origin: int, *, public: bytes = b""
    ) -> NamedKey:
        from strongroom.crypto.entropy import random_bytes

        _path(name)
        now_us = self._clock_us()
        materials = {} if material is None else {1: material}
        public = public if material is None else public_part(kind, material)
        version = KeyVersion(1, public, created_us=now_us, since_us=now_us, origin=origin)
        record = KeyRecord(kind, random_bytes(16), now_us, [version], materials)
        try:
            state = self._save(name, State(record, 0))
        except Conflict:
            raise Conflict(
                f"there is a key {name} already", advice=f"see it: strongroom key show {quoted_name(name)}"
            ) from None
        return self._opened_key(name, state)

    def _opened_key(self, name: str, state: State) -> NamedKey:
        key = NamedKey(name, state, self, self._clock_us, uses.Uses(self._vault, name))
        opened = self._opened
        if len(opened) >= _PRUNE_AT:
            opened[:] = [one for one in opened if one() is not None]
        opened.append(ref(key))
        return key

    def _load(self, name: str) -> State:
        """The key as the vault has it."""
        try:
            item = self._vault._reserved.get(_path(name))
        except NotFound:
            raise _no_key(name) from None
        field = item.field(_FIELD)
        if field.kind != "bytes":
            raise Tampered(f"what lies at the place of the key {name} is no key")
        return State(decode_record(memoryview(field.data)), item.version.number)

    def _load_again(self, name: str, known: State) -> State:
        """As `_load`, for who holds the key already.

        Raises: NotFound: it was destroyed, and the one that has its name now is another, perhaps of another kind.
        """
        state = self._load(name)
        if state.record.id != known.record.id:
            raise NotFound(
                f"the key {name} was destroyed, and another one has its name",
                advice="take that one, if it is meant: vault.keys[...]",
            )
        return state

    def _save(self, name: str, state: State) -> State:
        """Write a changed key, if it is still the one that was read.

        Raises: Conflict: it is not.
        """
        data = encode_record(state.record)
        field = Field(_FIELD, "bytes", data, is_secret=True)
        try:
            version = self._vault._reserved.set(_path(name), {_FIELD: field}, cas=state.item_version)
        except Conflict:
            raise Conflict(f"the key {name} was changed by somebody else", advice="look at it again") from None
        finally:
            wipe(data)
        return State(state.record, version.number)

    def _forget_older(self, name: str) -> None:
        """Destroy the states of a key before the present one: they hold what was destroyed since."""
        own, path = self._vault._reserved, _path(name)
        older = [version.number for version in own.history(path)[:-1] if not version.destroyed]
        if older:
            own.destroy(path, versions=older)


def close_all(opened: OpenKeys) -> None:
    """Let go of the keys that were handed out: their vault is being locked."""
    for one in opened:
        key = one()
        if key is not None:
            key.close()
    opened.clear()


def wall_clock_us() -> int:
    """µs since 1970 UTC, for a vault whose clock is the agent's."""
    from time import time_ns

    return time_ns() // 1000


def _path(name: str) -> ReservedPath:
    if not isinstance(name, str):
        raise TypeError("a key's name is a str")
    check_name(name, "a key's name", COMPONENT_BYTES_MAX)
    if "/" in name or name in (".", ".."):
        raise ValueError("a key's name has no slash, and is not . or ..")
    return ReservedPath(f"{TREE}/{name}")


def _no_key(name: str) -> NotFound:
    return NotFound(f"no key {name}", advice="see what there is: strongroom key list")
