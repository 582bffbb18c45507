"""One message of suite 1: C2SP chunked-encryption, Cobblestone-256, SHA-512.

HKDF-Expand turns key, random salt and context into an AES-256-GCM key and nonce that
are used once, and a 32-byte commitment: a message made to open under two keys opens
under none. `encrypt` and `decrypt` are the library's and serve values. `wrap` and
`unwrap` serve keys: the same construction in our own words, because the library
returns immutable bytes, which cannot be wiped. Each reads what the other writes.

Source: docs/format.md#suite-1; https://c2sp.org/chunked-encryption; tests/vectors.
"""

from __future__ import annotations

from _io import BytesIO
from _operator import _compare_digest

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA512, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from strongroom.crypto.entropy import random_bytes
from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer, wipe

KEY_BYTES = 32
SALT_BYTES = 24
COMMITMENT_BYTES = 32
TAG_BYTES = 16
NONCE_BYTES = 12
CHUNK_BYTES = 16_384
OVERHEAD_BYTES = SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES
"""What a message of less than one chunk is longer than its plaintext."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_LARGE = 65_536
_BODY = SALT_BYTES + COMMITMENT_BYTES
_FULL = CHUNK_BYTES + TAG_BYTES


def encrypt(key: Buffer, plaintext: Buffer, context: bytes, *, head: bytes = b"") -> bytes:
    """Encrypt a value.

    Args:
        key: 32 bytes.
        plaintext: any length; the message tells it.
        context: from `labels.context`; needed again to decrypt.
        head: what to put in front of the message, which says nothing of it unless the context does.

    Returns: 72 bytes more than the plaintext, and 16 more for each full 16 KiB.
    """
    encryptor = Cobblestone256Encryptor(key, context)
    if len(plaintext) < _LARGE:
        return b"".join((head, encryptor.update(plaintext), encryptor.finalize()))
    length = memoryview(plaintext).nbytes
    return _written(encryptor, plaintext, head, len(head) + length + OVERHEAD_BYTES + length // CHUNK_BYTES * TAG_BYTES)


def decrypt(key: Buffer, message: Buffer, context: bytes) -> bytes:
    """Decrypt and authenticate a value.

    Args:
        key: 32 bytes.
        message: what `encrypt` returned.
        context: the same as then.

    Returns: the plaintext, once the whole message has proved intact.
    Raises: Tampered: wrong key, wrong context, or any changed, missing or added byte.
    """
    if len(message) < OVERHEAD_BYTES:
        raise _tampered()
    try:
        decryptor = Cobblestone256Decryptor(key, context)
        if len(message) < _LARGE:
            head = decryptor.update(message)
            return head + decryptor.finalize()
        full_chunks, rest = divmod(memoryview(message).nbytes - _BODY, _FULL)
        if rest < TAG_BYTES:
            raise _tampered()
        return _written(decryptor, message, b"", full_chunks * CHUNK_BYTES + rest - TAG_BYTES)
    except InvalidTag:
        raise _tampered() from None


def _written(
    cipher: Cobblestone256Encryptor | Cobblestone256Decryptor, data: Buffer, head: bytes, length: int
) -> bytes:
    """*head* and all that comes out of *cipher*, in the one object that is returned.

    Putting two large objects together takes ten times as long as encrypting them: new memory is
    slow. A BytesIO writes into the object that only it has, and gives out that one.
    """
    out = BytesIO(bytes(length))
    with out.getbuffer() as view:
        view[: len(head)] = head
        end = len(head) + cipher.update_into(data, view[len(head) :])
        view[end:] = cipher.finalize()
    return out.getvalue()


def wrap(key: Buffer, secret: Buffer, context: bytes) -> bytes:
    """Encrypt key material; the same message as `encrypt` makes.

    Args:
        key: 32 bytes.
        secret: the key material; the caller wipes it.
        context: from `labels.context`.
    """
    return _encrypt_from_parts(_SUITE_1, key, secret, context, random_bytes(SALT_BYTES))


def unwrap(key: Buffer, message: Buffer, context: bytes) -> bytearray:
    """Decrypt and authenticate key material.

    Returns: the secret in a buffer of its own, which the caller wipes.
    Raises: Tampered: as `decrypt`.
    """
    return _decrypt_from_parts(_SUITE_1, key, message, context)


def _tampered() -> Tampered:
    # One error and one sentence for every cause: a reader learns nothing from which check failed.
    return Tampered("a stored object does not decrypt: changed, swapped, or of another vault")


class _Construction:
    """The choices that C2SP leaves open; the vectors use other ones than suite 1."""

    __slots__ = ("cipher", "hash", "key_bytes", "name")

    def __init__(
        self, name: bytes, key_bytes: int, cipher: type[AESGCM] | type[ChaCha20Poly1305], hash_: HashAlgorithm
    ) -> None:
        self.name = name
        self.key_bytes = key_bytes
        self.cipher = cipher
        self.hash = hash_


_SUITE_1 = _Construction(b"AEAD_AES_256_GCM", KEY_BYTES, AESGCM, SHA512())


class _MessageKey:
    """The one-use key, nonce and commitment of one message, over one wipeable buffer."""

    __slots__ = ("_nonce", "_okm", "cipher", "commitment")

    def __init__(self, construction: _Construction, key: Buffer, salt: Buffer, context: bytes) -> None:
        length = construction.key_bytes
        if len(key) != length:
            raise ValueError(f"a key has {length} bytes")
        info = b"c2sp.org/chunked-encryption@v1+" + construction.name + b"\0" + salt + context
        self._okm = HiddenBuffer(length + NONCE_BYTES + COMMITMENT_BYTES)
        HKDFExpand(construction.hash, len(self._okm), info).derive_into(key, self._okm)
        okm = memoryview(self._okm)
        # The library keeps this reference to the key for as long as the cipher lives.
        self.cipher = construction.cipher(okm[:length])
        self._nonce = int.from_bytes(okm[length : length + NONCE_BYTES], "big")
        self.commitment = okm[length + NONCE_BYTES :]

    def nonce(self, chunk: int) -> bytes:
        """The nonce of chunk number *chunk*."""
        return (self._nonce ^ chunk).to_bytes(NONCE_BYTES, "big")

    def wipe(self) -> None:
        """Overwrite key, nonce and commitment."""
        wipe(self._okm)
        self._nonce = 0


def _encrypt_from_parts(
    construction: _Construction, key: Buffer, plaintext: Buffer, context: bytes, salt: bytes
) -> bytes:
    message_key = _MessageKey(construction, key, salt, context)
    try:
        plain = memoryview(plaintext)
        chunks = [salt, bytes(message_key.commitment)]
        # One chunk more than there are full ones: the last is always shorter, perhaps empty.
        for number in range(len(plain) // CHUNK_BYTES + 1):
            chunk = plain[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
            chunks.append(message_key.cipher.encrypt(message_key.nonce(number), chunk, None))
        return b"".join(chunks)
    finally:
        message_key.wipe()


def _decrypt_from_parts(construction: _Construction, key: Buffer, message: Buffer, context: bytes) -> bytearray:
    view = memoryview(message)
    body = view[_BODY:]
    # The last chunk is short by at least one byte and holds at least its tag.
    if len(view) < OVERHEAD_BYTES or len(body) % _FULL < TAG_BYTES:
        raise _tampered()
    full_chunks, rest = divmod(len(body), _FULL)
    plaintext = HiddenBuffer(full_chunks * CHUNK_BYTES + rest - TAG_BYTES)
    out = memoryview(plaintext)
    message_key = _MessageKey(construction, key, bytes(view[:SALT_BYTES]), context)
    try:
        # The commitment first: no byte is decrypted under a key that the message does not name.
        if not _compare_digest(message_key.commitment, view[SALT_BYTES:_BODY]):
            raise _tampered()
        for number in range(full_chunks + 1):
            message_key.cipher.decrypt_into(
                message_key.nonce(number),
                body[number * _FULL : (number + 1) * _FULL],
                None,
                out[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES],
            )
        return plaintext
    except InvalidTag:
        wipe(plaintext)
        raise _tampered() from None
    finally:
        message_key.wipe()
