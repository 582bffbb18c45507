"""Unlocking: every credential opens, and nothing that was touched is believed."""

from __future__ import annotations

import copy
import pickle

import pytest

from strongroom.crypto import kdf, labels
from strongroom.errors import FormatUnsupported, RolledBack, Tampered, VaultLocked, WrongKey
from strongroom.keys.format import SLOTS_MAX, SlotRecord
from strongroom.keys.opening import create_keys, reload_keys, unlock
from strongroom.keys.slots import registry
from strongroom.keys.slots.interface import Credential
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.keys.slots.recovery import new_recovery_code
from strongroom.keys.unlocked import UnlockedKeys

NOW = 1_790_000_000_000_000
VAULT = bytes(range(16))
LINEAGE = bytes(range(16, 32))
PASSPHRASE, KEY_FILE, RECOVERY = range(3)

Rows = list[tuple[bytes, bytes]]


class Stored:
    """Header and slot rows as they lie in a store, of a vault with one slot of each kind."""

    def __init__(self) -> None:
        cheap = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
        self.credentials: tuple[PassphraseCredential, KeyFileCredential, Credential] = (
            PassphraseCredential(bytearray(b"correct horse"), profile=cheap),
            new_key_file(),
            new_recovery_code(),
        )
        self.keys = create_keys(VAULT, LINEAGE, NOW)
        self.records = [self.keys.new_slot(credential, NOW) for credential in self.credentials]
        self.body, self.mac = self.keys.seal_header(self.records)
        self.rows: Rows = [(record.slot_id, record.encode()) for record in self.records]
        self.blob = self.keys.envelope.encrypt(labels.NODE, b"value", b"place")

    def open(self, which: int, rows: Rows | None = None) -> UnlockedKeys:
        return unlock(self.body, self.mac, self.rows if rows is None else rows, self.credentials[which])


@pytest.fixture(scope="module")
def stored() -> Stored:
    """Shared by a module: tests change copies of its bytes alone."""
    return Stored()


def _flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def _flipped(rows: Rows, which: int, place: int) -> Rows:
    return [
        (slot_id, _flip(record, place) if number == which else record) for number, (slot_id, record) in enumerate(rows)
    ]


def test_a_slot_says_what_kind_it_is_and_what_it_costs(stored: Stored) -> None:
    key_file_id = stored.credentials[KEY_FILE].key_file_id
    assert [(registry.kind_name(record.kind), registry.describe(record)) for record in stored.records] == [
        ("passphrase", "Argon2id, 19 MiB, 1 iterations, 1 lanes"),
        ("key-file", f"key file {key_file_id.hex()}"),
        ("recovery", "150 random bits"),
    ]
    assert [registry.is_outdated(record) for record in stored.records] == [True, False, False]


def test_macs_are_there_for_every_version_of_a_purpose_key_newest_first() -> None:
    keys = create_keys(VAULT, LINEAGE, NOW)
    old = keys.mac("index").digest(b"data")
    keys.keyset.add_purpose_key(labels.INDEX_KEY)
    new = keys.mac("index").digest(b"data")
    assert [mac.digest(b"data") for mac in keys.macs("index")] == [new, old]
    assert new != old


@pytest.mark.parametrize("which", [PASSPHRASE, KEY_FILE, RECOVERY])
def test_each_credential_opens_the_vault(which: int, stored: Stored) -> None:
    keys = stored.open(which)
    assert keys.root_key == stored.keys.root_key
    assert keys.slot_id == stored.records[which].slot_id
    assert (keys.header.vault_id, keys.header.lineage, keys.header.epoch) == (VAULT, LINEAGE, 1)
    assert not keys.is_slot_behind
    assert keys.envelope.decrypt(labels.NODE, stored.blob, b"place") == b"value"
    for purpose in ("index", "ledger", "audit"):
        assert keys.mac(purpose).digest(b"data") == stored.keys.mac(purpose).digest(b"data")


def test_the_order_of_rows_does_not_matter(stored: Stored) -> None:
    assert stored.open(KEY_FILE, stored.rows[::-1]).check_slots(stored.rows)[0].slot_id == min(stored.rows)[0]


