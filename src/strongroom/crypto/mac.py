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


def overwrite_freed_keys() -> None:
    """Overwrite most of what the library's copies of keys left in the C library's free memory.

    Many states under a key of zeros, all at once, take the free places of those sizes, though not each of
    them every time: this promises nothing (docs/threat-model.md). Takes 0.5 ms.
    """
    [(HMAC(bytes(TAG_BYTES), _SHA256), HMAC(bytes(TAG_BYTES), SHA512())) for _ in range(64)]


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
