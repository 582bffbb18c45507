"""Suite 1 over a stream: the library's, piece by piece, with our errors.

One message as `aead` makes it, of any length. A decrypted piece comes out when its chunk has
proved intact; that the message ends where it should is known only at the end.
Source: docs/format.md#suite-1.
"""

from __future__ import annotations

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


class Encryptor:
    """Encrypts one message.

    Args:
        key: 32 bytes.
        context: from `labels.context`.
    """

    __slots__ = ("_state",)

    def __init__(self, key: Buffer, context: bytes) -> None:
        self._state = Cobblestone256Encryptor(key, context)

    def update_into(self, data: Buffer, out: memoryview) -> int:
        """Encrypt the next piece; how many bytes of *out* were filled."""
        return self._state.update_into(data, out)

    def finish(self) -> bytes:
        """The last chunk."""
        return self._state.finalize()


class Decryptor:
    """Decrypts one message; see `Encryptor`."""

    __slots__ = ("_state",)

    def __init__(self, key: Buffer, context: bytes) -> None:
        self._state = Cobblestone256Decryptor(key, context)

    def update_into(self, data: Buffer, out: memoryview) -> int:
        """Decrypt the next piece; how many bytes of *out* were filled.

        Raises: Tampered: wrong key or context, or a changed or moved byte.
        """
        try:
            return self._state.update_into(data, out)
        except InvalidTag:
            raise Tampered("a chunk of this file was changed") from None

    def finish(self) -> bytes:
        """The rest.

        Raises: Tampered: as `update_into`, or the message was cut.
        """
        try:
            return self._state.finalize()
        except InvalidTag:
            raise Tampered("the last chunk of this file was changed, or the file was cut") from None
