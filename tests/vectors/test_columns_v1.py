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

from strongroom.crypto.columns import ColumnKey
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
def test_the_verifier_and_strongroom_read_it(value: dict[str, Any]) -> None:
    """Magic, version, token, salt, type and content, each at its place."""
    stored, row = bytes.fromhex(value["stored"]), value["row"].encode("ascii")
    assert stored[:3] == b"srf"
    number = int.from_bytes(stored[4:8], "big")
    assert number == 2
    head = 24 if stored[3] == 2 else 8
    key_id, secret = private(number)
    key = expand("sha512", secret, b"strongroom/v1/column" + place(value, number, key_id), 32)
    salt = stored[head : head + 24]
    one = expand("sha256", key, salt + stored[:head] + row, 32)
    plain = AESGCM(one).decrypt(bytes(12), stored[head + 24 :], None)
    column = value["place"][1]
    is_searched = stored[3] == 2
    assert plain == (b"\x01Ann@Example.org" if is_searched else CONTENTS[column])
    if is_searched:
        index = expand("sha512", secret, b"strongroom/v1/column-index" + place(value, number, key_id), 32)
        assert stored[8:24] == hmac.new(index, b"ann@example.org", hashlib.sha256).digest()[:16]
    record = decode_record(RECORD)
    ours = ColumnKey(record.materials[number], record.id, number, *value["place"])
    assert ours.decrypt(stored[head:], stored[:head] + row) == plain
    assert ours._encrypt_from_parts(plain, stored[:head] + row, salt) == stored[head:]


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


def test_salt_and_row_do_not_run_together() -> None:
    """A byte that moves from the row into the message is another message."""
    key = new_key()
    message = key._encrypt_from_parts(b"data", b"row", b"s" * 24)
    with pytest.raises(Tampered):
        key.decrypt(message[1:], b"srow")
    with pytest.raises(Tampered):
        key.decrypt(message, b"row\x01")


def test_equal_values_differ() -> None:
    """Each message has its own salt."""
    key = new_key()
    assert len({key.encrypt(b"data", b"row")[:24] for _ in range(100)}) == 100


def test_short_messages_are_refused() -> None:
    """Everything below salt and tag is refused before any work."""
    for length in range(40):
        with pytest.raises(Tampered):
            new_key().decrypt(bytes(length), b"row")


def test_a_key_shows_and_copies_nothing() -> None:
    """Neither its repr nor pickle gives anything away."""
    import copy
    import pickle

    key = new_key()
    assert repr(key) == "ColumnKey(<hidden>)"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(key)
