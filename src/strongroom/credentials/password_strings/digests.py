"""One digest, salted or not: what Django wrote before PBKDF2. Nothing slows down guessing these.

They are read so that they end: a login replaces the string, and whoever reads the table
before that knows the password soon.
"""

from __future__ import annotations

from strongroom.credentials.password_strings.interface import Stored, hexadecimal, parts
from strongroom.crypto.foreign import password_hashes

_BYTES = {"md5": 16, "sha1": 20}


def django(stored: str) -> Stored:
    """Take a string apart that begins with ``md5$`` or ``sha1$``; its salt may be empty.

    Raises: Tampered: malformed.
    """
    name, salt, digest = parts(stored.partition("$")[0], stored, 3)
    return _stored(name, salt.encode(), digest)


def bare_md5(stored: str) -> Stored:
    """Take 32 hexadecimal digits apart: Django's first strings."""
    return _stored("md5", b"", stored)


def _stored(name: str, salt: bytes, digest: str) -> Stored:
    scheme = f"salted-{name}" if salt else f"unsalted-{name}"

    def compute(password: bytes) -> bytes:
        return password_hashes.digest(name, salt + password)

    return Stored(scheme, {}, hexadecimal(scheme, digest, _BYTES[name]), compute, salt=salt)
