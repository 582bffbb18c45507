"""Armor: a file as text that survives mail and chat, strictly read, in constant memory.

Base64 in 64 columns between two marks, as RFC 7468 has it and as strict as age: one way to write
each file, but for the ends of lines and white space around it.
Source: C2SP age.md, ASCII armor; docs/format.md#encrypted-files.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.credentials.streaming import Source, write_all
from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.streaming import Writable

AGE = b"AGE"
STRONGROOM = b"STRONGROOM"
_COLUMNS = 64
_LINE_BYTES = 48
_LINES = 1_024
_WHITE_BYTES_MAX = 1_024
_BLANKS = b" \t\r\n"


def _begin(label: bytes) -> bytes:
    return b"-----BEGIN " + label + b" ENCRYPTED FILE-----"


def _end(label: bytes) -> bytes:
    return b"-----END " + label + b" ENCRYPTED FILE-----"


def detect(source: Source) -> bytes | None:
    """The label of the armor that *source* begins with, or None."""
    beginning = source.peek(_WHITE_BYTES_MAX + _COLUMNS).lstrip(_BLANKS)
    return next((label for label in (AGE, STRONGROOM) if beginning.startswith(_begin(label))), None)


class ArmorReader:
    """The bytes inside armor.

    Args:
        source: stands before it; see `detect`.
        label: whose armor it is.

    Raises: Tampered: from `readinto`, when a line is not as it would have been written.
    """

    __slots__ = ("_decoded", "_end", "_is_done", "_source")

    def __init__(self, source: Source, label: bytes) -> None:
        white = source.peek(_WHITE_BYTES_MAX)
        source.take(len(white) - len(white.lstrip(_BLANKS)))
        if _unended(source.take_line(_COLUMNS * 2)) != _begin(label):
            raise _malformed()
        self._source = source
        self._end = _end(label)
        self._decoded = b""
        self._is_done = False

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 after the last line, when nothing but white space follows."""
        while not self._decoded and not self._is_done:
            self._decoded = self._next_lines()
        view = memoryview(buffer)
        got = min(len(view), len(self._decoded))
        view[:got] = self._decoded[:got]
        self._decoded = self._decoded[got:]
        return got

    def _next_lines(self) -> bytes:
        """Many full lines at once where they all end alike, else one."""
        ending = b"\r\n" if self._source.peek(_COLUMNS + 1).endswith(b"\r") else b"\n"
        width = _COLUMNS + len(ending)
        if self._source.peek(2 * width)[_COLUMNS::width] != ending[:1] * 2:
            # The last line, or ends of lines that differ: not worth a look at a thousand.
            return self._next_line()
        block = self._source.peek(width * _LINES)
        lines = len(block) // width
        block = block[: lines * width]
        joined = block.translate(None, ending)
        # An ending after every 64 characters, and nowhere else.
        is_even = lines and len(joined) == lines * _COLUMNS and block[_COLUMNS::width] == ending[:1] * lines
        if is_even and block[width - 1 :: width] == b"\n" * lines and b"-" not in joined and b"=" not in joined:
            self._source.take(len(block))
            return _decoded(joined)
        return self._next_line()

    def _next_line(self) -> bytes:
        line = _unended(self._source.take_line(_COLUMNS + 64))
        if line == self._end:
            self._finish()
            return b""
        data = _decoded(line)
        if not line or len(line) > _COLUMNS:
            raise _malformed()
        if len(data) < _LINE_BYTES:
            if _unended(self._source.take_line(_COLUMNS + 64)) != self._end:
                raise _malformed()
            self._finish()
        return data

    def _finish(self) -> None:
        rest = self._source.take(_WHITE_BYTES_MAX)
        if rest.strip(_BLANKS) or self._source.peek(1):
            raise Tampered("something follows the end of the armor")
        self._is_done = True


class ArmorWriter:
    """Writes armor around what it is given; `finish` ends it.

    Args:
        target: receives text.
        label: whose armor.
    """

    __slots__ = ("_held", "_label", "_target")

    def __init__(self, target: Writable, label: bytes) -> None:
        self._target = target
        self._label = label
        self._held = b""
        write_all(target, _begin(label) + b"\n")

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Take the next bytes, all of them."""
        held = self._held + bytes(data)
        full = len(held) // _LINE_BYTES * _LINE_BYTES
        self._write_lines(held[:full])
        self._held = held[full:]
        return len(data)

    def finish(self) -> None:
        """Write what is held back, and the mark at the end."""
        self._write_lines(self._held)
        self._held = b""
        write_all(self._target, _end(self._label) + b"\n")

    def _write_lines(self, data: bytes) -> None:
        if not data:
            return
        text = b2a_base64(data, newline=False)
        lines = [text[place : place + _COLUMNS] for place in range(0, len(text), _COLUMNS)]
        write_all(self._target, b"\n".join(lines) + b"\n")


def _unended(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _decoded(line: bytes) -> bytes:
    try:
        data = a2b_base64(line, strict_mode=True)
    except NotBase64:
        raise _malformed() from None
    if line.endswith(b"=") and b2a_base64(data, newline=False) != line:
        # Bits that stand for nothing, which only padding can hide: one file could be written in two ways.
        raise _malformed()
    return data


def _malformed() -> Tampered:
    return Tampered("the armor of this file was changed or cut")
