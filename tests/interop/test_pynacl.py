"""Boxes of libsodium, both ways with PyNaCl as other programs use it."""

from __future__ import annotations

import subprocess
import sys

import nacl.exceptions
import nacl.public
import pytest

from strongroom import boxes
from strongroom.errors import Tampered

SIZES = [0, 1, 15, 16, 17, 70_000]


@pytest.mark.parametrize("size", SIZES)
def test_sealed_boxes(size: int) -> None:
    """crypto_box_seal: each opens what the other seals; keys go from and to bytes."""
    theirs = nacl.public.PrivateKey.generate()
    data = bytes(size)
    assert nacl.public.SealedBox(theirs).decrypt(boxes.seal(bytes(theirs.public_key), data, form="nacl")) == data
    private, public = boxes.generate()
    sealed = nacl.public.SealedBox(nacl.public.PublicKey(public[:32])).encrypt(data)
    assert boxes.open_sealed(private, bytes(sealed), form="nacl") == data
    sealed = boxes.seal(boxes.public_key(bytes(theirs)), data, form="nacl")
    assert boxes.open_sealed(bytes(theirs), sealed, form="nacl") == data


@pytest.mark.parametrize("size", SIZES)
def test_boxes_of_two(size: int) -> None:
    """crypto_box: with the nonce in front, as PyNaCl's Box makes and reads it."""
    theirs = nacl.public.PrivateKey.generate()
    private, public = boxes.generate()
    box = nacl.public.Box(theirs, nacl.public.PublicKey(public[:32]))
    data = b"x" * size
    assert box.decrypt(boxes.box(private, bytes(theirs.public_key), data)) == data
    assert boxes.open_box(private, bytes(theirs.public_key), bytes(box.encrypt(data))) == data


def test_a_changed_box_opens_nowhere() -> None:
    """Every byte counts; and a box of somebody else is refused."""
    theirs = nacl.public.PrivateKey.generate()
    private, public = boxes.generate()
    message = boxes.box(private, bytes(theirs.public_key), b"data")
    sealed = boxes.seal(public, b"data", form="nacl")
    box = nacl.public.Box(theirs, nacl.public.PublicKey(public[:32]))
    for position in range(len(message)):
        changed = bytearray(message)
        changed[position] ^= 1
        with pytest.raises(nacl.exceptions.CryptoError):
            box.decrypt(bytes(changed))
        with pytest.raises(Tampered):
            boxes.open_box(bytes(theirs), public, bytes(changed))
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            boxes.open_sealed(private, bytes(changed), form="nacl")
    for length in (0, 1, 23, 24, 39, 40, 47):
        with pytest.raises(Tampered):
            boxes.open_box(bytes(theirs), public, message[:length][: len(message) - 1])
        with pytest.raises(Tampered):
            boxes.open_sealed(private, sealed[:length], form="nacl")
    stranger, _ = boxes.generate()
    with pytest.raises(Tampered):
        boxes.open_box(stranger, bytes(theirs.public_key), message)


def test_without_the_extra_the_error_names_it() -> None:
    """HPKE works without PyNaCl; libsodium's boxes say what is missing."""
    program = """
import sys
sys.modules["nacl"] = sys.modules["nacl.bindings"] = None
from strongroom import boxes, errors
private, public = boxes.generate()
assert boxes.open_sealed(private, boxes.seal(public, b"x")) == b"x"
try:
    boxes.seal(public, b"x", form="nacl")
except errors.FormatUnsupported as error:
    print(error.message, "|", error.advice)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == (
        "a box of libsodium needs the extra nacl, which is not installed | pip install 'strongroom[nacl]'\n"
    )


def test_public_keys_of_small_order_are_refused() -> None:
    """libsodium refuses them; so do we, with our own error."""
    private, _ = boxes.generate()
    for act in (lambda: boxes.box(private, bytes(32), b"x"), lambda: boxes.seal(bytes(32), b"x", form="nacl")):
        with pytest.raises(ValueError, match="no valid public key"):
            act()
    with pytest.raises(Tampered):
        boxes.open_box(private, bytes(32), bytes(60))
