"""scrypt strings of passlib, glibc's ``$7$``, Django and Werkzeug."""

from __future__ import annotations

from strongroom.credentials.password_strings.interface import (
    Stored,
    digest_of,
    hexadecimal,
    malformed,
    number,
    numbers,
    padded_base64,
    parts,
    plain_base64,
)
from strongroom.crypto.foreign import password_hashes

N_MAX = 1 << 22
R_MAX = 64
P_MAX = 64
MEMORY_KIB_MAX = 1_048_576
# N x r x p: of the usual N = 2^15, r = 8, p = 1 sixty-four times as much, some seconds.
WORK_MAX = 1 << 24

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def passlib(stored: str) -> Stored:
    """Take a string apart that begins with ``$scrypt$``.

    Raises: Tampered: malformed, or too costly.
    """
    costs, salt, digest = parts("scrypt", stored, 5)[2:]
    exponent, r, p = numbers("scrypt", costs, ("ln", "r", "p"))
    n = 1 << number("scrypt", "ln", exponent, 63)
    return _stored(n, r, p, plain_base64("scrypt", salt), plain_base64("scrypt", digest))


def crypt(stored: str) -> Stored:
    """Take a string apart that begins with ``$7$``: N, r and p in its first 11 characters, the salt as it stands."""
    _, _, head, digest = parts("scrypt", stored, 4)
    if len(head) < 11 or len(digest) != 43:
        raise malformed("scrypt", "it is cut")
    n = 1 << _six_bits(head[:1])
    return _stored(n, f"{_six_bits(head[1:6])}", f"{_six_bits(head[6:11])}", head[11:].encode(), _bytes_of(digest))


def django(stored: str) -> Stored:
    """Take a string apart that begins with ``scrypt$``: N, salt, r, p, digest."""
    _, n, salt, r, p, digest = parts("scrypt", stored, 6)
    return _stored(number("scrypt", "N", n, N_MAX), r, p, salt.encode(), padded_base64("scrypt", digest))


def werkzeug(stored: str) -> Stored:
    """Take a string apart that begins with ``scrypt:``."""
    method, salt, digest = parts("scrypt", stored, 3)
    found = method.split(":")
    if len(found) != 4:
        raise malformed("scrypt", "it has another number of parts")
    n = number("scrypt", "N", found[1], N_MAX)
    return _stored(n, found[2], found[3], salt.encode(), hexadecimal("scrypt", digest))


def _stored(n: int, r_text: str, p_text: str, salt: bytes, expected: bytes) -> Stored:
    r = number("scrypt", "r", r_text, R_MAX)
    p = number("scrypt", "p", p_text, P_MAX)
    if not 2 <= n <= N_MAX or n & (n - 1):
        raise malformed("scrypt", f"N must be a power of two up to {N_MAX}")
    memory_kib = (128 * n * r + 1_023) // 1_024
    if memory_kib > MEMORY_KIB_MAX or n * r * p > WORK_MAX:
        raise malformed("scrypt", f"N, r and p of {n}, {r} and {p} are too many")
    digest_of("scrypt", expected)

    def compute(password: bytes) -> bytes:
        return password_hashes.scrypt(password, salt, n=n, r=r, p=p, length=len(expected))

    return Stored("scrypt", {"n": n, "r": r, "p": p}, expected, compute, memory_kib=memory_kib, salt=salt)


def _six_bits(text: str) -> int:
    """Characters of six bits, the lowest first."""
    if not set(text) <= set(_ALPHABET):
        raise malformed("scrypt", "it holds a character that is none of its alphabet")
    return sum(_ALPHABET.index(character) << 6 * place for place, character in enumerate(text))


def _bytes_of(text: str) -> bytes:
    data = b"".join(
        _six_bits(text[start : start + 4]).to_bytes(3, "little") for start in range(0, len(text), 4)
    )
    if data[32:] != b"\0":
        raise malformed("scrypt", "its digest has more than 32 bytes")
    return data[:32]
