"""Named keys frozen in the first format are still read, by strongroom and by a verifier of its own.

The verifier is written from docs/format.md#named-keys and shares no line with strongroom; suite 1 and HPKE are
those of test_strongroom_v1.py. Source: named-keys-v1.json, make_named_keys_v1.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import cryptography.fernet
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from strongroom.crypto.mac import Mac
from strongroom.vault.named_keys.kinds import public_part
from strongroom.vault.named_keys.messages import Sealer
from strongroom.vault.named_keys.record import KINDS, decode_record, encode_record
from tests.vectors.test_strongroom_v1 import _context, _Cursor, _hpke_open, _open_message

FROZEN: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "named-keys-v1.json").read_text())["keys"]
NOW = 1_790_000_000_000_000
ENABLED, DISABLED, DESTROYED = 1, 2, 3


def read(kind: str) -> dict[str, Any]:
    """The record, as the page says."""
    cursor = _Cursor(bytes.fromhex(FROZEN[kind]["record"]))
    assert cursor.number(1) == 1
    found: dict[str, Any] = {"kind": cursor.number(1), "id": cursor.take(16), "created": cursor.number(8)}
    found["least"] = cursor.number(4)
    found["versions"] = []
    for _ in range(cursor.number(4)):
        version = {"number": cursor.number(4), "state": cursor.number(1), "origin": cursor.number(1)}
        version |= {"created": cursor.number(8), "since": cursor.number(8), "until": cursor.number(8)}
        version |= {"public": cursor.counted(), "private": cursor.counted()}  # type: ignore[dict-item]
        found["versions"].append(version)
    assert not cursor.data
    return found


@pytest.mark.parametrize("kind", FROZEN)
def test_the_verifier_reads_the_record(kind: str) -> None:
    """Kinds, states and times; a destroyed version has no private part."""
    found = read(kind)
    assert found["kind"] == {"aead": 1, "fernet": 2, "signing": 3, "box": 4, "hmac": 5}[kind] == KINDS[kind]
    assert (found["created"], found["least"]) == (NOW, 2)
    versions = found["versions"]
    assert [one["number"] for one in versions] == [1, 2, 3, 4, 5]
    assert [one["state"] for one in versions] == [DESTROYED, DISABLED, ENABLED, ENABLED, ENABLED]
    assert [bool(one["since"]) for one in versions] == [True, True, True, True, False]
    assert [bool(one["until"]) for one in versions] == [True, True, True, False, False]
    assert {one["origin"] for one in versions} == {1}
    lengths = {"box": 64}.get(kind, 32)
    assert [len(one["private"]) for one in versions] == [0, lengths, lengths, lengths, lengths]
    assert {len(one["public"]) for one in versions} == {{"signing": 32, "box": 1_248}.get(kind, 0)}


@pytest.mark.parametrize("kind", FROZEN)
def test_strongroom_reads_the_record(kind: str) -> None:
    """And writes the same bytes."""
    data = bytes.fromhex(FROZEN[kind]["record"])
    record = decode_record(data)
    assert (record.kind, record.primary.number, record.newest.number) == (kind, 4, 5)
    assert [version.number for version in record.usable()] == [4, 5, 3]
    assert encode_record(record) == data
    for version in record.versions[1:]:
        assert public_part(kind, record.materials[version.number]) == version.public


def primary(kind: str) -> tuple[bytes, bytes, bytes]:
    found = read(kind)
    (version,) = (one for one in found["versions"] if one["since"] and not one["until"])
    return found["id"], version["private"], version["public"]


def test_a_message_of_kind_aead() -> None:
    """16 bytes of head, then suite 1 with the key's id in place of the vault's."""
    key_id, private, _ = primary("aead")
    message, associated = bytes.fromhex(FROZEN["aead"]["message"]), FROZEN["aead"]["associated_data"].encode()
    assert message[:16] == b"srk\x01" + (4).to_bytes(4, "big") + NOW.to_bytes(8, "big")
    context = _context(key_id, 17, 4, message[:16], associated)
    assert _open_message(private, message[16:], context) == b"data"
    record = decode_record(bytes.fromhex(FROZEN["aead"]["record"]))
    assert Sealer(record.id, 4, record.materials[4]).decrypt(memoryview(message), associated) == b"data"


def test_a_token() -> None:
    """What Fernet reads with the private part in base64."""
    _, private, _ = primary("fernet")
    theirs = cryptography.fernet.Fernet(base64.urlsafe_b64encode(private))
    assert theirs.decrypt(FROZEN["fernet"]["message"]) == b"data"
    assert theirs.extract_timestamp(FROZEN["fernet"]["message"]) == NOW // 1_000_000


def test_a_tag() -> None:
    """HMAC-SHA-256."""
    _, private, _ = primary("hmac")
    assert hmac.digest(private, b"data", "sha256").hex() == FROZEN["hmac"]["message"]
    Mac(private).verify(b"data", bytes.fromhex(FROZEN["hmac"]["message"]))


def test_a_sealed_message() -> None:
    """HPKE to the hybrid key whose seed stands behind X25519's."""
    _, private, public = primary("box")
    expanded = hashlib.shake_256(private[32:]).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw()
    assert public == X25519PrivateKey.from_private_bytes(private[:32]).public_key().public_bytes_raw() + mlkem + x25519
    sealed, info = bytes.fromhex(FROZEN["box"]["message"]), FROZEN["box"]["associated_data"].encode()
    assert _hpke_open(expanded, public[32:], sealed, info) == b"data"


def test_a_signing_key() -> None:
    """The private part is Ed25519's seed."""
    _, private, public = primary("signing")
    assert Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == public
