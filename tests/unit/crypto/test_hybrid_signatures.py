"""Hybrid sealing and Ed25519."""

from __future__ import annotations

import pytest

from strongroom.crypto import hybrid, signatures
from strongroom.errors import Tampered

ROOT = bytes(range(32))
INFO = b"info"


@pytest.fixture(scope="module")
def pair() -> tuple[bytearray, bytes]:
    return hybrid.generate()


def test_what_is_sealed_opens(pair: tuple[bytearray, bytes]) -> None:
    private, public = pair
    assert (len(private), len(public)) == (hybrid.PRIVATE_KEY_BYTES, hybrid.PUBLIC_KEY_BYTES)
    assert hybrid.public_key(private) == public
    sealed = hybrid.seal(public, bytearray(ROOT), INFO)
    assert len(sealed) == 32 + hybrid.OVERHEAD_BYTES == 1_168
    opened = hybrid.open_sealed(private, sealed, INFO)
    assert isinstance(opened, bytearray)
    assert opened == ROOT
    assert hybrid.seal(public, ROOT, INFO) != sealed


def test_every_changed_byte_of_what_is_sealed_is_refused(pair: tuple[bytearray, bytes]) -> None:
    private, public = pair
    sealed = hybrid.seal(public, ROOT, INFO)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(Tampered):
            hybrid.open_sealed(private, bytes(changed), INFO)


def test_cut_extended_or_misplaced_seals_are_refused(pair: tuple[bytearray, bytes]) -> None:
    private, public = pair
    sealed = hybrid.seal(public, ROOT, INFO)
    for bad in (b"", sealed[:-1], sealed + b"\0", sealed[:1_120], bytes(len(sealed))):
        with pytest.raises(Tampered):
            hybrid.open_sealed(private, bad, INFO)
    with pytest.raises(Tampered):
        hybrid.open_sealed(private, sealed, b"other info")
    with pytest.raises(Tampered):
        hybrid.open_sealed(hybrid.generate()[0], sealed, INFO)


def test_each_half_of_the_private_key_is_needed(pair: tuple[bytearray, bytes]) -> None:
    private, public = pair
    other = hybrid.generate()[0]
    sealed = hybrid.seal(public, ROOT, INFO)
    for mixed in (private[:64] + other[64:], other[:64] + private[64:]):
        with pytest.raises(Tampered):
            hybrid.open_sealed(mixed, sealed, INFO)


BAD_PUBLIC_KEYS = {
    "coefficients out of range": lambda public: b"\xff" * 1_184 + public[1_184:],
    "x25519 point of small order": lambda public: public[:1_184] + bytes(32),
    "cut": lambda public: public[:-1],
    "extended": lambda public: public + b"\0",
    "empty": lambda _public: b"",
}


@pytest.mark.parametrize("case", BAD_PUBLIC_KEYS)
def test_an_invalid_public_key_is_tampering(case: str, pair: tuple[bytearray, bytes]) -> None:
    with pytest.raises(Tampered, match="public key"):
        hybrid.seal(BAD_PUBLIC_KEYS[case](pair[1]), ROOT, INFO)


@pytest.mark.parametrize("length", [0, 95, 97])
def test_a_private_key_of_another_length_is_misuse(length: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        hybrid.open_sealed(bytearray(length), bytes(1_168), INFO)


def test_signatures_hold_for_one_key_and_one_message() -> None:
    seed, other = bytearray(range(32)), bytearray(32)
    public = signatures.public_key(seed)
    signature = signatures.sign(seed, b"message")
    signatures.verify(public, b"message", signature)
    assert (len(public), len(signature)) == (32, 64)
    assert signatures.sign(seed, b"message") == signature
    changed = [signature[:place] + bytes((signature[place] ^ 1,)) + signature[place + 1 :] for place in range(64)]
    refused = [(public, b"message", bad) for bad in [*changed, b"", signature[:-1], signature + b"\0", bytes(64)]]
    refused += [
        (public, b"Message", signature),
        (public, b"", signature),
        (signatures.public_key(other), b"message", signature),
        (bytes(32), b"message", signature),
        # The neutral element as the key, with the signature that fits every message, and its other encodings.
        (b"\1" + bytes(31), b"message", b"\1" + bytes(63)),
        (b"\1" + bytes(30) + b"\x80", b"message", b"\1" + bytes(63)),
        (b"\xee" + b"\xff" * 30 + b"\x7f", b"message", b"\1" + bytes(63)),
        (b"\xff" * 32, b"message", signature),
        (b"", b"message", signature),
        (public + b"\0", b"message", signature),
    ]
    for key, message, bad in refused:
        with pytest.raises(Tampered):
            signatures.verify(key, message, bad)
