"""HMAC, SHA-256 and randomness."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle

import pytest

from strongroom.crypto import entropy
from strongroom.crypto.digest import sha256
from strongroom.crypto.mac import Mac
from strongroom.errors import Tampered

KEY = bytes(range(32))


@pytest.mark.parametrize("data", [b"", b"a", bytes(63), bytes(64), bytes(65), bytes(100_000)])
def test_digests_agree_with_the_standard_library(data: bytes) -> None:
    mac = Mac(bytearray(KEY))
    assert mac.digest(data) == hmac.digest(KEY, data, "sha256")
    assert mac.digest(bytearray(data)) == mac.digest(data), "the keyed state is not used up"
    assert sha256(data) == hashlib.sha256(data).digest()


def test_a_tag_that_does_not_fit_is_tampering() -> None:
    mac = Mac(KEY)
    tag = mac.digest(b"data")
    mac.verify(b"data", tag)
    changed = [tag[:place] + bytes((tag[place] ^ 1,)) + tag[place + 1 :] for place in range(32)]
    for bad in [*changed, b"", tag[:-1], tag + b"\0"]:
        with pytest.raises(Tampered):
            mac.verify(b"data", bad)
    with pytest.raises(Tampered):
        mac.verify(b"Data", tag)
    with pytest.raises(Tampered):
        Mac(bytes(32)).verify(b"data", tag)


def test_the_key_is_read_once() -> None:
    key = bytearray(KEY)
    mac = Mac(key)
    key[:] = bytes(32)
    assert mac.digest(b"data") == hmac.digest(KEY, b"data", "sha256")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_mac_key_of_another_length_is_misuse(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Mac(key)


def test_a_keyed_mac_neither_shows_nor_copies_itself() -> None:
    mac = Mac(KEY)
    assert repr(mac) == "Mac(<hidden>)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(mac)


def test_random_bytes_are_of_the_asked_length_and_differ() -> None:
    assert [len(entropy.random_bytes(length)) for length in (0, 1, 16, 96)] == [0, 1, 16, 96]
    buffers = [entropy.random_buffer(32) for _ in range(100)]
    assert all(isinstance(buffer, bytearray) and len(buffer) == 32 for buffer in buffers)
    assert len(set(map(bytes, buffers))) == 100
    # Every place varies: no constant, no counter.
    assert all(len({buffer[place] for buffer in buffers}) > 50 for place in range(32))
