"""A deposit frozen in the first format still opens, with strongroom and with a verifier of its own.

The verifier is written from docs/format.md#deposits and shares no line with strongroom; HPKE and the
contexts are those of test_strongroom_v1.py. Source: deposit-v1.json, make_deposit_v1.py.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from strongroom.crypto import hybrid, kdf
from strongroom.keys import deposit_keys
from strongroom.vault.deposit_records import Deposit, decode_content, encode_content
from tests.vectors.test_strongroom_v1 import _context, _Cursor, _expand, _hpke_open

FROZEN = json.loads((Path(__file__).parent / "deposit-v1.json").read_text())["deposit"]
DEPOSIT, NOTICE = bytes.fromhex(FROZEN["deposit"]), bytes.fromhex(FROZEN["notice"])


def _read_file() -> dict[str, bytes]:
    line = FROZEN["depositor_file"]
    assert line.endswith("\n")
    magic, *words, checksum = line[:-1].split(":")
    assert magic == "strongroom-depositor-v1"
    assert hashlib.sha256(line.rpartition(":")[0].encode()).hexdigest()[:8] == checksum
    assert [len(word) for word in words] == [32, 32, 8, 64, 64]
    return dict(zip(("vault", "id", "epoch", "identity", "seed"), map(bytes.fromhex, words), strict=True))


def _read_notice(file: dict[str, bytes]) -> tuple[int, bytes]:
    """The deposit key, found by the certificates that lead from the identity in the depositor's file."""
    cursor = _Cursor(NOTICE)
    assert cursor.take(5) == b"SRDK\x01"
    assert cursor.take(16) == file["vault"]
    epoch, version, public, identity = cursor.number(4), cursor.number(4), cursor.take(1_216), cursor.take(32)
    trusted = file["identity"]
    for _ in range(cursor.number(4)):
        since, successor, signature = cursor.number(4), cursor.take(32), cursor.take(64)
        if since > int.from_bytes(file["epoch"], "big"):
            message = _context(file["vault"], 5, since, trusted, successor)
            Ed25519PublicKey.from_public_bytes(trusted).verify(signature, message)
            trusted = successor
    assert trusted == identity != file["identity"]
    message = _context(file["vault"], 13, epoch, version.to_bytes(4, "big"), public, identity)
    Ed25519PublicKey.from_public_bytes(identity).verify(cursor.take(64), message)
    assert not cursor.data
    return version, public


def test_the_verifier_opens_the_deposit() -> None:
    """File, notice, deposit and content hold what the page says, and nothing else."""
    file = _read_file()
    version, public = _read_notice(file)
    cursor = _Cursor(DEPOSIT)
    assert cursor.take(5) == b"SRDP\x01"
    assert (cursor.take(16), cursor.number(4)) == (file["vault"], version)
    deposit_id, depositor_id, counter = cursor.take(16), cursor.take(16), cursor.take(8)
    sealed, signature = cursor.counted(), cursor.take(64)
    assert not cursor.data
    assert depositor_id == file["id"]
    assert int.from_bytes(counter, "big") == FROZEN["counter"]
    signer = Ed25519PrivateKey.from_private_bytes(file["seed"]).public_key()
    assert signer.public_bytes_raw().hex() == FROZEN["depositor_public_key"]
    signer.verify(signature, _context(file["vault"], 15, version, deposit_id, depositor_id, counter, sealed))
    info = b"strongroom/v1/deposit\0" + file["vault"] + version.to_bytes(4, "big")
    private = _expand(bytes.fromhex(FROZEN["deposit_seed"]), info, 96)
    context = _context(file["vault"], 14, version, deposit_id, depositor_id, counter)
    content = _Cursor(_hpke_open(private, public, sealed, context))
    assert content.data.hex() == FROZEN["content"]
    assert content.take(1) == b"\x01"
    assert content.counted().decode() == FROZEN["path"]
    body = content.counted()
    assert not content.data
    assert "Grüße".encode() in body


def test_strongroom_opens_the_deposit() -> None:
    """And encodes the same bytes again."""
    key = deposit_keys.decode_depositor_key(bytearray(FROZEN["depositor_file"].encode()))
    assert key.encode() == FROZEN["depositor_file"].encode()
    version, public = deposit_keys.check_notice(NOTICE, key.pinned)
    private = kdf.deposit_private_key(bytes.fromhex(FROZEN["deposit_seed"]), key.pinned.vault_id, version)
    assert hybrid.public_key(private) == public
    deposit = Deposit.decode(DEPOSIT)
    assert deposit.encode() == DEPOSIT
    parts = (deposit.vault_id, deposit.key_version, deposit.deposit_id, deposit.depositor_id, deposit.counter)
    deposit_keys.check_signature(key.public_key(), *parts, deposit.sealed, deposit.signature)
    assert key.sign(version, deposit.deposit_id, deposit.counter, deposit.sealed) == deposit.signature
    content = hybrid.open_sealed(private, deposit.sealed, deposit_keys.deposit_info(*parts))
    path, fields = decode_content(content)
    assert path == FROZEN["path"]
    assert {name: bytes(field.data).decode() for name, field in fields.items()} == {
        "username": "dustin",
        "password": "Grüße",
    }
    assert encode_content(path, fields) == content
