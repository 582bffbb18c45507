"""A user vault frozen in the first format still opens, for strongroom and for a verifier of its own.

The verifier is written from docs/format.md#user-vaults and shares no line with strongroom: argon2-cffi, hashlib and
hmac for the derivations, AES-GCM for the rest; HPKE has vectors of its own. Source: user-vaults-v1.json,
make_user_vaults_v1.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import unicodedata
import uuid
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.credentials import boxes
from strongroom.errors import Tampered, WrongKey
from strongroom.secret import SecretBytes
from tests.vectors.make_user_vaults_v1 import VALUES

FROZEN: dict[str, Any] = json.loads((Path(__file__).parent / "user-vaults-v1.json").read_text())
VAULT, SLOTS, SESSION = FROZEN["vault"], FROZEN["slots"], FROZEN["session"]
USER_KEY, VAULT_ID = bytes.fromhex(FROZEN["user key"]), bytes.fromhex(FROZEN["vault"]["id"])
USER = VAULT["user"].encode()
NUMBERS = {"password": 1, "recovery": 3, "escrow": 64}


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512."""
    out, block = b"", b""
    for number in range(1, -(-length // 64) + 1):
        block = hmac.new(key, block + info + bytes((number,)), "sha512").digest()
        out += block
    return out[:length]


def counted(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def context(number: int, *parts: bytes) -> bytes:
    head = b"strongroom/v1\0" + b"\x01" + VAULT_ID + bytes((number,)) + bytes(4)
    return head + b"".join(map(counted, parts))


def suite_1(key: bytes, message: bytes, bound: bytes) -> bytes:
    """One message of less than a chunk."""
    salt, commitment, body = message[:24], message[24:56], message[56:]
    okm = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + bound, 76)
    assert okm[44:] == commitment
    return AESGCM(okm[:32]).decrypt(okm[32:44], body, None)


def parameters(slot: dict[str, Any]) -> bytes:
    salt = bytes.fromhex(slot["salt"])
    if slot["kind"] == "recovery":
        return salt
    costs = [slot["memory_kib"], slot["iterations"], slot["lanes"]] if slot["algorithm"] == 1 else [slot["iterations"]]
    return bytes((slot["algorithm"],)) + salt + b"".join(struct.pack(">I", cost) for cost in costs)


def secret(slot: dict[str, Any]) -> bytes:
    """What the slot's key is derived from."""
    salt = bytes.fromhex(slot["salt"])
    if slot["kind"] == "recovery":
        number = 0
        for symbol in FROZEN["code"].replace("-", "")[:30]:
            number = number << 5 | "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(symbol)
        return (number << 2).to_bytes(19, "big")
    typed = unicodedata.normalize("NFC", FROZEN["password"]).encode()
    prepared = hmac.new(b"strongroom/v1/passphrase", typed, "sha256").digest()
    if slot["algorithm"] == 2:
        return hashlib.pbkdf2_hmac("sha256", prepared, salt, slot["iterations"])
    low_level = pytest.importorskip("argon2.low_level")
    found: bytes = low_level.hash_secret_raw(
        prepared, salt, slot["iterations"], slot["memory_kib"], slot["lanes"], 32, low_level.Type.ID
    )
    return found


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: f"{slot['kind']}-{slot['algorithm']}")
def test_the_verifier_opens_each_slot(slot: dict[str, Any]) -> None:
    """The user key comes out of all of them."""
    slot_id, wrapped = bytes.fromhex(slot["id"]), bytes.fromhex(slot["wrapped"])
    if slot["kind"] == "escrow":
        fingerprint = bytes.fromhex(slot["salt"])
        private = bytes.fromhex(FROZEN["escrow private"])
        assert fingerprint == hashlib.sha256(boxes.public_key(private)[-1_216:]).digest()
        info = context(20, slot_id, USER, fingerprint)
        assert boxes.open_sealed(private, wrapped, info=info) == USER_KEY
        return
    kind = bytes((NUMBERS[slot["kind"]],))
    extracted = hmac.new(b"strongroom/v1/slot", secret(slot), "sha512").digest()
    info = b"strongroom/v1/slot-kek\0" + VAULT_ID + slot_id + kind + parameters(slot)
    kek = expand(extracted, info, 32)
    assert suite_1(kek, wrapped, context(18, slot_id, kind, USER, parameters(slot))) == USER_KEY


def test_the_verifier_makes_the_same_proof() -> None:
    """Over the vault's row and all slots."""
    key = expand(USER_KEY, b"strongroom/v1/user-vault\0" + VAULT_ID + struct.pack(">I", 1), 32)
    said = VAULT_ID + counted(USER) + struct.pack(">QQ", VAULT["created_us"], VAULT["generation"])
    for slot in sorted(SLOTS, key=lambda one: one["id"]):
        said += bytes.fromhex(slot["id"]) + counted(slot["kind"].encode())
        said += struct.pack(">IIII", slot["algorithm"], slot["memory_kib"], slot["iterations"], slot["lanes"])
        said += counted(bytes.fromhex(slot["salt"])) + counted(bytes.fromhex(slot["wrapped"]))
        said += struct.pack(">Q", slot["created_us"])
    assert hmac.new(key, said, "sha256").hexdigest() == VAULT["proof"]


def test_the_verifier_opens_the_session() -> None:
    """With the browser's key."""
    password = hashlib.sha256(SESSION["password"].encode()).digest()
    bound = context(19, str(VAULT["generation"]).encode(), USER, password, SESSION["name"].encode())
    message = base64.urlsafe_b64decode(SESSION["entry"])
    assert suite_1(bytes.fromhex(SESSION["cookie"]), message, bound) == USER_KEY


@pytest.mark.parametrize("value", FROZEN["values"], ids=lambda value: value["place"][1])
def test_the_verifier_opens_each_value(value: dict[str, Any]) -> None:
    """Under a key of its column."""
    stored, row = bytes.fromhex(value["stored"]), FROZEN["row"].encode()
    head = stored[:24]
    assert head == b"srf\x03" + struct.pack(">I", 1) + VAULT_ID
    place = VAULT_ID + struct.pack(">I", 1) + b"".join(counted(one.encode()) for one in value["place"])
    column = expand(USER_KEY, b"strongroom/v1/column\0" + place, 32)
    one = hmac.new(column, b"cipher" + stored[24:25] + b"\x01", "sha256").digest()
    plain = AESGCM(one).decrypt(stored[25:37], stored[37:], row + b":" + head)
    assert plain == bytes((value["kind"],)) + bytes.fromhex(value["content"])
    assert (*value["place"], value["kind"], plain[1:]) in VALUES


def rows() -> tuple[Any, list[Any]]:
    from tests.django import project

    project.configure()
    from strongroom.django.user_vaults.models import UserVault, VaultSlot

    vault = UserVault(
        pk=uuid.UUID(VAULT["id"]), user_id=int(VAULT["user"]), created_us=VAULT["created_us"],
        generation=VAULT["generation"], proof=bytes.fromhex(VAULT["proof"]),
    )  # fmt: skip
    found = [
        VaultSlot(**{**one, "id": uuid.UUID(one["id"]), "vault_id": vault.pk, "salt": bytes.fromhex(one["salt"]),
                     "wrapped": bytes.fromhex(one["wrapped"])})
        for one in SLOTS
    ]  # fmt: skip
    return vault, found


def test_strongroom_opens_it() -> None:
    """Slots, proof, session and values."""
    vault, found = rows()
    from strongroom.django.user_vaults import sessions, slots
    from strongroom.django.user_vaults.fields import LockedValue
    from strongroom.django.user_vaults.unlocked import UnlockedVault
    from strongroom.keys.slots.passphrase import PassphraseCredential
    from strongroom.keys.slots.recovery import parse_recovery_code
    from tests.django.private.models import Login

    key = SecretBytes(USER_KEY)
    slots.check_proof(vault, found, key)
    credentials: list[Any] = [PassphraseCredential(bytearray(FROZEN["password"].encode()))] * 2
    credentials.append(parse_recovery_code(bytearray(FROZEN["code"].encode())))
    for slot, credential in zip(found, credentials, strict=False):
        assert slots.unwrap(slot, vault, credential) == key
    with pytest.raises(WrongKey):
        slots.unwrap(found[0], vault, PassphraseCredential(bytearray(b"another")))
    private = bytes.fromhex(FROZEN["escrow private"])
    opened = boxes.open_sealed(private, found[3].wrapped, info=slots.escrow_info(found[3], vault))
    assert opened == USER_KEY
    place = sessions.place(vault.pk, vault.generation, VAULT["user"], SESSION["password"], SESSION["name"])
    cookie = bytearray.fromhex(SESSION["cookie"])
    assert sessions.unwrap(SESSION["entry"], cookie, place) == key
    with pytest.raises(Tampered):
        sessions.unwrap(SESSION["entry"], cookie, place + b"\0")
    unlocked = UnlockedVault(vault.pk, VAULT["user"], 3, SecretBytes(USER_KEY))
    for value in FROZEN["values"]:
        field: Any = Login._meta.get_field(value["place"][1])
        locked = LockedValue(field, FROZEN["row"].encode(), bytes.fromhex(value["stored"]))
        shown = locked.reveal(unlocked)
        assert field.to_bytes(shown) == bytes.fromhex(value["content"])
