"""What the age format does with keys; the format's text is read and written in `credentials.age`.

A file has a 16-byte file key. Each stanza of the header is that key, encrypted to one recipient;
a MAC under it covers the header, and the payload is ChaCha20-Poly1305 in chunks of 64 KiB (STREAM).
None of these constructions opens anything of the vault's. Source: https://age-encryption.org/v1
(C2SP age.md); RFC 7748; RFC 7914; RFC 8017, 7.1; draft-ietf-hpke-pq.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, SHAKE256, Hash

from strongroom.crypto.entropy import scrub
from strongroom.crypto.kdf import _hkdf_from_parts
from strongroom.crypto.mac import Mac
from strongroom.errors import Tampered, WrongKey
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.hpke import Suite

    Buffer = bytes | bytearray | memoryview

FILE_KEY_BYTES = 16
NONCE_BYTES = 16
TAG_BYTES = 16
CHUNK_BYTES = 65_536
POINT_BYTES = 32
WRAPPED_BYTES = FILE_KEY_BYTES + TAG_BYTES
HYBRID_SHARE_BYTES = 1_120
HYBRID_SEED_BYTES = 32
SCRYPT_SALT_BYTES = 16

_X25519 = b"age-encryption.org/v1/X25519"
_SCRYPT = b"age-encryption.org/v1/scrypt"
_SSH_ED25519 = b"age-encryption.org/v1/ssh-ed25519"
_SSH_RSA = b"age-encryption.org/v1/ssh-rsa"
_HYBRID = b"age-encryption.org/mlkem768x25519"
_FIELD = 2**255 - 19


class NotForThisKey(WrongKey):
    """A stanza that this key does not open; another stanza, or another key, may fit."""

    def __init__(self) -> None:
        super().__init__("none of the keys at hand opens this file")


def header_mac(file_key: Buffer) -> Mac:
    """What authenticates a header, up to and including its ``---``."""
    key = _hkdf_from_parts(SHA256(), file_key, b"", b"header", 32)
    try:
        return Mac(key)
    finally:
        wipe(key)


class Payload:
    """The chunks of one file, each sealed under its number and whether it is the last.

    Args:
        file_key: 16 bytes.
        nonce: 16 random bytes, which stand before the first chunk.
    """

    __slots__ = ("_cipher", "_key", "_number")

    def __init__(self, file_key: Buffer, nonce: bytes) -> None:
        self._key = _hkdf_from_parts(SHA256(), file_key, nonce, b"payload", 32)
        self._cipher = ChaCha20Poly1305(self._key)
        self._number = 0

    def _nonce(self, is_last: bool) -> bytes:
        nonce = (self._number << 8 | is_last).to_bytes(12, "big")
        self._number += 1
        return nonce

    def seal_into(self, chunk: Buffer, out: memoryview, *, is_last: bool) -> None:
        """Encrypt the next chunk; *out* is 16 bytes longer."""
        self._cipher.encrypt_into(self._nonce(is_last), chunk, None, out)

    def open_into(self, chunk: Buffer, out: memoryview, *, is_last: bool) -> None:
        """Decrypt and authenticate the next chunk; *out* is 16 bytes shorter.

        Raises: Tampered: changed, cut, moved, or of another file.
        """
        try:
            self._cipher.decrypt_into(self._nonce(is_last), chunk, None, out)
        except InvalidTag:
            raise Tampered("a chunk of this age file was changed, or the file was cut") from None

    def wipe(self) -> None:
        """Overwrite the key."""
        wipe(self._key)


def wrap_x25519(file_key: Buffer, recipient: bytes, blob: bytes = b"") -> tuple[bytes, bytes]:
    """Encrypt the file key to a point.

    Args:
        recipient: 32 bytes: an X25519 public key, or `montgomery` of an Ed25519 one.
        blob: then that key as SSH encodes it.

    Returns: the ephemeral share and the body, 32 bytes each.
    Raises: ValueError: the recipient is a point of small order.
    """
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    return share, _seal(_agreed(shared, share + recipient, blob), file_key)


def unwrap_x25519(private: Buffer, share: bytes, body: bytes, blob: bytes = b"") -> bytearray:
    """The file key of a stanza made by `wrap_x25519`; for an SSH key *private* is its `ssh_scalar`.

    Raises:
        NotForThisKey: it is for somebody else.
        Tampered: the share is a point of small order.
    """
    key = X25519PrivateKey.from_private_bytes(private)
    shared = _exchange(key, share)
    return _open(_agreed(shared, share + key.public_key().public_bytes_raw(), blob), body)


def montgomery(ed25519: bytes) -> bytes:
    """The X25519 form of an Ed25519 public key (RFC 7748, 4.1); the neutral element, a ValueError, has none."""
    y = int.from_bytes(ed25519, "little") & (2**255 - 1)  # u = (1 + y) / (1 - y)
    return ((1 + y) * pow(1 - y, -1, _FIELD) % _FIELD).to_bytes(32, "little")


def ssh_scalar(seed: Buffer) -> bytearray:
    """The X25519 private key of an Ed25519 seed (RFC 8032, 5.1.5); the caller wipes it."""
    state = Hash(SHA512())
    state.update(seed)
    return _taken(state.finalize())[:32]


def wrap_rsa(file_key: Buffer, public: RSAPublicKey) -> bytes:
    """Encrypt the file key to an RSA key of SSH's; the body."""
    return public.encrypt(bytes(file_key), _oaep())


