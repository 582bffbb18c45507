"""Moving a stream through a cipher in constant memory: reading ahead, block after block, writing all of it.

Knows no format and no key. A block is turned only when it is known whether it is the last one.
"""

from __future__ import annotations

from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Readable(Protocol):
        """A binary file, opened for reading; only this is asked of it."""

        def readinto(self, buffer: bytearray | memoryview, /) -> int | None:
            """Fill the beginning of *buffer*; how many bytes, 0 at the end."""

    class Writable(Protocol):
        """A binary file, opened for writing; only this is asked of it."""

        def write(self, data: bytes | bytearray | memoryview, /) -> int | None:
            """Write *data* or the beginning of it; how many bytes."""

    class Cipher(Protocol):
        """One direction of one format."""

        @property
        def block_bytes(self) -> int:
            """How many bytes it takes at a time; the last block may be shorter, or empty."""

        def room(self) -> int:
            """The most bytes that come out of a block."""

        def turn(self, block: memoryview, out: memoryview, *, is_last: bool) -> int:
            """Turn the next block; how many bytes of *out* were filled.

            Raises: Tampered: while decrypting, when it was changed; nothing of it is released.
            """

        def wipe(self) -> None:
            """Overwrite its key."""

    Progress = Callable[[int], None]

_AHEAD_BYTES = 65_536


class Source:
    """A stream that can be looked at before it is read.

    Args:
        readable: is read from where it stands.
    """

    __slots__ = ("_ahead", "_place", "_readable", "taken")

    def __init__(self, readable: Readable) -> None:
        self._readable = readable
        self._ahead = b""
        self._place = 0
        self.taken = 0

    def peek(self, length: int) -> bytes:
        """The next *length* bytes, fewer at the end; they will be read again."""
        while len(self._ahead) - self._place < length:
            buffer = bytearray(max(_AHEAD_BYTES, length))
            got = read_some(self._readable, buffer)
            if not got:
                break
            self._ahead = self._ahead[self._place :] + bytes(memoryview(buffer)[:got])
            self._place = 0
        return self._ahead[self._place : self._place + length]

    def take(self, length: int) -> bytes:
        """The next *length* bytes, fewer at the end."""
        data = self.peek(length)
        self._place += len(data)
        self.taken += len(data)
        return data

    def take_line(self, limit: int) -> bytes:
        """The next line with its newline; without one at the end, or after *limit* bytes."""
        look = 256
        while True:
            data = self.peek(min(look, limit))
            end = data.find(b"\n")
            if end >= 0 or len(data) < look or look >= limit:
                return self.take(end + 1 if end >= 0 else len(data))
            look *= 8

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Fill *buffer*, but for the end of the stream; how many bytes."""
        view = memoryview(buffer)
        ready = self._ahead[self._place : self._place + len(view)]
        view[: len(ready)] = ready
        done = len(ready)
        self._place += done
        while done < len(view):
            got = read_some(self._readable, view[done:])
            if not got:
                break
            done += got
        self.taken += done
        return done


def read_some(source: Readable, buffer: bytearray | memoryview) -> int:
    """Fill the beginning of *buffer*; 0 at the end of *source*, and there alone.

    Raises: BlockingIOError: the source has nothing at this moment, and does not wait. It is not its end.
    """
    got = source.readinto(buffer)
    if got is None:
        raise BlockingIOError("the input does not block")
    return got


def write_all(target: Writable, data: bytes | bytearray | memoryview) -> None:
    """Write every byte, however few are taken at a time."""
    view = memoryview(data)
    while len(view):
        written = target.write(view)
        if written is None:
            raise BlockingIOError("the output does not block")
        view = view[written:]


def pump(source: Source, target: Writable, cipher: Cipher, progress: Progress | None = None) -> None:
    """Turn the rest of *source* into *target*.

    Args:
        progress: is called with the number of bytes read, after each block that was written.

    Raises: Tampered: as `Cipher.turn`; what was written before is not known to be all of it.
    """
    buffers = [bytearray(cipher.block_bytes) for _ in range(2)]
    out = bytearray(cipher.room())
    now, ahead = memoryview(buffers[0]), memoryview(buffers[1])
    ready = memoryview(out)
    try:
        got = source.readinto(now)
        is_last = False
        while not is_last:
            more = source.readinto(ahead) if got == len(now) else 0
            is_last = more == 0
            write_all(target, ready[: cipher.turn(now[:got], ready, is_last=is_last)])
            if progress is not None:
                progress(source.taken)
            now, ahead, got = ahead, now, more
    finally:
        for buffer in (*buffers, out):
            wipe(buffer)
        cipher.wipe()
