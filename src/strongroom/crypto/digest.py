"""SHA-256 (FIPS 180-4), for checksums and fingerprints; never a substitute for a MAC."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256, Hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def sha256(data: Buffer) -> bytes:
    """The 32-byte SHA-256 digest of *data*."""
    state = Hash(SHA256())
    state.update(data)
    return state.finalize()