STRANGERS = {
    "passphrase": lambda: PassphraseCredential(bytearray(b"Correct horse")),
    "key file": new_key_file,
    "recovery code": new_recovery_code,
}


@pytest.mark.parametrize("case", STRANGERS)
def test_every_wrong_credential_gets_the_same_answer(case: str, stored: Stored) -> None:
    with pytest.raises(WrongKey, match=r"^no key slot opens with this$") as caught:
        unlock(stored.body, stored.mac, stored.rows, STRANGERS[case]())
    assert caught.value.__cause__ is None


def test_a_changed_slot_cannot_be_told_from_a_wrong_passphrase(stored: Stored) -> None:
    """Only the key that it would have given says which of both it is: the hint names both."""
    wrap = stored.rows[PASSPHRASE][1].index(stored.records[PASSPHRASE].wrap)
    rows = _flipped(stored.rows, PASSPHRASE, wrap)
    with pytest.raises(WrongKey) as changed:
        stored.open(PASSPHRASE, rows)
    with pytest.raises(WrongKey) as wrong:
        unlock(stored.body, stored.mac, stored.rows, STRANGERS["passphrase"]())
    assert changed.value.args == wrong.value.args and changed.value.advice == wrong.value.advice
    assert "strongroom restore-backup" in changed.value.advice
    with pytest.raises(Tampered):
        stored.open(KEY_FILE, rows)


def test_the_right_key_under_another_id_opens_nothing(stored: Stored) -> None:
    own = stored.credentials[KEY_FILE]
    with pytest.raises(WrongKey):
        unlock(stored.body, stored.mac, stored.rows, KeyFileCredential(bytes(16), own.secret(own.key_file_id)))


def test_every_changed_byte_of_the_header_is_refused(stored: Stored) -> None:
    for place in range(len(stored.body)):
        body = _flip(stored.body, place)
        with pytest.raises((Tampered, FormatUnsupported, WrongKey)) as caught:
            unlock(body, stored.mac, stored.rows, stored.credentials[KEY_FILE])
        # The vault id is part of every key: with another one no slot opens.
        assert isinstance(caught.value, WrongKey) == (10 <= place < 26)
        assert isinstance(caught.value, FormatUnsupported) == (place in (8, 9) or 54 <= place < 62)
    for place in range(len(stored.mac)):
        with pytest.raises(Tampered):
            unlock(stored.body, _flip(stored.mac, place), stored.rows, stored.credentials[KEY_FILE])
    for body in (stored.body[:-1], stored.body + b"\0", b""):
        with pytest.raises(Tampered):
            unlock(body, stored.mac, stored.rows, stored.credentials[KEY_FILE])
    for mac in (b"", stored.mac[:-1], stored.mac + b"\0"):
        with pytest.raises(Tampered):
            unlock(stored.body, mac, stored.rows, stored.credentials[KEY_FILE])


def test_every_changed_byte_of_the_own_slot_is_refused(stored: Stored) -> None:
    for place in range(len(stored.rows[KEY_FILE][1])):
        with pytest.raises((Tampered, FormatUnsupported, WrongKey)):
            stored.open(KEY_FILE, _flipped(stored.rows, KEY_FILE, place))


def test_every_changed_byte_of_another_slot_is_refused(stored: Stored) -> None:
    for which in (PASSPHRASE, RECOVERY):
        for place in range(len(stored.rows[which][1])):
            with pytest.raises(Tampered):
                stored.open(KEY_FILE, _flipped(stored.rows, which, place))


