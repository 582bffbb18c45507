"""What SOPS does with keys: one AES-256-GCM message a value, and the shares of a data key that was split.

The nonce has 32 bytes, which GCM hashes down; the associated data is the path of names, and says nothing of
a value's place in a list. Source: getsops/sops, aes/cipher.go and shamir/shamir.go.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.crypto.entropy import random_bytes
from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Buffer = bytes | bytearray | memoryview

KEY_BYTES = 32
NONCE_BYTES = 32
TAG_BYTES = 16
SHARE_BYTES = KEY_BYTES + 1
_FIELD = 0x11B


def seal(key: Buffer, plaintext: Buffer, associated: bytes) -> tuple[bytes, bytes, bytes]:
    """Encrypt one value; its ciphertext, nonce and tag."""
    nonce = random_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext, associated)
    return sealed[:-TAG_BYTES], nonce, sealed[-TAG_BYTES:]


def open_sealed(key: Buffer, ciphertext: bytes, nonce: bytes, tag: bytes, associated: bytes) -> bytearray:
    """Decrypt one value; the caller wipes it.

    Args:
        nonce: 12 bytes or more: what others wrote need not have 32.

    Raises: Tampered: changed, of another file, or of other names.
    """
    plaintext = HiddenBuffer(len(ciphertext))
    try:
        AESGCM(key).decrypt_into(nonce, ciphertext + tag, associated, plaintext)
    except InvalidTag:
        raise Tampered("a value of this SOPS file was changed, or belongs elsewhere") from None
    return plaintext


def combine(shares: Sequence[Buffer]) -> bytearray:
    """The data key of shares: Shamir's scheme over GF(2^8), the last byte of a share its place; the caller wipes it.

    Nothing in a share tells whether it is right: the file's MAC does. Without tables, which would leak by the cache.

    Raises: Tampered: shares of a wrong length, or two of one place.
    """
    places = [share[-1] for share in shares]
    if any(len(share) != SHARE_BYTES for share in shares) or len(set(places)) != len(places) or 0 in places:
        raise Tampered("the shares of this SOPS file's key do not fit together")
    key = HiddenBuffer(KEY_BYTES)
    for place, share in zip(places, shares, strict=True):
        weight = 1
        for other in places:
            if other != place:
                weight = _times(weight, _times(other, _inverse(other ^ place)))
        for number in range(KEY_BYTES):
            key[number] ^= _times(share[number], weight)
    return key


def _times(a: int, b: int) -> int:
    """The product in GF(2^8), in the same steps whatever the factors are."""
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ (-(product >> 7) & _FIELD)
        product ^= -(b >> bit & 1) & a
    return product


def _inverse(a: int) -> int:
    """The 254th power."""
    result = 1
    for bit in range(7, -1, -1):
        result = _times(result, result)
        if 254 >> bit & 1:
            result = _times(result, a)
    return result
