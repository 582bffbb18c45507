"""The keyset: versions of the data key, one of them primary, and the purpose keys.

Sealed in the header under a key derived from the root key. Keys lie in buffers that
`wipe` overwrites. Source: docs/format.md#keys.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.crypto.entropy import random_buffer
from strongroom.crypto.mac import overwrite_freed_keys
from strongroom.errors import Denied, FormatUnsupported, Tampered, VaultLocked
from strongroom.secret import HiddenBuffer, wipe
from strongroom.wire import Reader, u8, u32, u64

KEY_BYTES = 32
DATA_KEYS_MAX = 1_024
PURPOSE_KEYS_MAX = 64

ENABLED = 1
DISABLED = 2
DESTROYED = 3

_FORM = 1
_NEEDED = (labels.INDEX_KEY, labels.LEDGER_KEY, labels.AUDIT_KEY, labels.IDENTITY_SEED)
# A vault without depositors has no key for deposits.
_PURPOSES = (*_NEEDED, labels.DEPOSIT_SEED)
_DESTROYED_KEY = bytes(KEY_BYTES)


class DataKey:
    """One version of the data key.

    Attributes:
        id: counts from 1; never used again, also after the key was destroyed.
        status: `ENABLED`, `DISABLED` or `DESTROYED`.
        created_us: µs since 1970 UTC.
    """

    __slots__ = ("_key", "created_us", "id", "status")

    def __init__(self, key_id: int, status: int, created_us: int, key: bytearray) -> None:
        self.id = key_id
        self.status = status
        self.created_us = created_us
        self._key = key

    def __repr__(self) -> str:
        return f"DataKey(id={self.id}, status={self.status})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a data key cannot be pickled or copied")


class Keyset:
    """The data keys and purpose keys of one vault. Made by `generate` and `decode`.

    Attributes:
        primary_id: the data key that encrypts.
        enabled: data key id to key, of enabled keys alone; empty after `wipe`. The envelope
            reads it on every call and nobody else changes it.
    """

    __slots__ = ("_data_keys", "_purpose_keys", "enabled", "primary_id")

    def __init__(self, primary_id: int, data_keys: dict[int, DataKey]) -> None:
        self.primary_id = primary_id
        self._data_keys = data_keys
        # (purpose, version) to key, in ascending order.
        self._purpose_keys: dict[tuple[int, int], bytearray] = {}
        self.enabled = {key.id: key._key for key in data_keys.values() if key.status == ENABLED}

    @staticmethod
    def generate(now_us: int) -> Keyset:
        """A keyset with one data key and one key for each purpose."""
        keyset = Keyset(1, {1: DataKey(1, ENABLED, now_us, random_buffer(KEY_BYTES))})
        for purpose in _NEEDED:
            keyset._purpose_keys[purpose, 1] = random_buffer(KEY_BYTES)
        return keyset

    def data_keys(self) -> list[DataKey]:
        """What there is to say of each data key, oldest first; never the key itself."""
        return list(self._data_keys.values())

    def data_key(self, key_id: int) -> bytearray:
        """The key itself, still owned and wiped by this keyset.

        Raises:
            VaultLocked: after `wipe`.
            Denied: the key is disabled.
            Tampered: there is no such key, or none any more.
        """
        key = self.enabled.get(key_id)
        if key is not None:
            return key
        if not self._data_keys:
            raise VaultLocked("the keys of this vault are not in memory any more", advice="open it again")
        record = self._data_keys.get(key_id)
        if record is not None and record.status == DISABLED:
            raise Denied(f"data key {key_id} is disabled", advice="enable it again to read what it encrypted")
        raise Tampered(f"a stored object names data key {key_id}, which does not exist")

    def purpose_key(self, purpose: int, version: int | None = None) -> bytearray:
        """The key of one purpose, still owned and wiped by this keyset.

        Args:
            purpose: ``labels.INDEX_KEY`` and its neighbours.
            version: None for the newest.

        Raises:
            VaultLocked: after `wipe`.
            KeyError: there is no such purpose or version.
        """
        if not self._data_keys:
            raise VaultLocked("the keys of this vault are not in memory any more", advice="open it again")
        return self._purpose_keys[purpose, self._newest(purpose) if version is None else version]

    def add_primary(self, now_us: int) -> int:
        """Make a new data key the primary; the others stay readable.

        Returns: its id.
        Raises: ValueError: there are 1,024 already.
        """
        if len(self._data_keys) >= DATA_KEYS_MAX:
            raise ValueError(f"a keyset holds at most {DATA_KEYS_MAX} data keys")
        # Ids ascend and destroyed keys stay listed, so none is ever used again.
        key_id = max(self._data_keys) + 1
        key = DataKey(key_id, ENABLED, now_us, random_buffer(KEY_BYTES))
        self._data_keys[key_id] = key
        self.enabled[key_id] = key._key
        self.primary_id = key_id
        return key_id

    def add_purpose_key(self, purpose: int) -> int:
        """Make a new version of a purpose key the current one.

        Returns: its version.
        Raises: ValueError: no such purpose, or 64 keys already.
        """
        if purpose not in _PURPOSES or len(self._purpose_keys) >= PURPOSE_KEYS_MAX:
            raise ValueError(f"no room for another key of purpose {purpose}")
        version = self._newest(purpose) + 1
        self._purpose_keys[purpose, version] = random_buffer(KEY_BYTES)
        self._purpose_keys = dict(sorted(self._purpose_keys.items()))
        return version

    def purpose_versions(self, purpose: int) -> list[int]:
        """The versions there are of a purpose key, the newest first."""
        return sorted((version for known, version in self._purpose_keys if known == purpose), reverse=True)

    def drop_old_purpose_keys(self, purpose: int, *, keep: int = 1) -> None:
        """Overwrite and forget all versions of a purpose key but the newest, or the *keep* newest."""
        for version in self.purpose_versions(purpose)[keep:]:
            wipe(self._purpose_keys.pop((purpose, version)))

    def drop_destroyed(self) -> None:
        """Forget the records of destroyed data keys; the primary keeps their ids from being used again."""
        for record in self.data_keys():
            if record.status == DESTROYED and record.id < self.primary_id:
                del self._data_keys[record.id]

    def disable(self, key_id: int) -> None:
        """Refuse a data key until `enable`.

        Raises: ValueError: it is the primary, or not enabled.
        """
        self._check_change(key_id, ENABLED)
        del self.enabled[key_id]
        self._data_keys[key_id].status = DISABLED

    def enable(self, key_id: int) -> None:
        """Take a disabled data key back into use.

        Raises: ValueError: it is not disabled.
        """
        self._check_change(key_id, DISABLED)
        self._data_keys[key_id].status = ENABLED
        self.enabled[key_id] = self._data_keys[key_id]._key

    def destroy(self, key_id: int) -> None:
        """Overwrite a disabled data key for good; what it encrypted is lost.

        Raises: ValueError: it is not disabled.
        """
        self._check_change(key_id, DISABLED)
        self._data_keys[key_id].status = DESTROYED
        wipe(self._data_keys[key_id]._key)

    def copy(self) -> Keyset:
        """Another keyset with the same keys, to be changed and wiped on its own."""
        encoded = self.encode()
        try:
            return Keyset.decode(encoded)
        finally:
            wipe(encoded)

    def wipe(self) -> None:
        """Overwrite every key; each later use is `VaultLocked`."""
        # Out of reach first: another thread must find no key rather than one of zeros.
        self.enabled.clear()
        data_keys, self._data_keys = self._data_keys, {}
        purpose_keys, self._purpose_keys = self._purpose_keys, {}
        for record in data_keys.values():
            wipe(record._key)
        for key in purpose_keys.values():
            wipe(key)
        overwrite_freed_keys()

    def encode(self) -> bytearray:
        """The plaintext keyset, which the caller wipes.

        Raises: VaultLocked: after `wipe`.
        """
        if not self._data_keys:
            raise VaultLocked("the keys of this vault are not in memory any more", advice="open it again")
        parts: list[bytes | bytearray] = [u8(_FORM), u32(self.primary_id), u32(len(self._data_keys))]
        for record in self._data_keys.values():
            parts += [u32(record.id), u8(labels.SUITE), u8(record.status), u64(record.created_us), record._key]
        parts.append(u32(len(self._purpose_keys)))
        for (purpose, version), key in self._purpose_keys.items():
            parts += [u8(purpose), u32(version), key]
        # One allocation of the final size: a buffer that grows leaves pieces behind.
        buffer = HiddenBuffer(sum(map(len, parts)))
        position = 0
        for part in parts:
            buffer[position : position + len(part)] = part
            position += len(part)
        return buffer

    @staticmethod
    def decode(data: bytearray) -> Keyset:
        """Read a plaintext keyset; the caller wipes *data*.

        Raises:
            FormatUnsupported: another form, suite or purpose.
            Tampered: anything else that is not what `encode` writes.
        """
        reader = Reader(data, "keyset")
        if reader.u8() != _FORM:
            raise _newer()
        primary_id = reader.u32()
        data_keys: dict[int, DataKey] = {}
        before = 0
        for _ in range(reader.count(DATA_KEYS_MAX)):
            key = _read_data_key(reader)
            if key.id <= before:
                raise reader.malformed("data keys are out of order")
            before = key.id
            data_keys[key.id] = key
        keyset = Keyset(primary_id, data_keys)
        if primary_id not in keyset.enabled:
            raise reader.malformed("its primary is no enabled data key")
        keyset._read_purpose_keys(reader)
        reader.finish()
        return keyset

    def _read_purpose_keys(self, reader: Reader) -> None:
        before = (0, 0)
        for _ in range(reader.count(PURPOSE_KEYS_MAX)):
            name = reader.u8(), reader.u32()
            if name[0] not in _PURPOSES:
                raise _newer()
            if name <= before:
                raise reader.malformed("purpose keys are out of order")
            before = name
            self._purpose_keys[name] = reader.take_buffer(KEY_BYTES)
        if any(self._newest(purpose) == 0 for purpose in _NEEDED):
            raise reader.malformed("a purpose has no key")

    def _newest(self, purpose: int) -> int:
        return max((version for known, version in self._purpose_keys if known == purpose), default=0)

    def _check_change(self, key_id: int, status: int) -> None:
        record = self._data_keys.get(key_id)
        if record is None or record.status != status or key_id == self.primary_id:
            raise ValueError(f"data key {key_id} does not allow this: primary, absent or of another status")

    def __repr__(self) -> str:
        return f"Keyset(primary_id={self.primary_id}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a keyset cannot be pickled or copied")


def _newer() -> FormatUnsupported:
    return FormatUnsupported("the keyset was written by a newer strongroom", advice="upgrade strongroom")


def _read_data_key(reader: Reader) -> DataKey:
    key_id = reader.u32()
    if reader.u8() != labels.SUITE:
        raise _newer()
    status = reader.u8()
    created_us = reader.u64()
    key = reader.take_buffer(KEY_BYTES)
    if status not in (ENABLED, DISABLED, DESTROYED):
        raise reader.malformed("a data key has no known status")
    if (status == DESTROYED) != (key == _DESTROYED_KEY):
        raise reader.malformed("a data key does not fit its status")
    return DataKey(key_id, status, created_us, key)