def test_a_damaged_slot_does_not_make_the_right_credential_look_wrong() -> None:
    """Two slots with one passphrase: the damaged one is passed over, then the header MAC refuses."""
    cheap = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
    credential = PassphraseCredential(bytearray(b"correct horse"), profile=cheap)
    keys = create_keys(VAULT, LINEAGE, NOW)
    records = [keys.new_slot(credential, NOW, slot_id=bytes((number,)) * 16) for number in (1, 2)]
    body, mac = keys.seal_header(records)
    rows = [(record.slot_id, record.encode()) for record in records]
    assert unlock(body, mac, rows, credential).slot_id == bytes((1,)) * 16
    # Magic, a KDF cost out of bounds, the wrap: found before, and while, the slot is tried.
    for place in (0, 67, 1_400):
        with pytest.raises(Tampered, match="header or a key slot"):
            unlock(body, mac, _flipped(rows, 0, place), credential)


def test_a_wrong_credential_on_damaged_slots_is_told_about_the_damage(stored: Stored) -> None:
    rows = _flipped(_flipped(stored.rows, PASSPHRASE, 0), RECOVERY, 0)
    with pytest.raises(Tampered, match=r"^2 of the key slots are damaged") as caught:
        unlock(stored.body, stored.mac, rows, new_key_file())
    assert len(caught.value.findings) == 2


def test_a_slot_of_a_newer_kind_is_passed_over_but_stays_authenticated(stored: Stored) -> None:
    keys = create_keys(VAULT, LINEAGE, NOW)
    own = keys.new_slot(stored.credentials[KEY_FILE], NOW)
    newer = keys.new_slot(new_recovery_code(), NOW)
    newer.kind = 9
    body, mac = keys.seal_header([own, newer])
    rows = [(record.slot_id, record.encode()) for record in (own, newer)]
    opened = unlock(body, mac, rows, stored.credentials[KEY_FILE])
    with pytest.raises(FormatUnsupported, match="kind 9"):
        opened.check_slots(rows)
    with pytest.raises(Tampered):
        unlock(body, mac, _flipped(rows, 1, 1_500), stored.credentials[KEY_FILE])
    # Nothing to try: the reason is the newer kind.
    with pytest.raises(FormatUnsupported, match="kind 9"):
        unlock(body, mac, rows, new_recovery_code())
    with pytest.raises(WrongKey):
        other = KeyFileCredential(stored.credentials[KEY_FILE].key_file_id, bytearray(32))
        unlock(body, mac, rows, other)


def test_slots_added_taken_away_doubled_or_exchanged_are_refused(stored: Stored) -> None:
    planted = stored.keys.new_slot(new_recovery_code(), NOW)
    (first, one), (second, other), third = stored.rows
    cases: dict[str, Rows] = {
        "added": [*stored.rows, (planted.slot_id, planted.encode())],
        "taken away": stored.rows[:2],
        "doubled": [*stored.rows, stored.rows[0]],
        "ids exchanged": [(first, other), (second, one), third],
        "another id": [(bytes(16), one), *stored.rows[1:]],
        "replaced by an older slot of the same id": [
            (first, stored.keys.new_slot(stored.credentials[PASSPHRASE], NOW, slot_id=first).encode()),
            *stored.rows[1:],
        ],
    }
    for case, rows in cases.items():
        with pytest.raises(Tampered):
            stored.open(KEY_FILE, rows)
            pytest.fail(case)
        with pytest.raises(Tampered):
            stored.keys.check_slots(rows)
            pytest.fail(case)


def test_a_record_under_another_id_is_refused_though_the_mac_holds() -> None:
    credential = new_key_file()
    keys = create_keys(VAULT, LINEAGE, NOW)
    record = keys.new_slot(credential, NOW)
    body, mac = keys.seal_header([record])
    with pytest.raises(Tampered, match="another slot's id"):
        unlock(body, mac, [(bytes(16), record.encode())], credential)


def test_more_slots_than_there_may_be_are_refused_before_any_is_tried(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kdf, "_argon2id_from_parts", lambda *_a, **_k: pytest.fail("Argon2id ran"))
    record = stored.rows[PASSPHRASE][1]
    rows = [(bytes((number,)) * 16, record) for number in range(SLOTS_MAX + 1)]
    with pytest.raises(Tampered, match="more than 32"):
        stored.open(PASSPHRASE, rows)


