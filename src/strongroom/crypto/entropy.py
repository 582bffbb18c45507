"""The one source of randomness: the operating system's."""

from __future__ import annotations

from os import urandom

from strongroom.secret import HiddenBuffer


def random_bytes(length: int) -> bytes:
    """*length* random bytes that need not be wiped: ids, salts."""
    return urandom(length)


def random_buffer(length: int) -> bytearray:
    """*length* random bytes for a key, in memory that the caller wipes.

    The operating system hands them over in an immutable object, which is given back
    to the allocator at once and overwritten there when `scrub` can reach it.
    """
    data = urandom(length)
    buffer = HiddenBuffer(data)
    del data
    scrub(length)
    return buffer


def scrub(length: int) -> None:
    """Overwrite the ``bytes`` object of *length* bytes that was given back last, if it is still free.

    For results that a library returns only as immutable ``bytes``. CPython's allocator
    fills the places of one size that were given back lately before it touches others; a
    pool of it has less than 256 of them. This holds in practice (tests look for
    leftovers), not by any promise. Takes 10 µs.
    """
    [bytes(length) for _ in range(256)]
