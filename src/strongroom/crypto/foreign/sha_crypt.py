"""SHA-crypt: ``$5$`` and ``$6$`` of glibc, after its public specification.

Python 3.13 has no module ``crypt`` any more. Each round is one digest, so a stored
string of the usual 5,000 takes some milliseconds here.
Source: U. Drepper, "Unix crypt using SHA-256 and SHA-512" (SHA-crypt.txt), steps 1 to 22.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = (1_000, 999_999_999)
"""What the specification allows; a reader has a lower ceiling."""
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
    digest = _stretch(hashlib.sha256, password, salt, rounds)
    # Step 22: each group of three bytes is turned by one place to the right against the one before.
    groups = [_turned((n, n + 10, n + 20), -n) for n in range(10)]
    return b"".join(_encoded(bytes(digest[i] for i in group)) for group in groups) + _encoded(digest[:29:-1])


def sha512_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    """The 86 characters after the salt of a ``$6$`` string; see `sha256_crypt`."""
    digest = _stretch(hashlib.sha512, password, salt, rounds)
    groups = [_turned((n, n + 21, n + 42), n) for n in range(21)]
    return b"".join(_encoded(bytes(digest[i] for i in group)) for group in groups) + _encoded(digest[63:])


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


def _turned(group: tuple[int, int, int], by: int) -> tuple[int, ...]:
    by %= 3
    return group[by:] + group[:by]


def _encoded(group: bytes) -> bytes:
    """Up to three bytes, the first one highest, as characters of six bits, the lowest first."""
    number = int.from_bytes(group, "big")
    return bytes(_ALPHABET[number >> 6 * place & 63] for place in range(len(group) + 1))
