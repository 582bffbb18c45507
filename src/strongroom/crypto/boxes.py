"""Sealing to a public key, for exchange with other programs: HPKE (RFC 9180), and libsodium's boxes.

HPKE is base mode, one message: encapsulated key, then ciphertext; suites DHKEM(X25519, HKDF-SHA256)
and MLKEM768-X25519 (draft-ietf-hpke-pq), each with HKDF-SHA256 and AES-256-GCM. libsodium's
`crypto_box` and `crypto_box_seal` need the extra ``nacl``. Nothing of the vault's own is sealed by these.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from strongroom.crypto import hybrid
from strongroom.crypto.age import hybrid_private
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.secret import wipe

X25519_BYTES = 32
HYBRID_SEED_BYTES = 32
NONCE_BYTES = 24

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    Buffer = bytes | bytearray | memoryview


def x25519_public(private: Buffer) -> bytes:
    """The 32-byte public key of a 32-byte X25519 private key (RFC 7748)."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def hybrid_public(seed: Buffer) -> bytes:
    """The 1,216-byte public key of a 32-byte MLKEM768-X25519 private key."""
    private = hybrid_private(seed)
    try:
        return hybrid.public_key(private)
    finally:
        wipe(private)


def seal_x25519(public: bytes, data: Buffer, info: bytes) -> bytes:
    """HPKE to an X25519 public key: 48 bytes more than *data*.

    Raises: ValueError: *public* is no valid public key.
    """
    try:
        return _x25519_suite().encrypt(data, X25519PublicKey.from_public_bytes(public), info=info)
    except ValueError:
        raise _no_key() from None


def open_x25519(private: Buffer, sealed: bytes, info: bytes) -> bytes:
    """What `seal_x25519` sealed.

    Raises: Tampered: another key, another *info*, or changed bytes.
    """
    try:
        return _x25519_suite().decrypt(sealed, X25519PrivateKey.from_private_bytes(private), info=info)
    except (InvalidTag, ValueError):
        raise _unopened() from None


def seal_hybrid(public: bytes, data: Buffer, info: bytes) -> bytes:
    """HPKE to an MLKEM768-X25519 public key (1,216 bytes): 1,136 bytes more than *data*.

    Raises: ValueError: *public* is no valid public key.
    """
    try:
        return hybrid.seal(public, data, info)
    except Tampered:
        raise _no_key() from None


def open_hybrid(seed: Buffer, sealed: bytes, info: bytes) -> bytes:
    """What `seal_hybrid` sealed.

    Raises: Tampered: as `open_x25519`.
    """
    private = hybrid_private(seed)
    try:
        return bytes(hybrid.open_sealed(private, sealed, info))
    except Tampered:
        raise _unopened() from None
    finally:
        wipe(private)


def seal_nacl(public: bytes, data: Buffer) -> bytes:
    """libsodium's `crypto_box_seal`: anonymous, 48 bytes more than *data*.

    Raises:
        ValueError: *public* is no valid public key.
        FormatUnsupported: the extra ``nacl`` is not installed.
    """
    nacl = _nacl()
    try:
        return bytes(nacl.bindings.crypto_box_seal(bytes(data), public))
    except (nacl.exceptions.CryptoError, ValueError):
        raise _no_key() from None


def open_nacl(private: Buffer, sealed: bytes) -> bytes:
    """What `crypto_box_seal` sealed.

    Raises: Tampered, FormatUnsupported: as `open_x25519` and `seal_nacl`.
    """
    nacl = _nacl()
    try:
        return bytes(nacl.bindings.crypto_box_seal_open(sealed, x25519_public(private), bytes(private)))
    except (nacl.exceptions.CryptoError, TypeError, ValueError):
        raise _unopened() from None


def box_nacl(private: Buffer, public: bytes, data: Buffer) -> bytes:
    """libsodium's `crypto_box` from one to another, behind its random nonce of 24 bytes.

    Raises: ValueError, FormatUnsupported: as `seal_nacl`.
    """
    nacl = _nacl()
    nonce = random_bytes(NONCE_BYTES)
    try:
        return nonce + bytes(nacl.bindings.crypto_box(bytes(data), nonce, public, bytes(private)))
    except (nacl.exceptions.CryptoError, ValueError):
        raise _no_key() from None


def open_box_nacl(private: Buffer, public: bytes, message: bytes) -> bytes:
    """What `crypto_box` made, by the holder of the other of the two private keys.

    Raises: Tampered, FormatUnsupported: as `open_nacl`.
    """
    nacl = _nacl()
    nonce, body = message[:NONCE_BYTES], message[NONCE_BYTES:]
    try:
        return bytes(nacl.bindings.crypto_box_open(body, nonce, public, bytes(private)))
    except (nacl.exceptions.CryptoError, ValueError):
        raise _unopened() from None


def _x25519_suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _no_key() -> ValueError:
    return ValueError("this is no valid public key of this kind")


def _unopened() -> Tampered:
    return Tampered(
        "this message does not open: sealed to another key, in another form, or changed",
        advice="give the key, the form and the info that it was sealed with, and all of its bytes",
    )


def _nacl() -> ModuleType:
    try:
        import nacl.bindings
        import nacl.exceptions
    except ImportError:
        raise FormatUnsupported(
            "a box of libsodium needs the extra nacl, which is not installed", advice="pip install 'strongroom[nacl]'"
        ) from None
    return nacl
