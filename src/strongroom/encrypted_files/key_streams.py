"""A key as a stream, into `streams.encrypt` and out of `streams.decrypt`, in buffers that can be wiped."""

from __future__ import annotations

from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer


class KeySource:
    """A buffer as a stream, without the copy that BytesIO would keep."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._left = memoryview(data)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Hand over the next bytes; 0 at the end."""
        count = min(len(buffer), len(self._left))
        memoryview(buffer)[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


class KeySink:
    """Takes what is decrypted into one buffer of *length* bytes, and no more; the caller wipes it.

    Args:
        length: that a key of this kind has.
        refusal: the message for a longer one.
    """

    def __init__(self, length: int, refusal: str) -> None:
        self.buffer = HiddenBuffer(length)
        self.length = 0
        self._refusal = refusal

    @property
    def is_full(self) -> bool:
        """Whether all of the key has come."""
        return self.length == len(self.buffer)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Take the next bytes.

        Raises: Tampered: they are more than there is room for.
        """
        end = self.length + len(data)
        if end > len(self.buffer):
            raise Tampered(self._refusal)
        self.buffer[self.length : end] = data
        self.length = end
        return len(data)
