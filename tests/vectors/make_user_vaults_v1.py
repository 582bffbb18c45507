"""Makes user-vaults-v1.json: a user vault with a slot of each kind, a key in a session, and values.

    python -m tests.vectors.make_user_vaults_v1 > tests/vectors/user-vaults-v1.json

It was run once, for the first format; what it made stays readable for ever.
"""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

PASSWORD, USER, SESSION, HASH = "Ünmöglich 9317", "41", "abcdefghijklmnopqrstuvwxyz012345", "pbkdf2_sha256$1$salt$hash"
VALUES = [
    ("private_login", "password", 1, b"hunter2"), ("private_login", "more", 8, b'{"a": [1, null]}'),
    ("private_login", "note", 1, b""),
]  # fmt: skip
ROW = "12345678123456781234567812345678,41"


def made() -> dict[str, Any]:
    """The vectors."""
    from tests.django import project

    project.configure()
    from strongroom.credentials import boxes
    from strongroom.crypto.columns import ColumnKey
    from strongroom.django.user_vaults import sessions, slots
    from strongroom.django.user_vaults.models import UserVault, VaultSlot
    from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential, Pbkdf2Profile
    from strongroom.keys.slots.recovery import new_recovery_code
    from strongroom.secret import SecretBytes

    key = SecretBytes(bytes(range(100, 132)))
    vault = UserVault(pk=uuid.UUID(int=2**127 + 5), user_id=int(USER), created_us=1_795_000_000_000_001, generation=3)
    private, public = boxes.generate()
    code = new_recovery_code()
    cost = Argon2idProfile(memory_kib=19_456, iterations=2, lanes=1)

    def slot(kind: str) -> VaultSlot:
        return VaultSlot(vault_id=vault.pk, kind=kind, created_us=1_795_000_000_000_002)

    def password(profile: Any) -> PassphraseCredential:
        return PassphraseCredential(bytearray(PASSWORD.encode()), profile=profile)

    found = [
        slots.wrap(slot("password"), vault, password(cost), key),
        slots.wrap(slot("password"), vault, password(Pbkdf2Profile()), key),
        slots.wrap(slot("recovery"), vault, code, key),
        slots.seal(slot("escrow"), vault, public[-1_216:], key),
    ]
    vault.proof = slots.proof(vault, found, key)
    cookie = sessions.new_cookie()
    head = b"srf\x03" + (1).to_bytes(4, "big") + vault.pk.bytes
    return {
        "user key": key.reveal().hex(),
        "vault": {"id": vault.pk.hex, "user": USER, "created_us": vault.created_us, "generation": vault.generation,
                  "proof": vault.proof.hex()},
        "slots": [
            {"id": one.pk.hex, "kind": one.kind, "algorithm": one.algorithm, "memory_kib": one.memory_kib,
             "iterations": one.iterations, "lanes": one.lanes, "salt": one.salt.hex(), "wrapped": one.wrapped.hex(),
             "created_us": one.created_us}
            for one in found
        ],
        "password": PASSWORD, "code": code.code().reveal(), "escrow private": private.reveal().hex(),
        "session": {
            "cookie": bytes(cookie).hex(), "name": SESSION, "password": HASH,
            "entry": sessions.wrap(key, cookie, sessions.place(vault.pk, vault.generation, USER, HASH, SESSION)),
        },
        "row": ROW,
        "values": [
            {"place": [table, column], "kind": kind, "content": content.hex(), "stored": (
                head + ColumnKey(key, vault.pk.bytes, 1, table, column).encrypt(
                    bytes((kind,)) + content, ROW.encode() + b":" + head)
            ).hex()}
            for table, column, kind, content in VALUES
        ],
    }  # fmt: skip


if __name__ == "__main__":
    json.dump(made(), sys.stdout, indent=1)
    sys.stdout.write("\n")
