"""Random values in the forms that programs ask for; every bit comes from the operating system.

Each comes as a `SecretStr`, so that a traceback or a log does not show it; ``reveal()`` does.
"""

from __future__ import annotations

from math import log2

from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.secret import SecretStr, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH_BYTES = (16, 1_024)
DIGITS = (4, 64)
WORDS = (4, 64)

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What Django's own startproject takes, and so many of it.
_DJANGO = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"
_DJANGO_LENGTH = 50
_WORDS = 7_776
_URLSAFE = bytes.maketrans(b"+/", b"-_")


def hex(length_bytes: int = 32) -> SecretStr:
    """Random bytes as twice as many hexadecimal digits.

    Args:
        length_bytes: 16..1,024.

    Raises: ValueError: out of bounds.
    """
    from binascii import hexlify

    return _encoded(length_bytes, hexlify)


def urlsafe(length_bytes: int = 32) -> SecretStr:
    """Random bytes in URL-safe base64 without padding (RFC 4648, section 5): 43 characters for 32 bytes.

    Args:
        length_bytes: 16..1,024.

    Raises: ValueError: out of bounds.
    """
    from binascii import b2a_base64

    return _encoded(length_bytes, lambda data: b2a_base64(data, newline=False).translate(_URLSAFE, b"="))


def digits(length: int = 6) -> SecretStr:
    """Decimal digits, for codes that people type; six of them are guessed after half a million tries.

    Args:
        length: 4..64.

    Raises: ValueError: out of bounds.
    """
    _check("digits", length, DIGITS)
    return _characters("0123456789", length)


def django() -> SecretStr:
    """A ``SECRET_KEY`` for Django: 50 characters of its own alphabet."""
    return _characters(_DJANGO, _DJANGO_LENGTH)


def fernet() -> SecretStr:
    """A Fernet key: 32 bytes in URL-safe base64 with padding, 44 characters.

    Source: the Fernet specification.
    """
    from binascii import b2a_base64

    return _encoded(32, lambda data: b2a_base64(data, newline=False).translate(_URLSAFE))


def uuid() -> SecretStr:
    """A random UUID, version 4 (RFC 9562, section 5.4): 122 random bits."""
    data = random_buffer(16)
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    wipe(data)
    return SecretStr(bytearray("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])), "ascii"))


def passphrase(words: int = 6, *, separator: str = "-") -> SecretStr:
    """Words from a list of 7,776, each as likely as any other: 12.9 bits a word, 77.5 for six.

    Args:
        words: 4..64.
        separator: stands between them.

    Raises: ValueError: out of bounds.
    """
    _check("words", words, WORDS)
    from importlib.resources import files

    listed = files("strongroom.credentials.words").joinpath("eff_large.txt").read_text(encoding="ascii").split()
    return SecretStr(bytearray(separator.join(listed[below(_WORDS)] for _ in range(words)), "utf-8"))


def entropy_bits(kind: str, size: int) -> float:
    """How many bits of chance a value of that kind holds.

    Args:
        kind: the name of one of the functions above.
        size: its argument; ignored where it takes none.
    """
    fixed = {"django": _DJANGO_LENGTH * log2(len(_DJANGO)), "fernet": 256.0, "uuid": 122.0}
    if kind in fixed:
        return fixed[kind]
    return size * {"hex": 8.0, "urlsafe": 8.0, "digits": log2(10), "passphrase": log2(_WORDS)}[kind]


def below(bound: int) -> int:
    """A random number of 0 to *bound* - 1, each as likely as any other; *bound* is at most 65,536."""
    # What is above the last whole multiple of the bound would make small numbers likelier.
    usable = 65_536 - 65_536 % bound
    while True:
        number = int.from_bytes(random_bytes(2), "big")
        if number < usable:
            return number % bound


def characters(alphabet: str, length: int) -> bytearray:
    """Random characters of an ASCII *alphabet*, which the caller wipes."""
    return bytearray(ord(alphabet[below(len(alphabet))]) for _ in range(length))


def _characters(alphabet: str, length: int) -> SecretStr:
    return SecretStr(characters(alphabet, length))


def _encoded(length_bytes: int, encode: Callable[[bytearray], bytes]) -> SecretStr:
    _check("bytes", length_bytes, LENGTH_BYTES)
    data = random_buffer(length_bytes)
    text = bytearray(encode(data))
    wipe(data)
    return SecretStr(text)


def _check(what: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"{what} must be within {bounds[0]}..{bounds[1]}, not {value}")
