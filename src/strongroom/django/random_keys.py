"""Keys of rows that are known before the row is inserted, for tables whose keys are integers."""

from __future__ import annotations

from strongroom.crypto.entropy import random_bytes

_BITS = 53


def random_key() -> int:
    """A random primary key of 53 bits, which JavaScript reads exactly too.

    ``id = models.BigIntegerField(primary_key=True, default=random_key)`` in the place of an auto key:
    the column stays what it is, and so do the keys that are in it. Among ten million rows the next
    key is taken already once in a thousand million inserts, which the database then refuses.
    """
    return (int.from_bytes(random_bytes(7), "big") >> (56 - _BITS)) + 1
