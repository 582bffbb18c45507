"""Encrypts and decrypts the rows of one vault under its data keys.

A row is the data key's id and one message of suite 1, bound by its context to the
vault, the kind of object and its place. On the path of every read, hence the
shortcuts that are marked. Source: docs/format.md#keys, #context.
"""

from __future__ import annotations

from struct import Struct

from strongroom.crypto import aead
from strongroom.crypto.labels import context_after, context_prefix
from strongroom.errors import Tampered, VaultLocked
from strongroom.keys.keyset import Keyset

_KEY_ID = Struct(">I")
_KEY_ID_BYTES = 4

OVERHEAD_BYTES = _KEY_ID_BYTES + aead.OVERHEAD_BYTES
"""What a row of less than 16 KiB is longer than its plaintext."""


class Envelope:
    """Encrypts under the keyset's primary, decrypts under the key that a row names.

    Args:
        keyset: stays its owner's, who wipes it; afterwards every call is `VaultLocked`.
        vault_id: 16 bytes.
    """

    __slots__ = ("_enabled", "_keyset", "_prefix")

    def __init__(self, keyset: Keyset, vault_id: bytes) -> None:
        self._keyset = keyset
        self._prefix = context_prefix(vault_id)
        # The keyset's own dict, so that what it disables or wipes is gone here too.
        self._enabled = keyset.enabled

    def encrypt(self, object_type: int, plaintext: bytes | bytearray | memoryview, *parts: bytes) -> bytes:
        """Encrypt one object.

        Args:
            object_type: a number of `labels`.
            plaintext: any length.
            parts: what names the object; needed again to decrypt.

        Raises: VaultLocked: the keys were wiped.
        """
        key_id = self._keyset.primary_id
        key = self._enabled.get(key_id) or self._keyset.data_key(key_id)
        message = aead.encrypt(key, plaintext, context_after(self._prefix, object_type, key_id, parts))
        # A key wiped by another thread meanwhile may have been used as zeros; it leaves the dict before that.
        if key_id not in self._enabled:
            raise VaultLocked("the vault was locked while it encrypted", advice="open it again")
        return _KEY_ID.pack(key_id) + message

    def decrypt(self, object_type: int, blob: bytes, *parts: bytes) -> bytes:
        """Decrypt and authenticate one object.

        Args:
            object_type: the same as then.
            blob: what `encrypt` returned.
            parts: the same as then.

        Raises:
            Tampered: it was not encrypted for this place in this vault, or any byte changed.
            Denied: its data key is disabled.
            VaultLocked: the keys were wiped.
        """
        if len(blob) < OVERHEAD_BYTES:
            raise Tampered("a stored object is too short")
        key_id: int = _KEY_ID.unpack_from(blob)[0]
        key = self._enabled.get(key_id) or self._keyset.data_key(key_id)
        try:
            return aead.decrypt(key, blob[_KEY_ID_BYTES:], context_after(self._prefix, object_type, key_id, parts))
        except Tampered:
            if key_id not in self._enabled:
                raise VaultLocked("the vault was locked while it decrypted", advice="open it again") from None
            raise
