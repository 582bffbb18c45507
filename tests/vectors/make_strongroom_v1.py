"""Makes strongroom-v1.json: a vault frozen in the first format, with everything needed to open it.

Run from the top of the repository, only ever to add a file for a new format:

    PYTHONPATH=src python tests/vectors/make_strongroom_v1.py

The values are random; test_strongroom_v1.py opens the frozen file with strongroom and with a
verifier of its own, written from docs/format.md.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from strongroom.crypto import aead, labels
from strongroom.crypto.entropy import random_bytes
from strongroom.keys.opening import create_keys
from strongroom.keys.slots.interface import Credential
from strongroom.keys.slots.key_file import encode_key_file, new_key_file
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential, Pbkdf2Profile
from strongroom.keys.slots.recovery import new_recovery_code
from strongroom.keys.unlocked import UnlockedKeys

HERE = Path(__file__).parent
NOW = 1_790_000_000_000_000
PASSPHRASE = "Grüße, e\u0301tagère"


def suite_1() -> list[dict[str, str | int]]:
    """Messages around the borders of a chunk; the plaintext is SHAKE256 of its length as 4 bytes."""
    made: list[dict[str, str | int]] = []
    for length in (0, 1, 100, 16_383, 16_384, 16_385, 32_768):
        key, salt, context = random_bytes(32), random_bytes(24), random_bytes(40)
        plaintext = hashlib.shake_256(length.to_bytes(4, "big")).digest(length)
        message = aead._encrypt_from_parts(aead._SUITE_1, key, plaintext, context, salt)
        made.append(
            {
                "key": key.hex(),
                "salt": salt.hex(),
                "context": context.hex(),
                "plaintext_length": length,
                "message_start": message[:200].hex(),
                "message_sha256": hashlib.sha256(message).hexdigest(),
            }
        )
    return made


def _rows(keys: UnlockedKeys) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for object_type in range(labels.NODE, labels.SLOT_NOTE + 1):
        parts = [random_bytes(16), (7).to_bytes(8, "big"), b""]
        plaintext = f"an object of type {object_type}".encode()
        made.append(
            {
                "object_type": object_type,
                "parts": [part.hex() for part in parts],
                "plaintext": plaintext.decode(),
                "blob": keys.envelope.encrypt(object_type, plaintext, *parts).hex(),
            }
        )
    return made


def vault() -> dict[str, object]:
    """A vault in its second epoch: a slot of each kind and key derivation, two data keys."""
    key_file, recovery = new_key_file(), new_recovery_code()
    cheap = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=2)
    credentials: list[Credential] = [
        PassphraseCredential(bytearray(PASSPHRASE, "utf-8"), profile=cheap),
        PassphraseCredential(bytearray(PASSPHRASE, "utf-8"), profile=Pbkdf2Profile()),
        key_file,
        recovery,
    ]
    keys = create_keys(random_bytes(16), random_bytes(16), NOW)
    rows = _rows(keys)
    keys.keyset.add_primary(NOW + 1)
    keys, records = keys.next_epoch([keys.new_slot(credential, NOW) for credential in credentials])
    # One slot has caught up with the new root key; the others get it by handover.
    records[2] = keys.new_slot(key_file, NOW + 1, records[2].slot_id)
    rows += _rows(keys)
    body, mac = keys.seal_header(records)
    return {
        "passphrase": PASSPHRASE,
        "key_file": encode_key_file(key_file).decode("ascii"),
        "recovery_code": recovery.code().reveal(),
        "header": body.hex(),
        "header_mac": mac.hex(),
        "slots": {record.slot_id.hex(): record.encode().hex() for record in records},
        "root_key": keys.root_key.reveal().hex(),
        "keyset": keys.keyset.encode().hex(),
        "rows": rows,
    }


if __name__ == "__main__":
    frozen = {
        "source": "made by tests/vectors/make_strongroom_v1.py; Apache-2.0, as the rest of strongroom",
        "suite_1": suite_1(),
        "vault": vault(),
    }
    (HERE / "strongroom-v1.json").write_text(json.dumps(frozen, indent=1, ensure_ascii=True) + "\n")
