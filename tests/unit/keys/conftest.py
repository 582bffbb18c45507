"""A vault's keys with one slot of each kind, at the lowest cost the format allows."""

from __future__ import annotations

import pytest

from strongroom.keys.format import SlotRecord
from strongroom.keys.opening import UnlockedKeys, create_keys
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.keys.slots.recovery import RecoveryCredential, new_recovery_code

NOW = 1_790_000_000_000_000
VAULT = bytes(range(16))
LINEAGE = bytes(range(16, 32))
CHEAP = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)


class Stored:
    """Header and slot rows as they would lie in a store."""

    def __init__(self, keys: UnlockedKeys, records: list[SlotRecord]) -> None:
        self.keys = keys
        self.records = records
        self.body, self.mac = keys.seal_header(records)
        self.rows = [(record.slot_id, record.encode()) for record in records]


class Opened(Stored):
    """A vault with a passphrase, a key file and a recovery code."""

    def __init__(self) -> None:
        self.passphrase = PassphraseCredential(bytearray(b"correct horse"), profile=CHEAP)
        self.key_file: KeyFileCredential = new_key_file()
        self.recovery: RecoveryCredential = new_recovery_code()
        self.credentials = (self.passphrase, self.key_file, self.recovery)
        keys = create_keys(VAULT, LINEAGE, NOW)
        super().__init__(keys, [keys.new_slot(credential, NOW) for credential in self.credentials])


@pytest.fixture(scope="module")
def stored() -> Opened:
    """Shared by a module: tests do not change it, they change copies of its bytes."""
    return Opened()
