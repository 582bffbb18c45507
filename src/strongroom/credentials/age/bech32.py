"""Bech32 (BIP 173) without its limit of 90 characters, as age writes keys. Pure.

Private keys pass through here: a decoded one is in a buffer of its own, which the caller wipes.
"""

from __future__ import annotations

from strongroom.secret import HiddenBuffer

_LETTERS = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK = 6


def encode(prefix: str, data: bytes | bytearray) -> str:
    """*data* after *prefix*, in lower case."""
    values = _regroup(data, 8, 5)
    check = _polymod([*_expanded(prefix), *values, *bytes(_CHECK)]) ^ 1
    values += bytes((check >> 5 * (5 - place)) & 31 for place in range(_CHECK))
    return f"{prefix}1{bytes(_LETTERS[value] for value in values).decode('ascii')}"


def decode(word: bytes | bytearray, prefix: str) -> bytearray:
    """The bytes of a word that begins with *prefix*, in the case that *prefix* has.

    Raises: ValueError: another prefix, a mistyped letter, or bits left over.
    """
    start = prefix.encode("ascii") + b"1"
    is_upper = prefix.isupper()
    if not word.startswith(start) or len(word) < len(start) + _CHECK:
        raise ValueError("a key of another kind")
    lower = HiddenBuffer(word[len(start) :])
    if lower != (lower.upper() if is_upper else lower.lower()):
        raise ValueError("a key is written in one case")
    try:
        values = HiddenBuffer(_VALUES[letter] for letter in lower.lower())
    except KeyError:
        # `from None`: the cause holds a letter of the key.
        raise ValueError("a letter that no key has") from None
    if _polymod([*_expanded(prefix.lower()), *values]) != 1:
        raise ValueError("a mistyped key")
    data = _regroup(values[:-_CHECK], 5, 8)
    if encode(prefix.lower(), data) != (start.lower() + lower.lower()).decode("ascii"):
        raise ValueError("a key with bits left over")
    return data


def _expanded(prefix: str) -> list[int]:
    return [ord(one) >> 5 for one in prefix] + [0] + [ord(one) & 31 for one in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= term
    return check


def _regroup(data: bytes | bytearray, width: int, wanted: int) -> bytearray:
    """Numbers of *width* bits as numbers of *wanted* bits, filled up with zeros when they get narrower."""
    held, bits = 0, 0
    out = HiddenBuffer()
    for value in data:
        held = (held << width | value) & 0xFFF
        bits += width
        while bits >= wanted:
            bits -= wanted
            out.append(held >> bits & ((1 << wanted) - 1))
    if bits and wanted < width:
        out.append(held << (wanted - bits) & ((1 << wanted) - 1))
    return out
