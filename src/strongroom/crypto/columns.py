"""Values in other programs' tables: one derivation and one AES-256-GCM message for each value.

A column has a key of its own, derived from one version of a named key. Each value gets a one-use
key from it: HKDF-Expand over a random salt and the row that the value stands in, so that it opens
nowhere else. Suite 1 says the same in 6 us, of which a table of 10,000 rows would be read at half
the speed (docs/decisions/0023); what is left out for that is its key commitment.

Source: docs/format.md#columns; RFC 5869 (one block of SHA-256); NIST SP 800-38D.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from strongroom.crypto import labels
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer, wipe
from strongroom.wire import text, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.secret import SecretBytes

    Buffer = bytes | bytearray | memoryview

SALT_BYTES = 24
TAG_BYTES = 16
TOKEN_BYTES = 16
OVERHEAD_BYTES = SALT_BYTES + TAG_BYTES
"""What a message is longer than its plaintext."""

_SHA256 = SHA256()
# A key serves one message, so the nonce need not differ.
_NONCE = bytes(12)
# HKDF-Expand's counter of the first block, which is the only one.
_FIRST_BLOCK = b"\x01"


class ColumnKey:
    """One version of a named key, for one column.

    Args:
        private: the version's private part, 32 bytes; read here and not kept.
        key_id: 16 bytes.
        number: of the version.
        table, column: which values it is for.
    """

    __slots__ = ("_indexed", "_keyed")

    def __init__(self, private: SecretBytes, key_id: bytes, number: int, table: str, column: str) -> None:
        place = key_id + u32(number) + text(table) + text(column)
        self._keyed = _keyed(private, labels.COLUMN + b"\0" + place)
        self._indexed = _keyed(private, labels.COLUMN_INDEX + b"\0" + place)

    def encrypt(self, plaintext: Buffer, row: bytes) -> bytes:
        """A message of *plaintext* that opens with the same *row* alone.

        Args:
            row: what names the row, and all else that stands beside the message; injective.
        """
        return self._encrypt_from_parts(plaintext, row, random_bytes(SALT_BYTES))

    def decrypt(self, message: bytes, row: bytes) -> bytes:
        """What `encrypt` encrypted.

        Raises: Tampered: another key, column or row, or any changed, missing or added byte.
        """
        if len(message) < OVERHEAD_BYTES:
            raise _tampered()
        state = self._keyed.copy()
        state.update(message[:SALT_BYTES] + row + _FIRST_BLOCK)
        try:
            return AESGCM(state.finalize()).decrypt(_NONCE, message[SALT_BYTES:], None)
        except InvalidTag:
            raise _tampered() from None

    def token(self, data: Buffer) -> bytes:
        """16 bytes that are equal for equal *data* in this column: what a blind index holds."""
        state = self._indexed.copy()
        state.update(data)
        return state.finalize()[:TOKEN_BYTES]

    def _encrypt_from_parts(self, plaintext: Buffer, row: bytes, salt: bytes) -> bytes:
        state = self._keyed.copy()
        state.update(salt + row + _FIRST_BLOCK)
        return salt + AESGCM(state.finalize()).encrypt(_NONCE, plaintext, None)

    def __repr__(self) -> str:
        return "ColumnKey(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a column's key cannot be pickled or copied")


def _keyed(private: SecretBytes, info: bytes) -> HMAC:
    """An HMAC-SHA-256 whose key is HKDF-Expand (SHA-512) of *private*: once for each column, in a wiped buffer."""
    key = HiddenBuffer(32)
    try:
        HKDFExpand(SHA512(), len(key), info).derive_into(private.reveal_buffer(), key)
        return HMAC(key, _SHA256)
    finally:
        wipe(key)


def _tampered() -> Tampered:
    return Tampered("a value does not decrypt: changed, or of another row, column or key")
