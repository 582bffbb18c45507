"""Values in other programs' tables: AES-256-GCM under one of 256 keys of the column, bound to the row.

A column has a key of its own, derived from one version of a named key, and 256 keys derived from that. They are made
once and kept: a key for each message takes as long again as the message itself, and a table of 10,000 rows would
be read at less than half of its speed (docs/decisions/0027). So nonces are drawn at random, together with the choice of
the key: 104 bits, of which `VALUES_MAX` says for how many values they last.

Source: docs/format.md#columns; RFC 5869 (one block); NIST SP 800-38D, 8.2.2 and 8.3.
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

NONCE_BYTES = 12
TAG_BYTES = 16
TOKEN_BYTES = 16
OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES
"""What a message is longer than its plaintext."""
VALUES_MAX = 2**36
"""Values that one column may be given under one version, for a chance below 2^-32 that a nonce comes twice.

Of n values, n^2 / 2 pairs each meet with the chance 2^-104: n^2 / 2^105, which is 2^-33 here. Each of the 256 keys
then has 2^28 messages, where SP 800-38D allows 2^32 with random nonces.
"""

_SHA256 = SHA256()
_AFTER_NONCE = 1 + NONCE_BYTES
# HKDF-Expand's counter of the first block, which is the only one.
_FIRST_BLOCK = b"\x01"


class _Ciphers(dict[int, AESGCM]):
    """A column's ciphers by number, made when they are first needed: some keys serve a single value.

    A cipher takes 2.5 KB. It may be used by many threads at once, and after a fork: it keeps a keyed state that it
    copies for each message and never changes.
    """

    __slots__ = ("_keyed",)

    def __init__(self, keyed: HMAC) -> None:
        self._keyed = keyed

    def __missing__(self, number: int) -> AESGCM:
        # As bytes, and not a buffer that is wiped: where OpenSSL is older than 3.2, AESGCM keeps what it is given.
        found = self[number] = AESGCM(_expand(self._keyed, labels.COLUMN_CIPHER + bytes((number,))))
        return found


class Draws:
    """Random bytes for the messages of one statement, drawn together: each call of the system takes 0.4 us.

    Not to be kept: what is left of it when a process forks would be there twice.

    Args:
        messages: how many; for more than that, each draws its own.
    """

    __slots__ = ("_drawn",)

    def __init__(self, messages: int) -> None:
        drawn = random_bytes(messages * _AFTER_NONCE)
        self._drawn = [drawn[start : start + _AFTER_NONCE] for start in range(0, len(drawn), _AFTER_NONCE)]

    def next(self) -> bytes:
        """What no other message has."""
        try:
            return self._drawn.pop()
        except IndexError:
            return random_bytes(_AFTER_NONCE)

    def end(self) -> None:
        """Throw away what is left: whoever still holds it draws anew each time."""
        self._drawn.clear()


class ColumnKey:
    """One version of a named key, for one column.

    Args:
        private: the version's private part, 32 bytes; read here and not kept.
        key_id: 16 bytes.
        number: of the version.
        table, column: which values it is for.
    """

    __slots__ = ("_ciphers", "_indexed", "_keyed")

    def __init__(self, private: SecretBytes, key_id: bytes, number: int, table: str, column: str) -> None:
        place = key_id + u32(number) + text(table) + text(column)
        key = HiddenBuffer(32)
        try:
            HKDFExpand(SHA512(), len(key), labels.COLUMN + b"\0" + place).derive_into(private.reveal_buffer(), key)
            self._keyed = HMAC(key, _SHA256)
        finally:
            wipe(key)
        self._ciphers = _Ciphers(self._keyed)
        self._indexed: HMAC | None = None

    def encrypt(self, plaintext: Buffer, row: bytes, draws: Draws | None = None) -> bytes:
        """A message of *plaintext* that opens with the same *row* alone.

        Args:
            row: what names the row, and all else that stands beside the message; injective.
            draws: of the statement that the message is for.

        Returns: `OVERHEAD_BYTES` more than *plaintext*.
        """
        drawn = random_bytes(_AFTER_NONCE) if draws is None else draws.next()
        return drawn + self._ciphers[drawn[0]].encrypt(drawn[1:], plaintext, row)

    def decrypt(self, message: bytes, row: bytes) -> bytes:
        """What `encrypt` encrypted.

        Raises: Tampered: another key, column or row, or any changed, missing or added byte.
        """
        return self.decrypt_after(row + message, len(row))

    def decrypt_after(self, data: bytes, end: int) -> bytes:
        """As `decrypt`, where row and message are one: on the path of every value that is read.

        Args:
            end: of the row, and the start of the message.

        Raises: Tampered: as `decrypt`.
        """
        if len(data) - end < OVERHEAD_BYTES:
            raise _tampered()
        start = end + _AFTER_NONCE
        try:
            return self._ciphers[data[end]].decrypt(data[end + 1 : start], data[start:], data[:end])
        except InvalidTag:
            raise _tampered() from None

    def token(self, data: Buffer) -> bytes:
        """16 bytes that are equal for equal *data* in this column: what a blind index holds."""
        if self._indexed is None:
            self._indexed = HMAC(_expand(self._keyed, labels.COLUMN_INDEX), _SHA256)
        state = self._indexed.copy()
        state.update(data)
        return state.finalize()[:TOKEN_BYTES]

    def __repr__(self) -> str:
        return "ColumnKey(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a column's key cannot be pickled or copied")


def _expand(keyed: HMAC, info: bytes) -> bytes:
    """HKDF-Expand (SHA-256) of 32 bytes, with the key that *keyed* has."""
    state = keyed.copy()
    state.update(info + _FIRST_BLOCK)
    return state.finalize()


def _tampered() -> Tampered:
    return Tampered("a value does not decrypt: changed, or of another row, column or key")
