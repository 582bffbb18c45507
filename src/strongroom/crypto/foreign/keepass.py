"""The key derivation of KeePass databases that most of them have: many rounds of AES-256 over one key.

The library that reads them takes each round in Python. Source: KeePass, "Key Transformation" (AES-KDF).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256, Hash

_BLOCKS = 65_536


def aes_kdf(composite: bytes, seed: bytes, rounds: int) -> bytes:
    """The transformed key.

    Args:
        composite: 32 bytes, of the password and the key file.
        seed: 32 bytes.
        rounds: a hundred million take some seconds; who calls has compared them with a bound.
    """
    state = Hash(SHA256())
    for block in (composite[:16], composite[16:]):
        # Encrypting zeros in CBC mode is encrypting the block before again and again.
        encryptor = Cipher(AES(seed), CBC(block)).encryptor()
        left = rounds
        while left:
            count = min(left, _BLOCKS)
            block = encryptor.update(bytes(16 * count))[-16:]
            left -= count
        state.update(block)
    return state.finalize()
