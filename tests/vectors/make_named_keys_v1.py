"""Makes named-keys-v1.json: named keys of every kind, frozen in the first format, and what they made.

Run from the top of the repository, only ever to add a file for a new format:

    PYTHONPATH=src python tests/vectors/make_named_keys_v1.py

The values are random; test_named_keys_v1.py reads the frozen file with strongroom and with a
verifier of its own, written from docs/format.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.named_keys.named_key import NamedKey
from strongroom.vault.named_keys.record import KINDS, encode_record
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

HERE = Path(__file__).parent
NOW = 1_790_000_000_000_000


def key(vault: Vault, kind: str) -> NamedKey:
    """A key that has been through everything: version 1 destroyed, 2 disabled, 3 older, 4 primary, 5 staged."""
    made = vault.keys.create(f"my {kind}", kind)  # type: ignore[arg-type]  # one of KINDS
    for _ in range(3):
        made.rotate()
    made.destroy(1)
    made.disable(2)
    made.set_min_decrypt_version(2)
    made.stage()
    return made


def frozen(vault: Vault, kind: str) -> dict[str, object]:
    """The record, and what the primary version makes of ``data``."""
    named = key(vault, kind)
    made: dict[str, object] = {"record": encode_record(named._known().record).hex(), "data": "data"}
    if kind == "aead":
        made |= {"associated_data": "row 7", "message": named.encrypt(b"data", associated_data=b"row 7").hex()}
    elif kind == "fernet":
        made |= {"message": named.encrypt(b"data").decode()}
    elif kind == "box":
        made |= {"associated_data": "orders", "message": named.seal(b"data", info=b"orders").hex()}
    elif kind == "hmac":
        made |= {"message": named.mac(b"data").hex()}
    return made


if __name__ == "__main__":
    with create_vault(MemoryStore(), [new_key_file()], author="vectors", clock_us=lambda: NOW) as open_vault:
        keys = {kind: frozen(open_vault, kind) for kind in KINDS}
    content = {
        "source": "made by tests/vectors/make_named_keys_v1.py; Apache-2.0, as the rest of strongroom",
        "keys": keys,
    }
    (HERE / "named-keys-v1.json").write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n")
