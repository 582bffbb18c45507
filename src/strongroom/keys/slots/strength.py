"""How many guesses a passphrase can take at most: only so much that a hopeless one is remarked upon.

An upper bound, and no promise that a passphrase above the mark is good: words, names and dates look
better here than they are. Pure.
"""

from __future__ import annotations

WEAK_BITS = 45
"""Below this a thousand graphics cards, of about 2,000 guesses a second each, try everything within a year."""

_SIZES = {"lower": 26, "upper": 26, "digit": 10, "sign": 33, "other": 128}


def bits_at_most(passphrase: bytearray) -> int:
    """The binary logarithm of the number of guesses that find *passphrase* for certain, rounded down.

    Args:
        passphrase: UTF-8; neither copied nor changed.
    """
    from math import log2

    kinds = set()
    length, before, step = 0, -1, 0
    for byte in passphrase:
        kinds.add(_kind_of(byte))
        # A run such as "aaaa", "1234" or "dcba" is as good as its beginning.
        if before < 0 or byte - before != step or abs(step) > 1:
            length += 1
        step = byte - before if before >= 0 else 0
        before = byte
    return int(length * log2(sum(_SIZES[kind] for kind in kinds))) if kinds else 0


def _kind_of(byte: int) -> str:
    if byte >= 0x80:
        return "other"
    if 0x61 <= byte <= 0x7A:
        return "lower"
    if 0x41 <= byte <= 0x5A:
        return "upper"
    return "digit" if 0x30 <= byte <= 0x39 else "sign"
