"""Digests: SHA-256 for checksums and fingerprints, and what signatures of files are made over.

Never a substitute for a MAC. Source: FIPS 180-4; RFC 7693 (BLAKE2).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256, SHA512, BLAKE2b, Hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def sha256(data: Buffer) -> bytes:
    """The 32-byte SHA-256 digest of *data*."""
    state = Hash(SHA256())
    state.update(data)
    return state.finalize()


class Digest:
    """A digest of bytes that come piece by piece.

    Args:
        name: ``"blake2b-512"`` (minisign), ``"sha256"`` or ``"sha512"`` (SSH signatures).
    """

    __slots__ = ("_state",)

    def __init__(self, name: str) -> None:
        kinds = {"blake2b-512": BLAKE2b(64), "sha256": SHA256(), "sha512": SHA512()}
        self._state = Hash(kinds[name])

    def update(self, data: Buffer) -> None:
        """Take the next piece."""
        self._state.update(data)

    def finish(self) -> bytes:
        """The digest of everything; nothing may follow."""
        return self._state.finalize()
