"""Plain AES-GCM lets one ciphertext open under two keys; suite 1 does not.

Somebody who can write the store could otherwise test many passphrases with one
planted slot ("partitioning oracle": Len, Grubbs, Ristenpart, USENIX Security 2021).
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.crypto import aead
from strongroom.errors import Tampered

CONTEXT = b"slot wrap"
SALT = bytes(range(24))
_POLYNOMIAL = 0xE1 << 120


def _multiply(a: int, b: int) -> int:
    """Multiplication in the field of GHASH (NIST SP 800-38D, algorithm 1)."""
    product = 0
    for bit in range(127, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _invert(a: int) -> int:
    """a to the power 2^128 - 2."""
    result, square = 1 << 127, a
    for _ in range(127):
        square = _multiply(square, square)
        result = _multiply(result, square)
    return result


def _block(key: bytes, block: bytes) -> int:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # the block cipher itself
    return int.from_bytes(encryptor.update(block) + encryptor.finalize(), "big")


def _collide(first: tuple[bytes, bytes], second: tuple[bytes, bytes]) -> bytes:
    """One block and a tag that AES-GCM accepts under both (key, nonce) pairs."""
    lengths = 128  # no associated data, 128 bits of ciphertext
    hashes = [_block(key, bytes(16)) for key, _nonce in (first, second)]
    masks = [_block(key, nonce + b"\0\0\0\1") for key, nonce in (first, second)]
    # tag = C*H^2 + L*H + E(J0): two equations, one unknown block C.
    squares = _multiply(hashes[0], hashes[0]) ^ _multiply(hashes[1], hashes[1])
    right = _multiply(lengths, hashes[0] ^ hashes[1]) ^ masks[0] ^ masks[1]
    block = _multiply(right, _invert(squares))
    tag = _multiply(block, _multiply(hashes[0], hashes[0])) ^ _multiply(lengths, hashes[0]) ^ masks[0]
    return block.to_bytes(16, "big") + tag.to_bytes(16, "big")


def test_a_message_that_collides_under_two_keys_opens_under_neither_but_its_own() -> None:
    keys = (b"a" * 32, b"b" * 32)
    derived = [aead._MessageKey(aead._SUITE_1, key, SALT, CONTEXT) for key in keys]
    pairs = [(bytes(one._okm[:32]), one.nonce(0)) for one in derived]
    commitments = [bytes(one.commitment) for one in derived]
    blob = _collide(pairs[0], pairs[1])
    # The attack works: bare AES-GCM accepts the one blob under both keys.
    for key, nonce in pairs:
        assert len(AESGCM(key).decrypt(nonce, blob, None)) == 16

    assert commitments[0] != commitments[1]
    for number, commitment in enumerate(commitments):
        message = SALT + commitment + blob
        for read in (aead.decrypt, aead.unwrap):
            assert len(read(keys[number], message, CONTEXT)) == 16
            with pytest.raises(Tampered):
                read(keys[1 - number], message, CONTEXT)
    for read in (aead.decrypt, aead.unwrap):
        for key in keys:
            with pytest.raises(Tampered):
                read(key, SALT + bytes(32) + blob, CONTEXT)
