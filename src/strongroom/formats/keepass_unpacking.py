"""How much a KeePass database may unpack to: a few kilobytes of gzip can become gigabytes.

pykeepass unpacks whatever it finds, in two of its modules, and takes no bound. While a database is read here they
have a `zlib` that counts.
"""

from __future__ import annotations

import zlib
from _thread import allocate_lock
from contextlib import contextmanager

from strongroom.errors import FormatUnsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

UNPACKED_BYTES_MAX = 256 * 1024 * 1024
"""Of all that is packed in one file."""
_turn = allocate_lock()


class TooLarge(FormatUnsupported):
    """It unpacks to more than is read here."""


class Left:
    """How much more of a database may be given out: many entries may have one and the same file attached."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max

    def take(self, data: bytes) -> bytes:
        """*data*, if so much is left.

        Raises: TooLarge: it is not.
        """
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge("the entries of this KeePass database hold more than is read here")
        return data


class _Counting:
    """The module `zlib`, with what `decompress` gives bounded in all."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max

    def decompress(self, data: bytes, wbits: int = zlib.MAX_WBITS) -> bytes:
        """As `zlib.decompress`, up to what is left.

        Raises: TooLarge; zlib.error: it is cut or changed.
        """
        unpacking = zlib.decompressobj(wbits)
        found = unpacking.decompress(data, self._left + 1)
        if len(found) > self._left:
            raise TooLarge("this KeePass database unpacks to more than is read here")
        if not unpacking.eof:
            raise zlib.error("incomplete")
        self._left -= len(found)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(zlib, name)


@contextmanager
def bounded(bytes_max: int) -> Iterator[None]:
    """Have pykeepass unpack no more than *bytes_max* within."""
    from pykeepass import pykeepass
    from pykeepass.kdbx_parsing import common

    with _turn:
        common.zlib = pykeepass.zlib = _Counting(bytes_max)
        try:
            yield
        finally:
            common.zlib = pykeepass.zlib = zlib
