"""Values of Django's columns frozen in the first format are still read, by strongroom and by a verifier of its own.

The verifier is written from docs/format.md#columns and shares no line with strongroom: HMAC for the derivations,
AES-GCM for the rest. Source: columns-v1.json, make_columns_v1.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.crypto import columns
from strongroom.crypto.columns import OVERHEAD_BYTES, VALUES_MAX, ColumnKey, Draws
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import Tampered
from strongroom.secret import SecretBytes
from strongroom.vault.named_keys.record import decode_record
from tests.vectors.make_columns_v1 import VALUES

FROZEN: dict[str, Any] = json.loads((Path(__file__).parent / "columns-v1.json").read_text())
RECORD = bytes.fromhex(FROZEN["record"])
CONTENTS = {
    "char": b"\x01\xc3\xa9", "text": b"\x01", "email": b"\x01ann@example.org", "url": b"\x01https://example.org/",
    "binary": b"\x02\x00\xff", "integer": b"\x03-1180591620717411303424", "decimal": b"\x04-1.50",
    "date": b"\x052026-01-02", "datetime": b"\x062026-01-02T03:04:05.000006+00:00", "boolean": b"\x070",
    "json": b'\x08{"a": [null, 1, "b"]}', "password": b"\x01p", "value": b"\x01v",
}  # fmt: skip


def expand(hash_name: str, key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869) of one block."""
    return hmac.new(key, info + b"\x01", hash_name).digest()[:length]


def private(number: int) -> tuple[bytes, bytes]:
    """The key's id, and the private part of a version, out of the record as docs/format.md#named-keys says."""
    key_id, at = RECORD[2:18], 34
    while True:
        found, _state, _origin, *_times = struct.unpack_from(">IBBQQQ", RECORD, at)
        (public,) = struct.unpack_from(">I", RECORD, at + 30)
        (length,) = struct.unpack_from(">I", RECORD, at + 34 + public)
        at += 38 + public + length
        if found == number:
            return key_id, RECORD[at - length : at]


def counted(text: str) -> bytes:
    return struct.pack(">I", len(text.encode())) + text.encode()


def place(value: dict[str, Any], number: int, key_id: bytes) -> bytes:
    return b"\0" + key_id + struct.pack(">I", number) + counted(value["place"][0]) + counted(value["place"][1])


