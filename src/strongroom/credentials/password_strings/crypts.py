"""``$5$`` and ``$6$`` of glibc's crypt: SHA-256-crypt and SHA-512-crypt."""

from __future__ import annotations

from strongroom.credentials.password_strings.interface import Stored, malformed, number, parts
from strongroom.crypto.foreign import sha_crypt

ROUNDS_MAX = 2_000_000
"""One to two seconds; passlib made strings of 656,000."""
ROUNDS_DEFAULT = 5_000
PASSWORD_BYTES_MAX = 511
"""As in libxcrypt: each round reads the whole password."""

_ALPHABET = frozenset("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def parse(stored: str) -> Stored:
    """Take a string apart that begins with ``$5$`` or ``$6$``.

    Raises: Tampered: malformed, or too costly.
    """
    scheme, function, length = (
        ("sha256-crypt", sha_crypt.sha256_crypt, 43)
        if stored.startswith("$5$")
        else ("sha512-crypt", sha_crypt.sha512_crypt, 86)
    )
    rest = stored[3:]
    rounds = ROUNDS_DEFAULT
    if rest.startswith("rounds="):
        given, _, rest = rest.removeprefix("rounds=").partition("$")
        # The specification raises what is too low instead of refusing it.
        rounds = max(number(scheme, "rounds", given, ROUNDS_MAX), sha_crypt.ROUNDS_MIN)
    salt, digest = parts(scheme, rest, 2)
    if len(salt) > sha_crypt.SALT_BYTES_MAX or not _ALPHABET.issuperset(salt):
        raise malformed(scheme, "its salt is not up to 16 characters of its alphabet")
    if len(digest) != length or not _ALPHABET.issuperset(digest):
        raise malformed(scheme, f"its digest is not {length} characters of its alphabet")

    def compute(password: bytes) -> bytes:
        return function(password, salt.encode(), rounds)

    return Stored(scheme, {"rounds": rounds}, digest.encode(), compute, salt=salt.encode(), longest=PASSWORD_BYTES_MAX)
