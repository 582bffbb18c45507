"""A vault frozen in the first format still opens, with strongroom and with a verifier of its own.

The verifier is written from docs/format.md with the standard library and bare AES-GCM, Argon2id, ML-KEM,
X25519 and Ed25519: it shares no line with strongroom. Source: strongroom-v1.json, make_strongroom_v1.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from strongroom.crypto import aead
from strongroom.errors import Tampered
from strongroom.keys.format import Header, SlotRecord
from strongroom.keys.keyset import Keyset
from strongroom.keys.opening import unlock
from strongroom.keys.slots.interface import Credential
from strongroom.keys.slots.key_file import decode_key_file
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.keys.slots.recovery import parse_recovery_code

FROZEN = json.loads((Path(__file__).parent / "strongroom-v1.json").read_text())
VAULT = FROZEN["vault"]
HEADER, HEADER_MAC = bytes.fromhex(VAULT["header"]), bytes.fromhex(VAULT["header_mac"])
SLOTS = [(bytes.fromhex(slot_id), bytes.fromhex(record)) for slot_id, record in VAULT["slots"].items()]


# The verifier.


def _expand(key: bytes, info: bytes, length: int, hash_: str = "sha512") -> bytes:
    out, block, number = b"", b"", 0
    while len(out) < length:
        number += 1
        block = hmac.digest(key, block + info + bytes((number,)), hash_)
        out += block
    return out[:length]


def _open_message(key: bytes, message: bytes, context: bytes) -> bytes:
    salt, commitment, body = message[:24], message[24:56], message[56:]
    okm = _expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76)
    assert okm[44:] == commitment
    plaintext = b""
    for number in range(len(body) // 16_400 + 1):
        nonce = (int.from_bytes(okm[32:44], "big") ^ number).to_bytes(12, "big")
        plaintext += AESGCM(okm[:32]).decrypt(nonce, body[16_400 * number : 16_400 * (number + 1)], None)
    return plaintext


def _context(vault_id: bytes, object_type: int, key_id: int, *parts: bytes) -> bytes:
    head = b"strongroom/v1\0\x01" + vault_id + bytes((object_type,)) + key_id.to_bytes(4, "big")
    return head + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, length: int) -> bytes:
        assert len(self.data) >= length
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def counted(self) -> bytes:
        return self.take(self.number(4))


def _read_header() -> dict[str, Any]:
    cursor = _Cursor(HEADER)
    assert cursor.take(10) == b"SRVAULT\0\x01\x01"
    header: dict[str, Any] = {"vault_id": cursor.take(16), "lineage": cursor.take(16), "epoch": cursor.number(4)}
    cursor.take(8)
    assert cursor.number(8) == 0
    header["identity"] = cursor.take(32)
    header["certificates"] = [(cursor.number(4), cursor.take(32), cursor.take(64)) for _ in range(cursor.number(4))]
    assert cursor.number(4) == 0
    header["keyset"] = cursor.counted()
    assert not cursor.data
    return header


def _read_slot(data: bytes) -> dict[str, Any]:
    cursor = _Cursor(data)
    assert cursor.take(5) == b"SRSL\x01"
    slot: dict[str, Any] = {"kind": cursor.number(1), "id": cursor.take(16)}
    cursor.take(8)
    slot["parameters"], slot["public"] = cursor.counted(), cursor.take(1_216)
    slot["wrap"], slot["epoch"] = cursor.take(236), cursor.number(4)
    slot["handover"], slot["signature"] = cursor.take(1_168), cursor.take(64)
    assert not cursor.data
    return slot


def _slot_secret(slot: dict[str, Any]) -> bytes:
    if slot["kind"] == 2:
        _magic, key_file_id, key, checksum = VAULT["key_file"].rstrip("\n").split(":")
        assert hashlib.sha256(VAULT["key_file"].rpartition(":")[0].encode()).hexdigest()[:8] == checksum
        assert bytes.fromhex(key_file_id) == slot["parameters"]
        return bytes.fromhex(key)
    if slot["kind"] == 3:
        symbols = [
            "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(symbol) for symbol in VAULT["recovery_code"].replace("-", "")
        ]
        bits = "".join(f"{symbol:05b}" for symbol in symbols[:30]) + "00"
        return int(bits, 2).to_bytes(19, "big")
    normal = unicodedata.normalize("NFC", VAULT["passphrase"]).encode()
    prepared = hmac.digest(b"strongroom/v1/passphrase", normal, "sha256")
    cursor = _Cursor(slot["parameters"])
    algorithm, salt = cursor.number(1), cursor.take(32)
    if algorithm == 2:
        return hashlib.pbkdf2_hmac("sha256", prepared, salt, cursor.number(4))
    memory, iterations, lanes = (cursor.number(4) for _ in range(3))
    return Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory).derive(prepared)


def _hpke_open(private: bytes, public: bytes, sealed: bytes, info: bytes) -> bytes:
    """RFC 9180, section 5.1.1 and the hybrid KEM of draft-ietf-hpke-pq (the combiner of X-Wing)."""
    first = MLKEM768PrivateKey.from_seed_bytes(private[:64]).decapsulate(sealed[:1_088])
    ephemeral = sealed[1_088:1_120]
    second = X25519PrivateKey.from_private_bytes(private[64:]).exchange(X25519PublicKey.from_public_bytes(ephemeral))
    shared = hashlib.sha3_256(first + second + ephemeral + public[1_184:] + b"\\.//^\\").digest()
    suite = b"HPKE" + b"\x64\x7a" + b"\x00\x01" + b"\x00\x02"

    def extract(salt: bytes, label: bytes, data: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + data, "sha256")

    def expand(key: bytes, label: bytes, data: bytes, length: int) -> bytes:
        return _expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + data, length, "sha256")

    schedule = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    key, nonce = expand(secret, b"key", schedule, 32), expand(secret, b"base_nonce", schedule, 12)
    return AESGCM(key).decrypt(nonce, sealed[1_120:], None)


def _root_key(header: dict[str, Any], slot: dict[str, Any]) -> bytes:
    vault_id, epoch = header["vault_id"], header["epoch"]
    extracted = hmac.digest(b"strongroom/v1/slot", _slot_secret(slot), "sha512")
    kind = bytes((slot["kind"],))
    info = b"strongroom/v1/slot-kek\0" + vault_id + slot["id"] + kind + slot["parameters"]
    wrap_context = _context(vault_id, 2, 0, slot["id"], kind, slot["parameters"], slot["public"])
    wrapped = _open_message(_expand(extracted, info, 32), slot["wrap"], wrap_context)
    assert len(wrapped) == 164
    private, identity, floor = wrapped[:96], wrapped[96:128], int.from_bytes(wrapped[128:132], "big")
    if floor == epoch:
        assert identity == header["identity"]
        assert slot["epoch"] == epoch
        return wrapped[132:]
    for since, successor, signature in header["certificates"]:
        if since > floor:
            message = _context(vault_id, 5, since, identity, successor)
            Ed25519PublicKey.from_public_bytes(identity).verify(signature, message)
            identity = successor
    assert identity == header["identity"]
    assert slot["epoch"] == epoch > floor
    message = _context(vault_id, 4, epoch, slot["id"], slot["public"], slot["handover"], identity)
    Ed25519PublicKey.from_public_bytes(identity).verify(slot["signature"], message)
    handover_context = _context(vault_id, 3, epoch, slot["id"], slot["public"])
    return _hpke_open(private, slot["public"], slot["handover"], handover_context)


def _derive(root_key: bytes, purpose: bytes, header: dict[str, Any]) -> bytes:
    info = b"strongroom/v1/" + purpose + b"\0" + header["vault_id"] + header["epoch"].to_bytes(4, "big")
    return _expand(root_key, info, 32)


# The tests.


def test_the_frozen_vault_is_of_the_kinds_that_there_are() -> None:
    slots = [_read_slot(record) for _slot_id, record in SLOTS]
    assert [(slot["kind"], slot["parameters"][0] if slot["kind"] == 1 else None) for slot in slots] == [
        (1, 1),
        (1, 2),
        (2, None),
        (3, None),
    ]
    assert _read_header()["epoch"] == 2


@pytest.mark.parametrize("number", range(4), ids=["argon2id", "pbkdf2", "key file", "recovery code"])
def test_the_verifier_opens_every_slot(number: int) -> None:
    slot_id, record = SLOTS[number]
    slot = _read_slot(record)
    assert slot["id"] == slot_id
    assert _root_key(_read_header(), slot).hex() == VAULT["root_key"]


def test_the_verifier_authenticates_the_header_and_opens_the_keyset() -> None:
    header, root_key = _read_header(), bytes.fromhex(VAULT["root_key"])
    message = _context(header["vault_id"], 6, 2, HEADER, *(record for _slot_id, record in sorted(SLOTS)))
    assert hmac.digest(_derive(root_key, b"header", header), message, "sha256") == HEADER_MAC
    context = _context(header["vault_id"], 1, 2)
    assert _open_message(_derive(root_key, b"keyset", header), header["keyset"], context).hex() == VAULT["keyset"]


def test_the_verifier_reads_the_keyset_and_opens_every_row() -> None:
    header, cursor = _read_header(), _Cursor(bytes.fromhex(VAULT["keyset"]))
    assert (cursor.number(1), cursor.number(4)) == (1, 2)
    data_keys = {}
    for _ in range(cursor.number(4)):
        key_id = cursor.number(4)
        assert (cursor.number(1), cursor.number(1)) == (1, 1)
        cursor.take(8)
        data_keys[key_id] = cursor.take(32)
    purposes = {(cursor.number(1), cursor.number(4)): cursor.take(32) for _ in range(cursor.number(4))}
    assert not cursor.data
    assert list(purposes) == [(1, 1), (2, 1), (3, 1), (4, 2)]
    identity = Ed25519PrivateKey.from_private_bytes(purposes[4, 2]).public_key().public_bytes_raw()
    assert identity == header["identity"]
    for row in VAULT["rows"]:
        blob, parts = bytes.fromhex(row["blob"]), [bytes.fromhex(part) for part in row["parts"]]
        key_id = int.from_bytes(blob[:4], "big")
        context = _context(header["vault_id"], row["object_type"], key_id, *parts)
        assert _open_message(data_keys[key_id], blob[4:], context).decode() == row["plaintext"]
    assert {bytes.fromhex(row["blob"])[3] for row in VAULT["rows"]} == {1, 2}


CREDENTIALS = {
    "passphrase": lambda: PassphraseCredential(bytearray(VAULT["passphrase"], "utf-8")),
    "passphrase, typed composed": lambda: PassphraseCredential(
        bytearray(unicodedata.normalize("NFC", VAULT["passphrase"]), "utf-8")
    ),
    "key file": lambda: decode_key_file(bytearray(VAULT["key_file"], "ascii")),
    "recovery code": lambda: parse_recovery_code(bytearray(VAULT["recovery_code"], "ascii")),
}


@pytest.mark.parametrize("case", CREDENTIALS)
def test_strongroom_opens_the_frozen_vault(case: str) -> None:
    credential: Credential = CREDENTIALS[case]()
    keys = unlock(HEADER, HEADER_MAC, SLOTS, credential)
    assert keys.root_key.reveal().hex() == VAULT["root_key"]
    assert keys.is_slot_behind == (case != "key file"), "all other slots are of the first epoch"
    for row in VAULT["rows"]:
        parts = [bytes.fromhex(part) for part in row["parts"]]
        opened = keys.envelope.decrypt(row["object_type"], bytes.fromhex(row["blob"]), *parts)
        assert opened.decode() == row["plaintext"]


def test_strongroom_opens_the_slot_of_each_key_derivation() -> None:
    """Alone, the second passphrase slot would go unnoticed behind the first; its header MAC cannot hold."""
    for number in (0, 1):
        with pytest.raises(Tampered, match="header or a key slot is not what was written"):
            unlock(HEADER, HEADER_MAC, [SLOTS[number]], CREDENTIALS["passphrase"]())


def test_strongroom_writes_the_same_bytes_again() -> None:
    assert Header.decode(HEADER).encode() == HEADER
    for _slot_id, record in SLOTS:
        assert SlotRecord.decode(record).encode() == record
    assert Keyset.decode(bytearray.fromhex(VAULT["keyset"])).encode().hex() == VAULT["keyset"]


@pytest.mark.parametrize("vector", FROZEN["suite_1"], ids=lambda vector: str(vector["plaintext_length"]))
def test_suite_1(vector: dict[str, Any]) -> None:
    key, salt, context = (bytes.fromhex(vector[field]) for field in ("key", "salt", "context"))
    length = vector["plaintext_length"]
    plaintext = hashlib.shake_256(length.to_bytes(4, "big")).digest(length)
    message = aead._encrypt_from_parts(aead._SUITE_1, key, plaintext, context, salt)
    assert message[:200].hex() == vector["message_start"]
    assert hashlib.sha256(message).hexdigest() == vector["message_sha256"]
    assert aead.decrypt(key, message, context) == plaintext
    assert aead.unwrap(key, message, context) == plaintext
    assert _open_message(key, message, context) == plaintext
