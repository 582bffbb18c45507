"""HPKE base mode (RFC 9180) to a hybrid key pair: ML-KEM-768 and X25519.

What is sealed stays secret while either of the two holds, also against somebody who
records today and has a quantum computer later. Base mode says nothing about who
sealed it: callers check a signature first. Suite: MLKEM768-X25519 (draft-ietf-hpke-pq),
HKDF-SHA256, AES-256-GCM. Source: docs/format.md#key-slots; FIPS 203, RFC 7748.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from strongroom.crypto.entropy import random_buffer, scrub
from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer

PRIVATE_KEY_BYTES = 96
PUBLIC_KEY_BYTES = 1_216
OVERHEAD_BYTES = 1_136
"""ML-KEM ciphertext 1,088, X25519 public key 32, AES-GCM tag 16."""

_MLKEM_SEED_BYTES = 64
_MLKEM_PUBLIC_BYTES = 1_184

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def generate() -> tuple[bytearray, bytes]:
    """A new key pair.

    Returns: the private key (ML-KEM-768 seed 64, X25519 32), which the caller wipes, and the
        public key (ML-KEM-768 1,184, X25519 32).
    """
    private = random_buffer(PRIVATE_KEY_BYTES)
    return private, public_key(private)


def public_key(private: bytearray) -> bytes:
    """The 1,216-byte public key that belongs to a 96-byte private key."""
    seed = memoryview(private)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED_BYTES]).public_key()
    x25519 = X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED_BYTES:]).public_key()
    return mlkem.public_bytes_raw() + x25519.public_bytes_raw()


def seal(public: bytes, secret: Buffer, info: bytes) -> bytes:
    """Encrypt *secret* so that only the private key's holder can open it.

    Args:
        public: 1,216 bytes.
        secret: the caller wipes it.
        info: from `labels.context`; needed again to open.

    Returns: 1,136 bytes more than the secret.
    Raises: Tampered: *public* is no valid public key.
    """
    try:
        return _suite().encrypt(secret, _public_key(public), info=info)
    except ValueError:
        # A point of small order is found only while encrypting.
        raise Tampered("a stored public key is not valid") from None


def open_sealed(private: bytearray, sealed: bytes, info: bytes) -> bytearray:
    """Open what `seal` made.

    Args:
        private: 96 bytes.
        sealed: at least 1,136 bytes.
        info: the same as then.

    Returns: the secret, which the caller wipes.
    Raises: Tampered: wrong key, wrong info or changed bytes.
    """
    key = _private_key(private)
    try:
        secret = _suite().decrypt(sealed, key, info=info)
    except (InvalidTag, ValueError):
        raise Tampered("a stored handover does not open") from None
    # The library has no decrypt_into for HPKE.
    buffer = HiddenBuffer(secret)
    del secret
    scrub(len(buffer))
    return buffer


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _public_key(public: bytes) -> MLKEM768X25519PublicKey:
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_BYTES:]),
    )


def _private_key(private: bytearray) -> MLKEM768X25519PrivateKey:
    seed = memoryview(private)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED_BYTES:]),
    )
