"""Where open keys lie: moved out of the heap into memory that somebody prepared for them.

The agent keeps its keys in a page that is never swapped out or dumped. Everything that uses
a key takes any buffer, so a `memoryview` over such a page serves like the `bytearray` it replaces.
"""

from __future__ import annotations

from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.keys.unlocked import UnlockedKeys


def key_bytes(keys: UnlockedKeys) -> int:
    """How many bytes `rehouse` will ask for, in all."""
    keyset = keys.keyset
    buffers = [keys.root_key._buffer, *(record._key for record in keyset._data_keys.values())]
    return sum(map(len, buffers)) + sum(map(len, keyset._purpose_keys.values()))


def rehouse(keys: UnlockedKeys, allocate: Callable[[int], memoryview]) -> None:
    """Move the root key and every key of the keyset, and overwrite the places where they lay.

    Args:
        keys: open; no other thread may be using them.
        allocate: gives a writable buffer of so many bytes, which lives as long as the process.
    """

    def move(buffer: bytearray) -> bytearray:
        place = allocate(len(buffer))
        place[:] = buffer
        wipe(buffer)
        # Everything that takes a key takes any buffer; the annotations say what it is without an agent.
        return place  # type: ignore[return-value]

    keyset = keys.keyset
    keys.root_key._buffer = move(keys.root_key._buffer)
    for record in keyset._data_keys.values():
        record._key = move(record._key)
        if record.id in keyset.enabled:
            keyset.enabled[record.id] = record._key
    for name, key in keyset._purpose_keys.items():
        keyset._purpose_keys[name] = move(key)
