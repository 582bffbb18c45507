"""What dotenvx does with keys: ECIES over secp256k1, a message for each value.

Nothing is bound: a value may be put under another name, or an older one put back, and opens all the same.
Source: ecies/js, whose key comes of the ephemeral and the whole shared point (HKDF-SHA256, no salt, no info),
and whose AES-256-GCM has a nonce of 16 bytes, followed by the tag.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256K1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from strongroom.crypto.entropy import scrub
from strongroom.crypto.kdf import _hkdf_from_parts
from strongroom.errors import Tampered, WrongKey
from strongroom.secret import HiddenBuffer, wipe

POINT_BYTES = 65
NONCE_BYTES = 16
TAG_BYTES = 16
OVERHEAD_BYTES = POINT_BYTES + NONCE_BYTES + TAG_BYTES
PRIVATE_KEY_BYTES = 32
_PRIME = 2**256 - 2**32 - 977


class PrivateKey:
    """A key of ``.env.keys``.

    Args:
        scalar: 32 bytes, which the caller wipes; the library keeps a copy of its own.

    Raises: WrongKey: none that the curve has.
    """

    __slots__ = ("_key",)

    def __init__(self, scalar: bytearray) -> None:
        try:
            if len(scalar) != PRIVATE_KEY_BYTES:
                raise ValueError
            self._key: EllipticCurvePrivateKey = derive_private_key(int.from_bytes(scalar, "big"), SECP256K1())
        except ValueError:
            raise WrongKey("this is no private key of dotenvx's") from None

    def public(self) -> str:
        """The public key as dotenvx writes it: compressed, in hex."""
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()

    def open_sealed(self, message: bytes) -> bytearray:
        """Decrypt one value; the caller wipes it.

        Args:
            message: `OVERHEAD_BYTES` and what was encrypted.

        Raises:
            Tampered: cut, or no point of the curve.
            WrongKey: for another key, or changed; nothing tells which.
        """
        if len(message) < OVERHEAD_BYTES:
            raise Tampered("a value of dotenvx's was cut")
        point, rest = message[:POINT_BYTES], message[POINT_BYTES:]
        nonce, tag, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES : NONCE_BYTES + TAG_BYTES], rest[32:]
        try:
            # Refuses a point that is not on the curve.
            ephemeral = EllipticCurvePublicKey.from_encoded_point(SECP256K1(), point)
        except ValueError:
            raise Tampered("a value of dotenvx's was changed") from None
        shared = self._key.exchange(ECDH(), ephemeral)
        x = int.from_bytes(shared, "big")
        del shared
        scrub(32)
        # The library gives x alone. The two points with that x differ in their sign, and the tag tells which it was.
        y = pow(x**3 + 7, (_PRIME + 1) // 4, _PRIME)
        for candidate in (y, _PRIME - y):
            opened = _open(point, x, candidate, nonce, sealed + tag)
            if opened is not None:
                return opened
        raise WrongKey("the private key does not open a value of dotenvx's, or it was changed")

    def __repr__(self) -> str:
        return "PrivateKey(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a private key cannot be pickled or copied")


def _open(point: bytes, x: int, y: int, nonce: bytes, sealed: bytes) -> bytearray | None:
    secret = HiddenBuffer(point + b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    key = _hkdf_from_parts(SHA256(), secret, b"", b"", 32)
    wipe(secret)
    opened = HiddenBuffer(len(sealed) - TAG_BYTES)
    try:
        AESGCM(key).decrypt_into(nonce, sealed, None, opened)
        return opened
    except InvalidTag:
        return None
    finally:
        wipe(key)
