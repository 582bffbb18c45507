"""The injective encoding of every record: fixed-width numbers and counted bytes.

Pure: bytes in, values out. A reader never reads past its end, never allocates by
a length it has not compared with what is there, and must be asked `finish()`, so
that trailing bytes are an error. Byte order is big-endian. Source: docs/format.md#encoding.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError

from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer

_U32 = Struct(">I")
_U64 = Struct(">Q")

u8 = Struct(">B").pack
u32 = _U32.pack
u64 = _U64.pack


def counted(data: bytes | bytearray | memoryview) -> bytes:
    """u32 length, then the bytes."""
    return _U32.pack(len(data)) + data


def text(value: str) -> bytes:
    """u32 length, then UTF-8."""
    data = value.encode("utf-8")
    return _U32.pack(len(data)) + data


class Reader:
    """Reads one record from start to end.

    Args:
        data: the whole record.
        what: its name for error messages, such as ``"slot record"``.

    Raises: Tampered: from every method, when the record is cut, overlong or malformed.
    """

    __slots__ = ("_data", "_end", "_position", "_what")

    def __init__(self, data: bytes | bytearray | memoryview, what: str) -> None:
        self._data = data
        self._position = 0
        self._end = len(data)
        self._what = what

    def malformed(self, why: str) -> Tampered:
        """The error to raise when a decoded value makes no sense."""
        return Tampered(f"malformed {self._what}: {why}")

    def take(self, length: int) -> bytes:
        """Exactly *length* bytes."""
        start = self._position
        end = start + length
        if end > self._end:
            raise self.malformed("it ends too early")
        self._position = end
        return bytes(self._data[start:end])

    def take_buffer(self, length: int) -> bytearray:
        """Exactly *length* bytes in a new bytearray, for secrets that are wiped later."""
        start = self._position
        end = start + length
        if end > self._end:
            raise self.malformed("it ends too early")
        self._position = end
        return HiddenBuffer(memoryview(self._data)[start:end])

    def u8(self) -> int:
        """One byte as a number."""
        position = self._position
        if position >= self._end:
            raise self.malformed("it ends too early")
        self._position = position + 1
        return self._data[position]

    def u32(self) -> int:
        """Four bytes as a number."""
        try:
            value: int = _U32.unpack_from(self._data, self._position)[0]
        except StructError:
            raise self.malformed("it ends too early") from None
        self._position += 4
        return value

    def u64(self) -> int:
        """Eight bytes as a number."""
        try:
            value: int = _U64.unpack_from(self._data, self._position)[0]
        except StructError:
            raise self.malformed("it ends too early") from None
        self._position += 8
        return value

    def counted(self, limit: int) -> bytes:
        """u32 length, then that many bytes; more than *limit* is malformed."""
        start, end = self._counted(limit)
        return bytes(self._data[start:end])

    def counted_buffer(self, limit: int) -> bytearray:
        """As `counted`, into a new bytearray."""
        start, end = self._counted(limit)
        return HiddenBuffer(memoryview(self._data)[start:end])

    def text(self, limit: int) -> str:
        """u32 length, then UTF-8 of at most *limit* bytes."""
        start, end = self._counted(limit)
        try:
            return str(self._data[start:end], "utf-8")
        except UnicodeDecodeError:
            # `from None`: the cause's arguments hold the bytes.
            raise self.malformed("text is not UTF-8") from None

    def count(self, limit: int) -> int:
        """A u32 that counts entries; more than *limit* is malformed."""
        number = self.u32()
        if number > limit:
            raise self.malformed("too many entries")
        return number

    def finish(self) -> None:
        """Say that the record ends here."""
        if self._position != self._end:
            raise self.malformed("bytes are left over")

    def _counted(self, limit: int) -> tuple[int, int]:
        """Where the bytes behind a u32 length begin and end; the next position is behind them."""
        position = self._position
        try:
            length: int = _U32.unpack_from(self._data, position)[0]
        except StructError:
            raise self.malformed("it ends too early") from None
        if length > limit:
            raise self.malformed("a field is too long")
        start = position + 4
        self._position = end = start + length
        if end > self._end:
            raise self.malformed("it ends too early")
        return start, end
