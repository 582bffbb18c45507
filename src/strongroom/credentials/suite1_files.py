"""Encrypted files of our own: a header with the file key for each who may read, then one suite 1 message.

Source: docs/format.md#encrypted-files.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.crypto.aead import CHUNK_BYTES, COMMITMENT_BYTES, KEY_BYTES, SALT_BYTES, TAG_BYTES
from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.crypto.streams import Decryptor, Encryptor
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.wire import Reader, counted, u8, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.credentials.streaming import Source

MAGIC = b"SRFILE\0"
FORMAT = 1
FILE_ID_BYTES = 16
FILE_KEY_BYTES = KEY_BYTES
STANZAS_MAX = 32
STANZA_BYTES_MAX = 4_096
HEADER_BYTES_MAX = 65_536

NAMED_KEY = 1
RECIPIENT = 2
PASSPHRASE = 3
_KNOWN = (NAMED_KEY, RECIPIENT, PASSPHRASE)

_CHUNKS = 16
_FULL = CHUNK_BYTES + TAG_BYTES


class FileStanza:
    """The file key for one who may read."""

    __slots__ = ("body", "kind")

    def __init__(self, kind: int, body: bytes) -> None:
        self.kind = kind
        self.body = body


class FileHeader:
    """A header, decoded.

    Attributes:
        encoded: the bytes that the payload's commitment covers.
    """

    __slots__ = ("encoded", "file_id", "stanzas")

    def __init__(self, file_id: bytes, stanzas: Sequence[FileStanza], encoded: bytes) -> None:
        self.file_id = file_id
        self.stanzas = tuple(stanzas)
        self.encoded = encoded

    def payload_context(self) -> bytes:
        """What the payload is bound to."""
        return labels.context(self.file_id, labels.FILE_PAYLOAD, 0, self.encoded)


def new_file_id() -> bytes:
    """16 random bytes."""
    return random_bytes(FILE_ID_BYTES)


def new_file_key() -> bytearray:
    """32 random bytes, which the caller wipes."""
    return random_buffer(FILE_KEY_BYTES)


def key_context(file_id: bytes, kind: int, bound: bytes) -> bytes:
    """What a stanza's file key is bound to."""
    return labels.context(file_id, labels.FILE_KEY, 0, u8(kind), bound)


def make_header(file_id: bytes, stanzas: Sequence[FileStanza]) -> FileHeader:
    """Encode a header.

    Raises: ValueError: too many stanzas, none, or others beside a passphrase's.
    """
    if not 1 <= len(stanzas) <= STANZAS_MAX:
        raise ValueError(f"a file has 1 to {STANZAS_MAX} recipients")
    if len(stanzas) > 1 and any(stanza.kind == PASSPHRASE for stanza in stanzas):
        raise ValueError("a passphrase stands alone: nobody else can be a recipient of the same file")
    encoded = u8(labels.SUITE) + file_id + u32(len(stanzas))
    encoded += b"".join(u8(stanza.kind) + counted(stanza.body) for stanza in stanzas)
    return FileHeader(file_id, stanzas, encoded)


def beginning(header: FileHeader) -> bytes:
    """What a file begins with, before its payload."""
    return MAGIC + u8(FORMAT) + counted(header.encoded)


def read_header(source: Source) -> FileHeader:
    """Read a file's beginning.

    Raises:
        Tampered: malformed or cut.
        FormatUnsupported: a newer format or suite, or no stanza of a known kind.
    """
    fixed = source.take(len(MAGIC) + 5)
    if len(fixed) < len(MAGIC) + 5 or not fixed.startswith(MAGIC):
        raise Tampered("the header of this file was changed or cut")
    if fixed[len(MAGIC)] != FORMAT:
        raise _newer()
    length = int.from_bytes(fixed[-4:], "big")
    if length > HEADER_BYTES_MAX:
        raise Tampered("the header of this file was changed or cut")
    encoded = source.take(length)
    if len(encoded) != length:
        raise Tampered("the header of this file was changed or cut")
    return _decode(encoded)


def _decode(encoded: bytes) -> FileHeader:
    reader = Reader(encoded, "file header")
    if reader.u8() != labels.SUITE:
        raise _newer()
    file_id = reader.take(FILE_ID_BYTES)
    stanzas = [FileStanza(reader.u8(), reader.counted(STANZA_BYTES_MAX)) for _ in range(reader.count(STANZAS_MAX))]
    reader.finish()
    if not any(stanza.kind in _KNOWN for stanza in stanzas):
        raise _newer() if stanzas else reader.malformed("nobody may read it")
    if len(stanzas) > 1 and any(stanza.kind == PASSPHRASE for stanza in stanzas):
        # Somebody else could have encrypted it, and the passphrase's holder would take it for his own.
        raise reader.malformed("a passphrase does not stand alone")
    return FileHeader(file_id, stanzas, encoded)


def _newer() -> FormatUnsupported:
    return FormatUnsupported("this file was written by a newer strongroom", advice="upgrade strongroom")


class FileEncrypter:
    """A `Cipher` that makes the payload.

    Args:
        key: the file key.
    """

    __slots__ = ("_state", "block_bytes")

    def __init__(self, key: bytearray, header: FileHeader) -> None:
        self._state = Encryptor(key, header.payload_context())
        self.block_bytes = CHUNK_BYTES * _CHUNKS

    def room(self) -> int:
        """The most bytes that come out of a block."""
        return SALT_BYTES + COMMITMENT_BYTES + _FULL * (_CHUNKS + 1)

    def turn(self, block: memoryview, out: memoryview, *, is_last: bool) -> int:
        """Encrypt the next block."""
        filled = self._state.update_into(block, out)
        return _finished(self._state, out, filled) if is_last else filled

    def wipe(self) -> None:
        """The library holds the key of this message and frees it with its state."""
        del self._state


class FileDecrypter:
    """A `Cipher` that reads the payload; see `FileEncrypter`."""

    __slots__ = ("_state", "block_bytes")

    def __init__(self, key: bytearray, header: FileHeader) -> None:
        self._state = Decryptor(key, header.payload_context())
        self.block_bytes = _FULL * _CHUNKS

    def room(self) -> int:
        """The most bytes that come out of a block, and of what was held back before."""
        return _FULL * (_CHUNKS + 1)

    def turn(self, block: memoryview, out: memoryview, *, is_last: bool) -> int:
        """Decrypt and authenticate the next block.

        Raises: Tampered: it was changed, moved or cut, or the header was changed.
        """
        filled = self._state.update_into(block, out)
        return _finished(self._state, out, filled) if is_last else filled

    def wipe(self) -> None:
        """As `FileEncrypter.wipe`."""
        del self._state


def _finished(state: Encryptor | Decryptor, out: memoryview, filled: int) -> int:
    rest = state.finalize()
    out[filled : filled + len(rest)] = rest
    return filled + len(rest)
