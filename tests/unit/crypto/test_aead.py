"""Suite 1: what it opens, and everything it must not open."""

from __future__ import annotations

import pytest

from strongroom.crypto import aead
from strongroom.errors import Tampered
from strongroom.secret import wipe

KEY = bytes(range(32))
CONTEXT = b"context"
# Around the borders of a chunk, where an empty last chunk follows a full one.
LENGTHS = (0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 32_767, 32_768, 40_000)

WRITERS = {"library": aead.encrypt, "own": aead.wrap}
READERS = {"library": aead.decrypt, "own": aead.unwrap}


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("writer", WRITERS)
def test_either_implementation_reads_what_either_wrote(writer: str, reader: str, length: int) -> None:
    plaintext = bytes(number % 251 for number in range(length))
    message = WRITERS[writer](KEY, plaintext, CONTEXT)
    assert READERS[reader](KEY, message, CONTEXT) == plaintext
    assert len(message) == length + 56 + 16 * (length // 16_384 + 1)


def test_unwrap_returns_a_buffer_that_can_be_wiped() -> None:
    secret = aead.unwrap(KEY, aead.wrap(KEY, b"key material", CONTEXT), CONTEXT)
    assert isinstance(secret, bytearray)
    wipe(secret)
    assert secret == bytes(12)


def test_keys_and_messages_may_be_any_buffer() -> None:
    message = aead.wrap(bytearray(KEY), memoryview(b"value"), CONTEXT)
    for read in READERS.values():
        assert read(memoryview(KEY), bytearray(message), CONTEXT) == b"value"


def test_the_same_value_never_encrypts_to_the_same_bytes() -> None:
    for write in WRITERS.values():
        assert len({write(KEY, b"value", CONTEXT) for _ in range(50)}) == 50


@pytest.mark.parametrize("reader", READERS)
def test_every_changed_byte_is_refused(reader: str) -> None:
    message = aead.encrypt(KEY, b"a value", CONTEXT)
    for position in range(len(message)):
        for bit in (0x01, 0x80):
            changed = bytearray(message)
            changed[position] ^= bit
            with pytest.raises(Tampered):
                READERS[reader](KEY, bytes(changed), CONTEXT)


@pytest.mark.parametrize("reader", READERS)
def test_every_cut_and_every_extension_is_refused(reader: str) -> None:
    message = aead.encrypt(KEY, b"a value", CONTEXT)
    for end in range(len(message)):
        with pytest.raises(Tampered):
            READERS[reader](KEY, message[:end], CONTEXT)
    for more in (b"\0", bytes(16), message):
        with pytest.raises(Tampered):
            READERS[reader](KEY, message + more, CONTEXT)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("length", [16_384, 32_768, 40_000])
def test_chunks_cannot_be_dropped_swapped_or_repeated(reader: str, length: int) -> None:
    read = READERS[reader]
    message = aead.encrypt(KEY, bytes(length), CONTEXT)
    head, body = message[:56], message[56:]
    chunks = [body[start : start + 16_400] for start in range(0, len(body), 16_400)]
    forgeries = {
        "last chunk dropped": chunks[:-1],
        "first chunk dropped": chunks[1:],
        "first chunk repeated": [chunks[0], *chunks],
        "last chunk repeated": [*chunks, chunks[-1]],
        "order reversed": chunks[::-1],
    }
    for what, parts in forgeries.items():
        with pytest.raises(Tampered):
            read(KEY, head + b"".join(parts), CONTEXT)
            pytest.fail(what)
    for cut in (1, 16, 17, 16_399, 16_400):
        with pytest.raises(Tampered):
            read(KEY, message[:-cut], CONTEXT)


@pytest.mark.parametrize("reader", READERS)
def test_another_key_or_context_does_not_open(reader: str) -> None:
    message = aead.encrypt(KEY, b"value", CONTEXT)
    for key, context in [(bytes(32), CONTEXT), (KEY, b""), (KEY, b"Context"), (KEY, CONTEXT + b"\0")]:
        with pytest.raises(Tampered):
            READERS[reader](key, message, context)


def test_every_failure_says_the_same() -> None:
    message = aead.encrypt(KEY, b"value", CONTEXT)
    changed_commitment = message[:24] + bytes(32) + message[56:]
    changed_tag = message[:-1] + bytes((message[-1] ^ 1,))
    sentences = set()
    for read in READERS.values():
        for bad in (b"", message[:71], message[:-1], changed_commitment, changed_tag):
            with pytest.raises(Tampered) as caught:
                read(KEY, bad, CONTEXT)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__ or caught.value.__context__ is None
            sentences.add(str(caught.value))
    assert len(sentences) == 1


def test_a_key_of_another_length_is_misuse() -> None:
    message = aead.wrap(KEY, b"value", CONTEXT)
    for key in (b"", KEY[:16], KEY + b"\0"):
        with pytest.raises(ValueError):
            aead.wrap(key, b"value", CONTEXT)
        with pytest.raises(ValueError):
            aead.unwrap(key, message, CONTEXT)
        with pytest.raises(ValueError):
            aead.encrypt(key, b"value", CONTEXT)
        with pytest.raises(ValueError):
            aead.decrypt(key, message, CONTEXT)


def test_a_failed_unwrap_leaves_neither_plaintext_nor_message_key_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    wiped: list[int] = []

    def watch(buffer: bytearray) -> None:
        wiped.append(len(buffer))
        wipe(buffer)
        assert not any(buffer)

    monkeypatch.setattr(aead, "wipe", watch)
    message = aead.wrap(KEY, bytes(20_000), CONTEXT)
    assert wiped == [76]
    # The first chunk decrypts before the second is found changed.
    with pytest.raises(Tampered):
        aead.unwrap(KEY, message[:-1] + bytes((message[-1] ^ 1,)), CONTEXT)
    assert wiped == [76, 20_000, 76]


@pytest.mark.parametrize("length", [65_464, 65_535, 65_536, 65_537, 65_600, 81_920, 81_935, 200_000])
def test_large_messages_are_the_same_messages(length: int) -> None:
    """What is written into one object is what the pieces are; every other length is tampering."""
    key, context, plaintext = bytes(range(32)), b"context", bytes(index % 251 for index in range(length))
    message = aead.encrypt(key, memoryview(plaintext), context, head=b"head")
    assert message[:4] == b"head"
    message = message[4:]
    assert aead.unwrap(key, message, context) == plaintext
    assert aead.decrypt(key, memoryview(message), context) == plaintext
    assert aead.decrypt(key, aead.wrap(key, plaintext, context), context) == plaintext
    for cut in (1, 15, 16, 17, 72, 16_399, 16_400, 16_401):
        with pytest.raises(Tampered):
            aead.decrypt(key, message[:-cut], context)
        with pytest.raises(Tampered):
            aead.decrypt(key, message + bytes(cut), context)
    for position in (0, 24, 56, 16_456, 40_000, length, len(message) - 1):
        changed = bytearray(message)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            aead.decrypt(key, changed, context)
