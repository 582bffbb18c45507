"""The newest commit counter of one vault, written down before each commit is acknowledged.

The anchor itself is brought to the disk once a second; this is one small write into a file
that stays open to all programs, without waiting for the disk. It outlives a program that is
killed. A power cut may take it back or garble it: then it says nothing, and the anchor counts.
"""

from __future__ import annotations

import os

from strongroom.crypto.digest import sha256
from strongroom.errors import NotFound
from strongroom.locate.state_directory import Mutex
from strongroom.stores import files

_FIRST_WORD = b"strongroom-counter-v1"
_LENGTH = 21 + 1 + 32 + 1 + 20 + 1 + 8
_LENGTH_READ = 4096
_TRIES = 3


class CounterFile:
    """One vault's counter. Source: docs/format.md#anchor.

    Args:
        path: beside the vault's anchor.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._written = b"", b"", 0

    def read(self, lineage: bytes) -> int:
        """The counter; 0 when there is none of this lineage.

        Raises: UnsafePermissions, StoreUnavailable: about the file.
        """
        for _ in range(_TRIES):
            try:
                data = bytes(files.read_private(self.path, _LENGTH_READ, "anchor"))
            except NotFound:
                return 0
            counter = _decode(data, lineage)
            if counter or not data:
                break
            # Another program may be writing it at this moment.
        return counter

    def raise_to(self, lineage: bytes, counter: int) -> None:
        """Write *counter*, unless there is a greater one of this lineage.

        Raises: OSError, StoreUnavailable: it was not written.
        """
        with Mutex(self.path) as descriptor:
            there = os.read(descriptor, _LENGTH_READ)
            # What this program has written last need not be taken apart again.
            data, written_lineage, written = self._written
            is_known = there == data and lineage == written_lineage
            if (written if is_known else _decode(there, lineage)) >= counter:
                return
            data = _encode(lineage, counter)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, data)
            self._written = data, lineage, counter
            if len(there) > _LENGTH:
                os.ftruncate(descriptor, _LENGTH)


def _encode(lineage: bytes, counter: int) -> bytes:
    body = b"%s %s %020d " % (_FIRST_WORD, lineage.hex().encode("ascii"), counter)
    return body + sha256(body).hex()[:8].encode("ascii")


def _decode(data: bytes, lineage: bytes) -> int:
    digits = data[-29:-9]
    if not digits.isdigit() or data != _encode(lineage, int(digits)):
        return 0
    return int(digits)