@pytest.mark.parametrize("value", FROZEN["values"], ids=lambda value: ".".join(value["place"]))
def test_the_verifier_and_strongroom_read_it(value: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Magic, version, token, number of the key, nonce, type and content, each at its place."""
    stored, row = bytes.fromhex(value["stored"]), value["row"].encode("ascii")
    assert stored[:3] == b"srf"
    number = int.from_bytes(stored[4:8], "big")
    assert number == 2
    head = 24 if stored[3] == 2 else 8
    key_id, secret = private(number)
    key = expand("sha512", secret, b"strongroom/v1/column" + place(value, number, key_id), 32)
    which, nonce = stored[head : head + 1], stored[head + 1 : head + 13]
    one = expand("sha256", key, b"cipher" + which, 32)
    context = row + b":" + stored[:head]
    plain = AESGCM(one).decrypt(nonce, stored[head + 13 :], context)
    column = value["place"][1]
    is_searched = stored[3] == 2
    assert plain == (b"\x01Ann@Example.org" if is_searched else CONTENTS[column])
    if is_searched:
        index = expand("sha256", key, b"index", 32)
        assert stored[8:24] == hmac.new(index, b"ann@example.org", hashlib.sha256).digest()[:16]
    record = decode_record(RECORD)
    ours = ColumnKey(record.materials[number], record.id, number, *value["place"])
    assert ours.decrypt(stored[head:], context) == plain
    monkeypatch.setattr(columns, "random_bytes", lambda length: (which + nonce)[:length])
    assert ours.encrypt(plain, context) == stored[head:]


def test_every_type_is_frozen() -> None:
    """There is a value of each type, and a searchable one."""
    found = [bytes.fromhex(value["stored"]) for value in FROZEN["values"]]
    assert {value["place"][1] for value in FROZEN["values"]} == {*VALUES, "password", "value"}
    assert sum(stored[3] == 2 for stored in found) == 1


def new_key(number: int = 1, table: str = "t", column: str = "c", key_id: bytes = bytes(16)) -> ColumnKey:
    return ColumnKey(SecretBytes(b"k" * 32), key_id, number, table, column)


@pytest.mark.parametrize(
    "other",
    [new_key(2), new_key(table="t2"), new_key(column="c2"), new_key(table="tc", column=""), new_key(key_id=b"1" * 16)],
)
def test_each_part_of_the_place_counts(other: ColumnKey) -> None:
    """Another version, table, column or key opens nothing, and has another index."""
    key = new_key()
    message = key.encrypt(b"data", b"row")
    assert key.decrypt(message, b"row") == b"data"
    with pytest.raises(Tampered):
        other.decrypt(message, b"row")
    assert other.token(b"data") != key.token(b"data")
    assert len(key.token(b"data")) == 16


def test_message_and_row_do_not_run_together() -> None:
    """A byte that moves from the row into the message, or back, makes another message."""
    key = new_key()
    message = key.encrypt(b"data", b"row")
    with pytest.raises(Tampered):
        key.decrypt(message[1:], b"row" + message[:1])
    with pytest.raises(Tampered):
        key.decrypt(b"w" + message, b"ro")
    assert key.decrypt_after(b"row" + message, 3) == b"data"
    with pytest.raises(Tampered):
        key.decrypt_after(b"row" + message, 2)


def test_each_byte_counts() -> None:
    """The number of the key, the nonce, the ciphertext and the tag: none may be another."""
    key = new_key()
    message = key.encrypt(b"data", b"row")
    for place in range(len(message)):
        for other in {message[place] ^ 1, message[place] ^ 64, message[place] ^ 128}:
            with pytest.raises(Tampered):
                key.decrypt(message[:place] + bytes((other,)) + message[place + 1 :], b"row")


def test_key_and_nonce_are_drawn_for_each_message() -> None:
    """13 random bytes each; every key has its turn, and what one program encrypts under it another one opens."""
    key = new_key()
    messages = [key.encrypt(b"data", b"row") for _ in range(4_096)]
    assert len({message[:13] for message in messages}) == len(messages)
    # That one of 256 is missing has a chance of 256 * (255 / 256) ** 4096, which is 3e-5; three of them, 4e-15.
    assert len({message[0] for message in messages}) > 253
    assert len({key._ciphers[number].encrypt(bytes(12), b"", None) for number in range(256)}) == 256
    other = new_key()
    assert not other._ciphers
    assert {other.decrypt(message, b"row") for message in messages} == {b"data"}


def test_what_is_drawn_together_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages of a statement share one call of the system; beyond them, and after the end, each makes its own."""
    asked: list[int] = []

    def counting(length: int) -> bytes:
        asked.append(length)
        return random_bytes(length)

    monkeypatch.setattr(columns, "random_bytes", counting)
    key, draws = new_key(), Draws(3)
    messages = [key.encrypt(b"data", b"row", draws) for _ in range(5)]
    assert asked == [39, 13, 13]
    assert len({message[:13] for message in messages}) == 5
    assert {key.decrypt(message, b"row") for message in messages} == {b"data"}
    other = Draws(3)
    other.end()
    assert key.encrypt(b"data", b"row", other)[:13] not in {message[:13] for message in messages}
    assert asked == [39, 13, 13, 39, 13]


def test_the_limit_keeps_nonces_apart() -> None:
    """Of `VALUES_MAX` values, two have the same key and nonce with a chance below 2^-32."""
    assert VALUES_MAX**2 / 2 / 256**13 < 2**-32
    assert VALUES_MAX / 256 < 2**32


def test_short_messages_are_refused() -> None:
    """Everything below number, nonce and tag is refused before any work."""
    key = new_key()
    for length in range(OVERHEAD_BYTES):
        with pytest.raises(Tampered):
            key.decrypt(bytes(length), b"row")
    assert not key._ciphers
    assert key.decrypt(key.encrypt(b"", b"row"), b"row") == b""


def test_a_key_shows_and_copies_nothing() -> None:
    """Neither its repr nor pickle gives anything away."""
    import copy
    import pickle

    key = new_key()
    assert repr(key) == "ColumnKey(<hidden>)"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(key)
