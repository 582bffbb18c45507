"""Makes deposit-v1.json: a deposit frozen in the first format, with the keys that open and sign it.

Run from the top of the repository, only ever to add a file for a new format:

    PYTHONPATH=src python tests/vectors/make_deposit_v1.py

The values are random; test_deposit_v1.py opens the frozen file with strongroom and with a
verifier of its own, written from docs/format.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from strongroom.crypto import labels
from strongroom.crypto.entropy import random_bytes
from strongroom.items import Field
from strongroom.keys import deposit_keys
from strongroom.keys.opening import create_keys
from strongroom.keys.slots.key_file import new_key_file
from strongroom.vault.deposit_records import Deposit, encode_content

HERE = Path(__file__).parent
NOW = 1_790_000_000_000_000
PATH = "sites/bücher/login"


def deposit() -> dict[str, object]:
    """A vault that has had a depositor since its first epoch and is in its second, and a deposit made then."""
    keys = create_keys(random_bytes(16), random_bytes(16), NOW)
    deposit_keys.ensure_deposit_seed(keys.keyset)
    depositor = deposit_keys.new_depositor_key(keys, random_bytes(16))
    keys, _records = keys.next_epoch([keys.new_slot(new_key_file(), NOW)])
    deposit_keys.renew_deposit_seed(keys.keyset)
    notice = deposit_keys.make_notice(keys)
    version, public = deposit_keys.check_notice(notice, depositor.pinned)
    deposit_id, counter = random_bytes(16), NOW + 7
    fields = {
        "username": Field("username", "text", b"dustin", is_secret=False),
        "password": Field("password", "text", "Grüße".encode(), is_secret=True),
    }
    content = encode_content(PATH, fields)
    vault_id = keys.header.vault_id
    info = deposit_keys.deposit_info(vault_id, version, deposit_id, depositor.depositor_id, counter)
    sealed = deposit_keys.seal_deposit(public, content, info)
    made = Deposit(
        vault_id=vault_id, key_version=version, deposit_id=deposit_id, depositor_id=depositor.depositor_id,
        counter=counter, sealed=sealed, signature=depositor.sign(version, deposit_id, counter, sealed),
    )  # fmt: skip
    return {
        "path": PATH,
        "counter": counter,
        "deposit_seed": bytes(keys.keyset.purpose_key(labels.DEPOSIT_SEED, version)).hex(),
        "depositor_file": depositor.encode().decode("ascii"),
        "depositor_public_key": depositor.public_key().hex(),
        "notice": notice.hex(),
        "content": content.hex(),
        "deposit": made.encode().hex(),
    }


if __name__ == "__main__":
    frozen = {
        "source": "made by tests/vectors/make_deposit_v1.py; Apache-2.0, as the rest of strongroom",
        "deposit": deposit(),
    }
    (HERE / "deposit-v1.json").write_text(json.dumps(frozen, indent=1, ensure_ascii=True) + "\n")
