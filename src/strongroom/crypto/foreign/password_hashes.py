"""The functions behind stored passwords, for any cost: who calls them has compared it with bounds.

Argon2 of RFC 9106, PBKDF2 of RFC 8018, scrypt of RFC 7914, bcrypt (the extra ``bcrypt``),
and the plain digests of old frameworks. Results lie beside their users' names: ordinary bytes.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

from strongroom.crypto.foreign.forks import beside

# The one queue for the library's pool of threads, also of the key slots.
from strongroom.crypto.kdf import _turn
from strongroom.errors import FormatUnsupported

_ARGON2 = ("argon2id", "argon2i", "argon2d")
# SHA-1 within HMAC has no known weakness; strings that were made with it are verified and replaced.
_PBKDF2_HASHES: dict[str, HashAlgorithm] = {"sha1": SHA1(), "sha256": SHA256(), "sha512": SHA512()}  # noqa: S303  # nosec B303


def argon2(
    variant: str, password: bytes, salt: bytes,
    *, memory_kib: int, iterations: int, lanes: int, length: int = 32, secret: bytes | None = None,
) -> bytes:  # fmt: skip
    """Argon2, version 1.3.

    Args:
        variant: ``"argon2id"``, ``"argon2i"`` or ``"argon2d"``.
        salt: 8 bytes or more.
        memory_kib: at least 8 for each lane.
        length: of the result in bytes, 4 or more.
        secret: the key K of RFC 9106, section 3.1, 32 bytes; None for none.
    """
    # Without the pool of threads, for one lane, several may run at once.
    with beside if lanes == 1 else _turn:
        # Not while the process forks: nobody in the child would let go of the lock of an import.
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id

        kind: type[Argon2id | Argon2i | Argon2d] = (Argon2id, Argon2i, Argon2d)[_ARGON2.index(variant)]
        return kind(
            salt=salt, length=length, iterations=iterations, lanes=lanes, memory_cost=memory_kib, secret=secret
        ).derive(password)


def argon2_first_version(
    variant: str, password: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int, length: int
) -> bytes:
    """Argon2, version 1.0 (before RFC 9106), for strings that say no version; see `argon2`.

    Raises: FormatUnsupported: the extra ``argon2`` is not installed.
    """
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise _missing_extra("argon2", f"an {variant} string of version 1.0") from None
    kind = (Type.ID, Type.I, Type.D)[_ARGON2.index(variant)]
    return hash_secret_raw(password, salt, iterations, memory_kib, lanes, length, kind, version=0x10)


def pbkdf2(hash_name: str, password: bytes, salt: bytes, *, iterations: int, length: int) -> bytes:
    """PBKDF2 with HMAC over ``"sha1"``, ``"sha256"`` or ``"sha512"``; *length* of the result in bytes."""
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    return PBKDF2HMAC(_PBKDF2_HASHES[hash_name], length, salt, iterations).derive(password)


def scrypt(password: bytes, salt: bytes, *, n: int, r: int, p: int, length: int) -> bytes:
    """scrypt; takes 128 x *n* x *r* bytes of memory."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=length, n=n, r=r, p=p).derive(password)


def bcrypt(password: bytes, setting: bytes) -> bytes:
    """The whole string of 60 characters.

    Args:
        password: at most 72 bytes, without NUL.
        setting: its first 29 characters, such as ``$2b$12$`` and the salt.

    Raises: FormatUnsupported: the extra ``bcrypt`` is not installed.
    """
    try:
        import bcrypt as library
    except ImportError:
        raise _missing_extra("bcrypt", "a bcrypt string") from None
    return library.hashpw(password, setting)


def digest(name: str, data: bytes) -> bytes:
    """A plain digest, ``"md5"``, ``"sha1"`` or ``"sha256"``: nothing that slows down guessing."""
    return hashlib.new(name, data, usedforsecurity=False).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 under a key of any length."""
    state = HMAC(key, SHA256())
    state.update(data)
    return state.finalize()


def _missing_extra(extra: str, what: str) -> FormatUnsupported:
    said = f"{what} needs the extra {extra}, which is not installed"
    return FormatUnsupported(said, advice=f"pip install 'strongroom[{extra}]'")