def unwrap_rsa(private: RSAPrivateKey, body: bytes) -> bytearray:
    """The file key of a stanza made by `wrap_rsa`; raises as `unwrap_x25519`."""
    try:
        file_key = _taken(private.decrypt(body, _oaep()))
    except ValueError:
        raise NotForThisKey from None
    if len(file_key) != FILE_KEY_BYTES:
        raise Tampered("a file key of this age file has a wrong length")
    return file_key


def wrap_scrypt(file_key: Buffer, passphrase: Buffer, salt: bytes, work: int) -> bytes:
    """Encrypt the file key with a passphrase; log2 of scrypt's N is *work*, and takes 1,024 * N bytes of memory."""
    return _seal(_scrypt(passphrase, salt, work), file_key)


def unwrap_scrypt(passphrase: Buffer, salt: bytes, work: int, body: bytes) -> bytearray:
    """The file key of a stanza made by `wrap_scrypt`, whose *work* was compared with a bound, or NotForThisKey."""
    return _open(_scrypt(passphrase, salt, work), body)


def hybrid_private(seed: Buffer) -> bytearray:
    """The 96-byte private key (as `crypto.hybrid` takes it) of a 32-byte seed; the caller wipes it."""
    if len(seed) != HYBRID_SEED_BYTES:
        raise ValueError(f"a hybrid private key has {HYBRID_SEED_BYTES} bytes")
    state = Hash(SHAKE256(96))
    state.update(seed)
    return _taken(state.finalize())


def wrap_hybrid(file_key: Buffer, public: bytes) -> tuple[bytes, bytes]:
    """Encrypt the file key to a hybrid recipient (1,216 bytes), or ValueError; the encapsulated share and the body."""
    from strongroom.crypto.hybrid import _public_key

    sealed = _hybrid_suite().encrypt(file_key, _public_key(public), info=_HYBRID)
    return sealed[:HYBRID_SHARE_BYTES], sealed[HYBRID_SHARE_BYTES:]


def unwrap_hybrid(private: bytearray, share: bytes, body: bytes) -> bytearray:
    """The file key of a stanza made by `wrap_hybrid`; raises as `unwrap_x25519`."""
    from strongroom.crypto.hybrid import _private_key

    # The library answers both with one error; the point alone is checked as for X25519.
    _exchange(X25519PrivateKey.from_private_bytes(memoryview(private)[64:]), share[-POINT_BYTES:])
    try:
        return _taken(_hybrid_suite().decrypt(share + body, _private_key(private), info=_HYBRID))
    except (InvalidTag, ValueError):
        raise NotForThisKey from None


def _exchange(key: X25519PrivateKey, share: bytes) -> bytes:
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise Tampered("a share in this age file is not valid") from None


def _agreed(shared: bytes, salt: bytes, blob: bytes) -> bytearray:
    if not blob:
        return _hkdf_from_parts(SHA256(), shared, salt, _X25519, 32)
    # An SSH key may serve elsewhere too: the tweak sets this use apart.
    tweak = X25519PrivateKey.from_private_bytes(_hkdf_from_parts(SHA256(), b"", blob, _SSH_ED25519, 32))
    tweaked = tweak.exchange(X25519PublicKey.from_public_bytes(shared))
    return _hkdf_from_parts(SHA256(), tweaked, salt, _SSH_ED25519, 32)


def _seal(key: bytearray, file_key: Buffer) -> bytes:
    try:
        return ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    finally:
        wipe(key)


def _open(key: bytearray, body: bytes) -> bytearray:
    file_key = bytearray(FILE_KEY_BYTES)
    try:
        ChaCha20Poly1305(key).decrypt_into(bytes(12), body, None, file_key)
        return file_key
    except InvalidTag:
        raise NotForThisKey from None
    finally:
        wipe(key)


def _scrypt(passphrase: Buffer, salt: bytes, work: int) -> bytearray:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    key = bytearray(32)
    Scrypt(salt=_SCRYPT + salt, length=32, n=1 << work, r=8, p=1).derive_into(passphrase, key)
    return key


def _oaep() -> OAEP:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

    return OAEP(MGF1(SHA256()), SHA256(), _SSH_RSA)


def _hybrid_suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _taken(data: bytes) -> bytearray:
    """The library's immutable bytes in a buffer of our own."""
    buffer = bytearray(data)
    del data
    scrub(len(buffer))
    return buffer
