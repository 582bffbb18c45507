"""libsodium's `crypto_box` between two keys; the sealed forms stand in `tests/unit/credentials/test_boxes.py`."""

from __future__ import annotations

import pytest

from strongroom.crypto import boxes
from strongroom.errors import Tampered

# Source: NaCl's tests/box.c and box2.c, which libsodium keeps in test/default/: what Alice sends to Bob.
ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
BOB = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
FROM_ALICE = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
TO_BOB = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
NONCE = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
DATA = bytes.fromhex(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c0123356"
    "1f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60"
    "902e52f0a089bc76897040e082f937763848645e0705"
)
BODY = bytes.fromhex(
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce"
    "87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732b"
    "c0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
)
ALL_OF_SMALL_ORDER = bytes(32)
"""With this public key every exchange gives zeros."""


def test_the_published_box_opens_for_either_of_the_two() -> None:
    """The nonce stands in front; the keys may be in buffers that are wiped afterwards."""
    assert (boxes.x25519_public(ALICE), boxes.x25519_public(BOB)) == (FROM_ALICE, TO_BOB)
    assert boxes.open_box_nacl(bytearray(BOB), FROM_ALICE, NONCE + BODY) == DATA
    assert boxes.open_box_nacl(memoryview(ALICE), TO_BOB, NONCE + BODY) == DATA


@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_a_box_opens_for_the_other_one(data: bytes) -> None:
    """40 bytes more than the data; under a nonce of its own each time, so that no two are the same."""
    made = [boxes.box_nacl(memoryview(ALICE), TO_BOB, bytearray(data)) for _ in range(2)]
    for message in made:
        assert len(message) == boxes.NONCE_BYTES + 16 + len(data)
        assert boxes.open_box_nacl(BOB, FROM_ALICE, message) == data
    assert made[0][: boxes.NONCE_BYTES] != made[1][: boxes.NONCE_BYTES]


def test_from_nobody_else_and_no_byte_otherwise() -> None:
    """Another key on either side, a changed byte, or too few: refused in words that say what to look at."""
    stranger = bytes(range(32))
    with pytest.raises(Tampered):
        boxes.open_box_nacl(stranger, FROM_ALICE, NONCE + BODY)
    with pytest.raises(Tampered):
        boxes.open_box_nacl(BOB, boxes.x25519_public(stranger), NONCE + BODY)
    for position in range(len(NONCE + BODY)):
        changed = bytearray(NONCE + BODY)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            boxes.open_box_nacl(BOB, FROM_ALICE, bytes(changed))
    for length in range(len(NONCE + BODY)):
        with pytest.raises(Tampered, match=r"^this message does not open: .* or changed$") as caught:
            boxes.open_box_nacl(BOB, FROM_ALICE, (NONCE + BODY)[:length])
        assert caught.value.advice and caught.value.advice.startswith("give the key,")


@pytest.mark.parametrize("public", [ALL_OF_SMALL_ORDER, b"", bytes(31), TO_BOB + b"\0"])
def test_what_is_no_public_key(public: bytes) -> None:
    """Nothing is boxed to it, and nothing is from it."""
    with pytest.raises(ValueError, match=r"^this is no valid public key of this kind$"):
        boxes.box_nacl(ALICE, public, b"x")
    with pytest.raises(Tampered):
        boxes.open_box_nacl(ALICE, public, NONCE + BODY)
