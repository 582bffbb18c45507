"""SHA-crypt: ``$5$`` and ``$6$`` of glibc, after its public specification.

Python 3.13 has no module ``crypt`` any more. The usual 5,000 rounds take some milliseconds here.
Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512" (SHA-crypt.txt), steps 1 to 22.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS_MIN = 1_000
SALT_BYTES_MAX = 16

_ALPHABET = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# The rules of step 21 about odd rounds, multiples of 3 and of 7 repeat after this many.
_PERIOD = 42


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    """The 43 characters after the salt of a ``$5$`` string.

    Args:
        password: any length, without NUL.
        salt: at most 16 bytes.
        rounds: 1,000 or more.
    """
    return _characters(_stretch(hashlib.sha256, password, salt, rounds), 10, -1)


def sha512_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    """The 86 characters after the salt of a ``$6$`` string; see `sha256_crypt`."""
    return _characters(_stretch(hashlib.sha512, password, salt, rounds), 21, 1)


def _stretch(function: Callable[[bytes], hashlib._Hash], password: bytes, salt: bytes, rounds: int) -> bytes:
    length = len(password)
    inner = function(password + salt + password).digest()
    outer = function(password + salt)
    outer.update(_repeated(inner, length))
    bits = length
    while bits:
        outer.update(inner if bits & 1 else password)
        bits >>= 1
    digest = outer.digest()
    state = function(b"")
    for _ in range(length):
        state.update(password)
    p = _repeated(state.digest(), length)
    s = _repeated(function(salt * (16 + digest[0])).digest(), len(salt))
    pairs = list(_rounds(p, s))
    whole, rest = divmod(rounds, _PERIOD)
    for _ in range(whole):
        for after, before in pairs:
            digest = function(before + function(digest + after).digest()).digest()
    for number in range(rest):
        after, before = pairs[number // 2]
        digest = function(before + digest if number % 2 else digest + after).digest()
    return digest


def _rounds(p: bytes, s: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What stands after the digest in an even round, and before it in the odd one that follows (step 21)."""
    for number in range(0, _PERIOD, 2):
        after, before = ((s if n % 3 else b"") + (p if n % 7 else b"") for n in (number, number + 1))
        yield after + p, p + before


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _characters(digest: bytes, third: int, turn: int) -> bytes:
    """Step 22: one byte of each third, each group turned against the one before; what is left over comes last."""
    text = b""
    for n in range(third):
        places, by = (n, n + third, n + 2 * third), turn * n % 3
        text += _encoded(bytes(digest[place] for place in places[by:] + places[:by]))
    return text + _encoded(digest[: 3 * third - 1 : -1])


def _encoded(group: bytes) -> bytes:
    """Up to three bytes, the first one highest, as characters of six bits, the lowest first."""
    number = int.from_bytes(group, "big")
    return bytes(_ALPHABET[number >> 6 * place & 63] for place in range(len(group) + 1))