def test_a_passphrase_costs_one_derivation_for_each_passphrase_slot(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    derive, ran = kdf._argon2id_from_parts, []

    def count(*arguments: object, **cost: object) -> bytearray:
        ran.append(cost)
        return derive(*arguments, **cost)  # type: ignore[arg-type]

    monkeypatch.setattr(kdf, "_argon2id_from_parts", count)
    with pytest.raises(WrongKey):
        unlock(stored.body, stored.mac, stored.rows, PassphraseCredential(bytearray(b"wrong")))
    assert len(ran) == 1
    stored.open(RECOVERY)
    stored.open(KEY_FILE)
    assert len(ran) == 1, "other credentials run none"


@pytest.mark.parametrize(
    "cost", [(8, 1, 1), (19_455, 3, 4), (2_097_153, 3, 4), (65_536, 0, 4), (65_536, 4_000_000_000, 4)]
)
def test_a_planted_cost_is_refused_before_the_derivation_runs(
    cost: tuple[int, int, int], stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Downgrade and bomb: whoever can write the slot chooses what it asks for."""
    monkeypatch.setattr(kdf, "_argon2id_from_parts", lambda *_a, **_k: pytest.fail("Argon2id ran"))
    record = SlotRecord.decode(stored.rows[PASSPHRASE][1])
    record.parameters = record.parameters[:33] + b"".join(number.to_bytes(4, "big") for number in cost)
    with pytest.raises(Tampered, match="damaged"):
        stored.open(PASSPHRASE, [(record.slot_id, record.encode()), *stored.rows[1:]])


def test_a_cheaper_cost_within_bounds_does_not_open(stored: Stored) -> None:
    """The cost is part of the slot's key and of the wrap's context."""
    record = SlotRecord.decode(stored.rows[PASSPHRASE][1])
    record.parameters = record.parameters[:33] + b"".join(number.to_bytes(4, "big") for number in (19_456, 2, 1))
    with pytest.raises(WrongKey):
        stored.open(PASSPHRASE, [(record.slot_id, record.encode()), *stored.rows[1:]])


def test_a_changed_slot_opens_with_the_new_secret_only() -> None:
    old, new = new_key_file(), new_key_file()
    keys = create_keys(VAULT, LINEAGE, NOW)
    first = keys.new_slot(old, NOW)
    keys.seal_header([first])
    second = keys.new_slot(new, NOW + 1, slot_id=first.slot_id)
    body, mac = keys.seal_header([second])
    rows = [(second.slot_id, second.encode())]
    assert unlock(body, mac, rows, new).slot_id == first.slot_id
    with pytest.raises(WrongKey):
        unlock(body, mac, rows, old)
    assert second.public_key != first.public_key


def test_a_header_is_sealed_over_sensible_slots_alone(stored: Stored) -> None:
    keys = create_keys(VAULT, LINEAGE, NOW)
    record = keys.new_slot(new_key_file(), NOW)
    later, _ = keys.next_epoch([])
    for records in ([], [record, record], [record] * 33):
        with pytest.raises(ValueError, match="1 to 32"):
            keys.seal_header(records)
    with pytest.raises(ValueError, match="another root key"):
        later.seal_header([record])


def test_a_keyset_with_another_identity_is_refused(stored: Stored) -> None:
    keys = create_keys(VAULT, LINEAGE, NOW)
    credential = new_key_file()
    record = keys.new_slot(credential, NOW)
    keys.keyset.add_purpose_key(labels.IDENTITY_SEED)
    body, mac = keys.seal_header([record])
    opened = unlock(body, mac, [(record.slot_id, record.encode())], credential)
    with pytest.raises(Tampered, match="identity"):
        opened.check_identity()


def test_keys_follow_a_header_that_another_program_sealed() -> None:
    credential = new_key_file()
    keys = create_keys(VAULT, LINEAGE, NOW)
    record = keys.new_slot(credential, NOW)
    body, mac = keys.seal_header([record])
    rows = [(record.slot_id, record.encode())]
    mine = unlock(body, mac, rows, credential)
    assert mine.has_header(body, mac)

    keys.keyset.add_primary(NOW + 1)
    body, mac = keys.seal_header([record])
    blob = keys.envelope.encrypt(labels.NODE, b"new")
    assert not mine.has_header(body, mac)
    for bad_body, bad_mac, bad_rows in ((body, bytes(32), rows), (body, mac, [])):
        with pytest.raises(Tampered):
            reload_keys(mine, bad_body, bad_mac, bad_rows)
    assert mine.mac("index"), "a refused header leaves the keys as they were"
    again = reload_keys(mine, body, mac, rows)
    assert again.envelope.decrypt(labels.NODE, blob) == b"new"
    assert again.slot_id == record.slot_id
    assert again.has_header(body, mac)
    with pytest.raises(VaultLocked):
        mine.mac("index")
    with pytest.raises(ValueError, match="wiped"):
        mine.root_key.reveal()


def test_keys_do_not_follow_another_root_key_or_vault() -> None:
    credential = new_key_file()
    keys = create_keys(VAULT, LINEAGE, NOW)
    old = keys.new_slot(credential, NOW)
    old_header = keys.seal_header([old])
    later, records = keys.next_epoch([old])
    new_header = later.seal_header(records)
    old_rows, new_rows = ([(record.slot_id, record.encode())] for record in (old, records[0]))
    with pytest.raises(VaultLocked, match="rotated"):
        reload_keys(keys, *new_header, new_rows)
    with pytest.raises(RolledBack, match="from epoch 2 to 1"):
        reload_keys(later, *old_header, old_rows)
    stranger = create_keys(bytes(16), LINEAGE, NOW)
    other = stranger.new_slot(credential, NOW)
    with pytest.raises(Tampered, match="another vault"):
        reload_keys(keys, *stranger.seal_header([other]), [(other.slot_id, other.encode())])


def test_nothing_works_after_wipe() -> None:
    keys = create_keys(VAULT, LINEAGE, NOW)
    root, key = keys.root_key._buffer, keys.keyset.data_key(1)
    keys.wipe()
    assert root == key == bytes(32)
    with pytest.raises(VaultLocked):
        keys.envelope.encrypt(labels.NODE, b"value")
    with pytest.raises(VaultLocked):
        keys.new_slot(new_key_file(), NOW)


def test_unlocked_keys_neither_show_nor_copy_themselves(stored: Stored) -> None:
    assert repr(stored.keys) == f"UnlockedKeys(vault {VAULT.hex()}, epoch 1, <hidden>)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(stored.keys)


def test_as_many_slots_as_there_may_be_open() -> None:
    """32 of them; one row more is refused before any is tried."""
    credentials = [new_key_file() for _ in range(SLOTS_MAX)]
    keys = create_keys(VAULT, LINEAGE, NOW)
    records = [keys.new_slot(credential, NOW) for credential in credentials]
    body, mac = keys.seal_header(records)
    rows = [(record.slot_id, record.encode()) for record in records]
    for credential, record in ((credentials[0], records[0]), (credentials[-1], records[-1])):
        assert unlock(body, mac, rows, credential).slot_id == record.slot_id
    with pytest.raises(Tampered, match="more than 32"):
        unlock(body, mac, [*rows, rows[0]], credentials[0])


def test_new_keys_came_from_no_slot_and_later_ones_from_theirs(stored: Stored) -> None:
    """The next root key is still known to have been reached through that slot, which is behind from then on."""
    new = create_keys(VAULT, LINEAGE, NOW)
    assert (new.slot_id, new.is_slot_behind, new.is_slot_public) == (b"", False, False)
    opened = stored.open(KEY_FILE)
    assert (opened.slot_id, opened.is_slot_behind) == (stored.records[KEY_FILE].slot_id, False)
    later, _records = opened.next_epoch(stored.records)
    assert (later.slot_id, later.is_slot_behind) == (opened.slot_id, True)
    assert len(opened.keyset.purpose_versions(labels.IDENTITY_SEED)) == 1
    (newest,) = later.keyset.purpose_versions(labels.IDENTITY_SEED)
    assert newest == 2, "the seed of the identity before it is not kept"
