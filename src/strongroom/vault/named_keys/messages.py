"""What a named key of kind ``aead`` encrypts: 16 bytes that say how, then one message of suite 1. Pure.

Source: docs/format.md#named-keys.
"""

from __future__ import annotations

from struct import Struct

from strongroom.crypto import aead, labels
from strongroom.errors import Expired, StrongroomError, Tampered
from strongroom.wire import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

    from strongroom.secret import SecretBytes

    Buffer = bytes | bytearray | memoryview

MAGIC = b"srk\x01"
HEAD_BYTES = 16
OVERHEAD_BYTES = HEAD_BYTES + aead.OVERHEAD_BYTES
"""What a message is longer than its plaintext; and 16 more for each full 16 KiB."""
SKEW_US = 60_000_000
"""How far the clocks of two machines may be apart."""
_HEAD = Struct(">4sIQ")
_NOTHING = bytes(4)
"""No associated data, counted."""


class Sealer:
    """One version of a key, ready to encrypt and decrypt.

    Args:
        key_id: 16 bytes; every message is bound to it.
        number: of the version.
        key: 32 bytes.
    """

    __slots__ = ("_key", "_number", "_prefix")

    def __init__(self, key_id: bytes, number: int, key: SecretBytes) -> None:
        self._key = key.reveal_buffer()
        self._number = number
        # The key's id in place of a vault's: a key that moves to another vault opens its messages there.
        self._prefix = labels.context(key_id, labels.KEY_MESSAGE, number) + HEAD_BYTES.to_bytes(4, "big")

    def encrypt(self, data: Buffer, associated_data: Buffer, created_us: int) -> bytes:
        """A message of *data*, which opens with the same *associated_data* alone."""
        head = _HEAD.pack(MAGIC, self._number, created_us)
        context = self._prefix + head + (counted(associated_data) if associated_data else _NOTHING)
        return aead.encrypt(self._key, data, context, head=head)

    def decrypt(self, message: memoryview, associated_data: Buffer) -> bytes:
        """What a message whose head names this version holds.

        Raises: Tampered: another key, other associated data, or any changed byte.
        """
        context = self._prefix + message[:HEAD_BYTES] + (counted(associated_data) if associated_data else _NOTHING)
        try:
            return aead.decrypt(self._key, message[HEAD_BYTES:], context)
        except Tampered:
            raise unopened() from None


def read_head(message: Buffer) -> tuple[int, int]:
    """The version's number and the time (µs since 1970 UTC) that a message names; not authenticated yet.

    Raises: Tampered: no such message.
    """
    if len(message) < OVERHEAD_BYTES:
        raise unopened()
    magic, number, created_us = _HEAD.unpack_from(message)
    if magic != MAGIC:
        raise unopened()
    return number, created_us


def unopened() -> Tampered:
    """The one error for whatever does not open."""
    return Tampered(
        "this message does not open: of another key, with other associated data, or changed",
        advice="give the key and the associated data that it was encrypted with, and all of its bytes",
    )


def check_age(created_us: int, max_age: timedelta, now_us: int, error: type[StrongroomError] = Expired) -> None:
    """Refuse what is older than it may be, or from the future.

    Raises: Expired: it is; or *error*.
    """
    from strongroom.vault.spans import microseconds

    if created_us > now_us + SKEW_US:
        raise error("this message is from the future: the clocks of two machines differ")
    if created_us + microseconds(max_age) < now_us:
        raise error("this message is older than it may be")
