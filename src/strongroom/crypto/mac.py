"""HMAC-SHA-256 (RFC 2104): blind indexes, ledger, audit chain, header."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from strongroom.errors import Tampered

TAG_BYTES = 32

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_SHA256 = SHA256()
_SHA512 = SHA512()


def overwrite_freed_keys() -> None:
    """Overwrite what the library gave back to the C library's allocator: its ciphers copy each key and free the copy.

    Many states under a key of zeros, all at once, take the free places of those sizes: not each of them
    every time, so this makes it rare and promises nothing (docs/threat-model.md). Takes 0.5 ms.
    """
    zeros = bytes(TAG_BYTES)
    [(HMAC(zeros, _SHA256), HMAC(zeros, _SHA512)) for _ in range(64)]


class Mac:
    """HMAC-SHA-256 under one key, which is read once, here; dropping the object frees the library's copy.

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_keyed",)

    def __init__(self, key: Buffer) -> None:
        if len(key) != TAG_BYTES:
            raise ValueError("a MAC key has 32 bytes")
        # Copying a keyed state is half the price of setting a key again.
        self._keyed = HMAC(key, _SHA256)

    def digest(self, data: Buffer) -> bytes:
        """The 32-byte tag of *data*."""
        state = self._keyed.copy()
        state.update(data)
        return state.finalize()

    def verify(self, data: Buffer, tag: bytes) -> None:
        """Check a tag in constant time.

        Raises: Tampered: it is not the tag of *data* under this key.
        """
        state = self._keyed.copy()
        state.update(data)
        try:
            state.verify(tag)
        except InvalidSignature:
            raise Tampered("a stored authentication tag does not fit") from None

    def __repr__(self) -> str:
        return "Mac(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a keyed MAC cannot be pickled or copied")
