"""Ed25519 (RFC 8032): the vault's identity signs handovers and its successor."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from strongroom.errors import Tampered

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

# The points of small order, without the sign bit, and their encodings that are not canonical. Under such a
# "public key" one signature fits any message, and the library does not refuse them. Source: Wycheproof
# ed25519 (SmallOrderPublicKey); the same list as libsodium's ge25519_has_small_order.
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def public_key(seed: Buffer) -> bytes:
    """The 32-byte public key that belongs to a 32-byte random seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: Buffer, message: bytes) -> bytes:
    """The 64-byte signature of *message*, a whole `labels.context` so that no two uses are confused."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature.

    Args:
        public: 32 bytes.
        message: what was signed.
        signature: 64 bytes.

    Raises: Tampered: it is not this key's signature of *message*, or no key or signature at all.
    """
    if public[:-1] + bytes((public[-1] & 0x7F,) if public else b"") in _SMALL_ORDER:
        raise Tampered("a stored signature does not fit")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Tampered("a stored signature does not fit") from None
