"""Keys that moved into memory of somebody else's: they do what they did, and nothing of them is left behind."""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.keys.housing import key_bytes, rehouse
from strongroom.keys.opening import create_keys, unlock
from strongroom.keys.slots.key_file import new_key_file

NOW = 1_790_000_000_000_000


class Arena:
    """What an agent would lock into memory."""

    def __init__(self) -> None:
        self.memory = bytearray(4096)
        self.given = 0

    def allocate(self, length: int) -> memoryview:
        place = memoryview(self.memory)[self.given : self.given + length]
        self.given += length
        return place


def test_every_key_moves_and_works_from_there() -> None:
    """With two data keys, of which one no longer encrypts."""
    credential = new_key_file()
    keys = create_keys(bytes(16), bytes(16), NOW)
    slots = [keys.new_slot(credential, NOW)]
    older = keys.envelope.encrypt(labels.NODE, b"older")
    keys.keyset.add_primary(NOW)
    keyset = keys.keyset
    before = [keys.root_key._buffer, *(record._key for record in keyset._data_keys.values())]
    before += keyset._purpose_keys.values()
    values = [bytes(one) for one in before]
    assert len(values) > 4 and all(any(value) for value in values)
    arena = Arena()
    assert key_bytes(keys) == sum(map(len, values))
    rehouse(keys, arena.allocate)
    assert arena.given == key_bytes(keys) == sum(map(len, values)), "all of them, and nothing else"
    assert bytes(arena.memory[: arena.given]) == b"".join(values)
    assert not any(any(one) for one in before), "where they lay is overwritten"
    for record in keyset._data_keys.values():
        assert keyset.enabled[record.id] is record._key
    assert keys.envelope.decrypt(labels.NODE, older) == b"older"
    newer = keys.envelope.encrypt(labels.NODE, b"newer")
    body, mac = keys.seal_header(slots)
    opened = unlock(body, mac, [(one.slot_id, one.encode()) for one in slots], credential)
    assert opened.envelope.decrypt(labels.NODE, newer) == b"newer"
    assert opened.root_key == keys.root_key
