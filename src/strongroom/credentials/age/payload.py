"""The payload of an age file: chunks of 64 KiB, of which the last is marked.

Source: C2SP age.md, Payload.
"""

from __future__ import annotations

from strongroom.crypto.age import CHUNK_BYTES, TAG_BYTES, Payload
from strongroom.errors import Tampered

_CHUNKS = 8
_FULL = CHUNK_BYTES + TAG_BYTES


class AgeEncrypter:
    """A `Cipher` that makes a payload."""

    __slots__ = ("_payload", "block_bytes")

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self.block_bytes = CHUNK_BYTES * _CHUNKS

    def room(self) -> int:
        """The most bytes that come out of a block."""
        return _FULL * _CHUNKS

    def turn(self, block: memoryview, out: memoryview, *, is_last: bool) -> int:
        """Encrypt the next block."""
        filled = 0
        # One chunk even of nothing: an empty file has an empty chunk.
        for place in range(0, max(len(block), 1), CHUNK_BYTES):
            chunk = block[place : place + CHUNK_BYTES]
            end = filled + len(chunk) + TAG_BYTES
            is_end = is_last and place + CHUNK_BYTES >= len(block)
            self._payload.seal_into(chunk, out[filled:end], is_last=is_end)
            filled = end
        return filled

    def wipe(self) -> None:
        """Overwrite the key."""
        self._payload.wipe()


class AgeDecrypter:
    """A `Cipher` that reads a payload."""

    __slots__ = ("_done", "_payload", "block_bytes")

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self._done = 0
        self.block_bytes = _FULL * _CHUNKS

    def room(self) -> int:
        """The most bytes that come out of a block."""
        return CHUNK_BYTES * _CHUNKS

    def turn(self, block: memoryview, out: memoryview, *, is_last: bool) -> int:
        """Decrypt and authenticate the next block.

        Raises: Tampered: a chunk was changed or moved, or the last one is missing or empty.
        """
        filled = 0
        for place in range(0, max(len(block), 1), _FULL):
            chunk = block[place : place + _FULL]
            length = len(chunk) - TAG_BYTES
            is_end = is_last and place + _FULL >= len(block)
            if length < 0 or (not length and (self._done or not is_end)):
                raise Tampered("this age file was cut, or its last chunk is empty")
            self._payload.open_into(chunk, out[filled : filled + length], is_last=is_end)
            filled += length
            self._done += length
        return filled

    def wipe(self) -> None:
        """Overwrite the key."""
        self._payload.wipe()
