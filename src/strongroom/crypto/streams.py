"""Suite 1 over a stream: one message as `aead` makes it, of any length, piece by piece.

A decrypted piece comes out when its chunk has proved intact; that the message ends where it
should is known only at the end. Source: docs/format.md#suite-1.
"""

from __future__ import annotations

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

Encryptor = Cobblestone256Encryptor
"""Encrypts: `update_into` and `finalize`; from a 32-byte key and a `labels.context`."""


class Decryptor:
    """Decrypts what `Encryptor` made under the same key and context.

    Raises: Tampered: from both methods: wrong key or context, or a byte that was changed, moved or cut.
    """

    __slots__ = ("_state",)

    def __init__(self, key: Buffer, context: bytes) -> None:
        self._state = Cobblestone256Decryptor(key, context)

    def update_into(self, data: Buffer, out: memoryview) -> int:
        """Decrypt the next piece; how many bytes of *out* were filled."""
        try:
            return self._state.update_into(data, out)
        except InvalidTag:
            raise Tampered("a chunk of this file was changed") from None

    def finalize(self) -> bytes:
        """The rest."""
        try:
            return self._state.finalize()
        except InvalidTag:
            raise Tampered("the last chunk of this file was changed, or the file was cut") from None
