"""The identity chain, and vaults that were put in another one's place.

The attackers here can write every row of the store and know the whole construction;
what they do not have is a slot's secret.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from strongroom.crypto import hybrid, labels, signatures
from strongroom.crypto.entropy import random_buffer
from strongroom.crypto.labels import context
from strongroom.errors import RolledBack, Tampered, WrongKey
from strongroom.keys import identity
from strongroom.keys.format import CERTIFICATES_MAX, Certificate, Header, SlotRecord
from strongroom.keys.opening import create_keys, unlock
from strongroom.keys.slots.key_file import new_key_file
from strongroom.keys.unlocked import UnlockedKeys

NOW = 1_790_000_000_000_000
VAULT = bytes(range(16))
LINEAGE = bytes(range(16, 32))

Rows = list[tuple[bytes, bytes]]


def _store(keys: UnlockedKeys, records: list[SlotRecord]) -> tuple[bytes, bytes, Rows]:
    body, mac = keys.seal_header(records)
    return body, mac, [(record.slot_id, record.encode()) for record in records]


class Generations:
    """One vault through three root keys; `credential` has had its slot since the first."""

    def __init__(self) -> None:
        self.credential = new_key_file()
        keys = create_keys(VAULT, LINEAGE, NOW)
        records = [keys.new_slot(self.credential, NOW)]
        self.keys = [keys]
        self.records = [records]
        self.stored = [_store(keys, records)]
        for _ in range(2):
            keys, records = keys.next_epoch(records)
            self.keys.append(keys)
            self.records.append(records)
            self.stored.append(_store(keys, records))


@pytest.fixture(scope="module")
def vault() -> Generations:
    return Generations()


def test_a_slot_follows_the_root_key_without_its_secret(vault: Generations) -> None:
    for epoch, stored in enumerate(vault.stored, start=1):
        keys = unlock(*stored, vault.credential)
        assert keys.header.epoch == epoch
        assert keys.root_key == vault.keys[epoch - 1].root_key
        assert keys.is_slot_behind == (epoch > 1)
    assert len({keys.root_key.reveal() for keys in vault.keys}) == 3
    assert len({keys.header.identity for keys in vault.keys}) == 3


def test_the_data_keys_survive_a_new_root_key(vault: Generations) -> None:
    blob = vault.keys[0].envelope.encrypt(labels.NODE, b"value")
    assert unlock(*vault.stored[2], vault.credential).envelope.decrypt(labels.NODE, blob) == b"value"


def test_a_slot_that_was_left_out_does_not_open_the_new_root_key() -> None:
    revoked, kept = new_key_file(), new_key_file()
    keys = create_keys(VAULT, LINEAGE, NOW)
    records = [keys.new_slot(revoked, NOW), keys.new_slot(kept, NOW)]
    later, handed = keys.next_epoch(records[1:])
    stored = _store(later, handed)
    unlock(*stored, kept)
    with pytest.raises(WrongKey):
        unlock(*stored, revoked)
    # Put back by somebody who can write: its handover is of the old root key.
    body, mac, rows = stored
    with pytest.raises(Tampered, match="different epochs"):
        unlock(body, mac, [*rows, (records[0].slot_id, records[0].encode())], revoked)


def test_a_renewed_slot_starts_from_the_new_identity(vault: Generations) -> None:
    keys = unlock(*vault.stored[1], vault.credential)
    renewed = keys.new_slot(vault.credential, NOW, slot_id=keys.slot_id)
    stored = _store(keys, [renewed])
    assert not unlock(*stored, vault.credential).is_slot_behind


def _reseal(keys: UnlockedKeys, records: list[SlotRecord], **changes: object) -> tuple[bytes, bytes]:
    """Seal a header with some of its fields changed, as somebody who has the root key can."""
    before = {name: getattr(keys.header, name) for name in changes}
    for name, value in changes.items():
        setattr(keys.header, name, value)
    try:
        return keys.seal_header(records)
    finally:
        for name, value in before.items():
            setattr(keys.header, name, value)


def test_an_epoch_below_the_slots_floor_is_a_roll_back(vault: Generations) -> None:
    """The identity did not change, but the epoch went back: all else holds."""
    keys, _ = vault.keys[0].next_epoch([])
    keys.header.epoch = 5
    record = keys.new_slot(vault.credential, NOW)
    keys.header.epoch = 4
    keys._hand_over(record)
    with pytest.raises(RolledBack, match="from epoch 5 to 4"):
        unlock(*_store(keys, [record]), vault.credential)


def test_a_slot_and_a_header_of_different_epochs_are_refused(vault: Generations) -> None:
    for slot_epoch, header_epoch in ((0, 1), (1, 0), (1, 2), (2, 1)):
        body, mac, _ = vault.stored[header_epoch]
        with pytest.raises(Tampered):
            unlock(body, mac, vault.stored[slot_epoch][2], vault.credential)


def _changed_chain(vault: Generations) -> dict[str, tuple[Certificate, ...]]:
    second, third = vault.keys[2].header.certificates
    attacker = random_buffer(32)
    public = signatures.public_key(attacker)
    first_identity = vault.keys[0].header.identity
    own_second = identity.certify(attacker, VAULT, 2, second.identity)
    return {
        "empty": (),
        "first link missing": (third,),
        "last link missing": (second,),
        "signature changed": (second, Certificate(3, third.identity, bytes(64))),
        "signatures exchanged": (
            Certificate(2, second.identity, third.signature),
            Certificate(3, third.identity, second.signature),
        ),
        "identities exchanged": (
            Certificate(2, third.identity, second.signature),
            Certificate(3, second.identity, third.signature),
        ),
        "epoch moved": (second, Certificate(4, third.identity, third.signature)),
        "signed by a stranger": (own_second, third),
        "a stranger as the middle": (
            Certificate(2, public, second.signature),
            identity.certify(attacker, VAULT, 3, third.identity),
        ),
        "signed for another vault": (
            identity.certify(vault.keys[0].keyset.purpose_key(labels.IDENTITY_SEED), bytes(16), 2, second.identity),
            third,
        ),
        "a handover's signature used as a certificate": (
            Certificate(2, second.identity, vault.records[0][0].signature),
            third,
        ),
        "back to the first": (second, Certificate(3, first_identity, third.signature)),
    }


CHAINS = [
    "empty",
    "first link missing",
    "last link missing",
    "signature changed",
    "signatures exchanged",
    "identities exchanged",
    "epoch moved",
    "signed by a stranger",
    "a stranger as the middle",
    "signed for another vault",
    "a handover's signature used as a certificate",
    "back to the first",
]


@pytest.mark.parametrize("case", CHAINS)
def test_a_forged_chain_is_refused_even_under_the_right_root_key(case: str, vault: Generations) -> None:
    chain = _changed_chain(vault)[case]
    header = Header.decode(vault.stored[2][0])
    header.certificates = chain
    trusted = vault.keys[0].header.identity
    try:
        reached = identity.follow(header, trusted, 1)
    except Tampered:
        pass
    else:
        assert reached != header.identity
    body, mac = _reseal(vault.keys[2], vault.records[2], certificates=chain)
    with pytest.raises(Tampered):
        unlock(body, mac, vault.stored[2][2], vault.credential)


def test_every_case_of_a_forged_chain_is_tried(vault: Generations) -> None:
    assert list(_changed_chain(vault)) == CHAINS


def test_certificates_out_of_order_are_refused(vault: Generations) -> None:
    body, mac = _reseal(vault.keys[2], vault.records[2], certificates=vault.keys[2].header.certificates[::-1])
    with pytest.raises(Tampered, match="out of order"):
        unlock(body, mac, vault.stored[2][2], vault.credential)


def test_there_is_room_for_so_many_certificates_and_no_more(vault: Generations) -> None:
    keys = create_keys(VAULT, LINEAGE, NOW)
    keys.header.certificates = vault.keys[1].header.certificates * CERTIFICATES_MAX
    with pytest.raises(ValueError, match="1024"):
        keys.next_epoch([])


class Attacker:
    """Makes a whole vault of his own under the same ids and seals it to the victim's public slot key."""

    def __init__(self, victim: SlotRecord) -> None:
        self.keys = create_keys(VAULT, LINEAGE, NOW)
        self.record = SlotRecord.decode(victim.encode())

    def sign_as_himself(self) -> None:
        self.keys._hand_over(self.record)

    def seal_unsigned(self) -> None:
        info = context(VAULT, labels.HANDOVER, 1, self.record.slot_id, self.record.public_key)
        self.record.handover = hybrid.seal(self.record.public_key, self.keys.root_key.reveal_buffer(), info)

    def claim_the_victims_identity(self, header: Header) -> None:
        self.keys._hand_over(self.record)
        self.keys.header.identity = header.identity


def _as_himself(attacker: Attacker, _header: Header) -> None:
    attacker.sign_as_himself()


def _old_signature(attacker: Attacker, _header: Header) -> None:
    attacker.seal_unsigned()


def _no_signature(attacker: Attacker, _header: Header) -> None:
    attacker.seal_unsigned()
    attacker.record.signature = bytes(64)


def _claimed_identity(attacker: Attacker, header: Header) -> None:
    attacker.claim_the_victims_identity(header)


def _own_certificate(attacker: Attacker, header: Header) -> None:
    seed = attacker.keys.keyset.purpose_key(labels.IDENTITY_SEED)
    attacker.keys.header.epoch = 2
    attacker.keys.header.certificates = (identity.certify(seed, VAULT, 2, attacker.keys.header.identity),)
    attacker.sign_as_himself()


def _as_himself_in_the_next_epoch(attacker: Attacker, _header: Header) -> None:
    attacker.keys.header.epoch = 2
    attacker.sign_as_himself()


def _claimed_identity_in_the_next_epoch(attacker: Attacker, header: Header) -> None:
    attacker.keys.header.epoch = 2
    attacker.claim_the_victims_identity(header)


def _claimed_identity_old_signature(attacker: Attacker, header: Header) -> None:
    attacker.seal_unsigned()
    attacker.keys.header.identity = header.identity


SUBSTITUTIONS: dict[str, Callable[[Attacker, Header], None]] = {
    "signed by the attacker's identity": _as_himself,
    "signed by the attacker's identity, in the next epoch": _as_himself_in_the_next_epoch,
    "the victim's identity claimed, in the next epoch": _claimed_identity_in_the_next_epoch,
    "sealed anew, the old signature left": _old_signature,
    "sealed anew, no signature": _no_signature,
    "under the victim's identity, signed by the attacker": _claimed_identity,
    "under the victim's identity, the old signature left": _claimed_identity_old_signature,
    "a certificate for himself": _own_certificate,
}


@pytest.mark.parametrize("case", SUBSTITUTIONS)
def test_a_substituted_vault_is_refused(case: str, vault: Generations) -> None:
    """HPKE's base mode would open every one of these handovers."""
    attacker = Attacker(vault.records[0][0])
    SUBSTITUTIONS[case](attacker, vault.keys[0].header)
    stored = _store(attacker.keys, [attacker.record])
    with pytest.raises(Tampered):
        unlock(*stored, vault.credential)


def test_the_attack_would_succeed_without_the_signature(vault: Generations) -> None:
    """The planted fault: with the signature check and the chain gone, the substituted vault opens."""
    attacker = Attacker(vault.records[0][0])
    attacker.keys.header.epoch = 2
    attacker.sign_as_himself()
    stored = _store(attacker.keys, [attacker.record])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "follow", lambda header, _trusted, _floor: header.identity)
        patch.setattr(signatures, "verify", lambda *_arguments: None)
        assert unlock(*stored, vault.credential).root_key == attacker.keys.root_key


def test_a_handover_to_another_slot_or_of_another_vault_is_refused(vault: Generations) -> None:
    keys = vault.keys[0]
    other = keys.new_slot(new_key_file(), NOW)
    header = keys.header
    identity.check_handover(header, other)
    for field, value in (
        ("slot_id", bytes(16)),
        ("public_key", vault.records[0][0].public_key),
        ("handover", vault.records[0][0].handover),
        ("signature", vault.records[0][0].signature),
        ("epoch", 2),
    ):
        record = SlotRecord.decode(other.encode())
        setattr(record, field, value)
        with pytest.raises(Tampered):
            identity.check_handover(header, record)
    elsewhere = Header.decode(vault.stored[0][0])
    elsewhere.vault_id = bytes(16)
    with pytest.raises(Tampered):
        identity.check_handover(elsewhere, other)


def test_each_identity_since_the_first_leads_to_todays(vault: Generations) -> None:
    """The first stands in no certificate, the others do; a strange one, and one of a later time, leads nowhere."""
    header = vault.keys[2].header
    for epoch, keys in enumerate(vault.keys, start=1):
        assert identity.leads_to(header, keys.header.identity)
        assert identity.follow(header, keys.header.identity, epoch) == header.identity
    assert not identity.leads_to(header, signatures.public_key(random_buffer(32)))
    assert not identity.leads_to(vault.keys[1].header, header.identity)


def test_a_certificate_of_the_epoch_itself_is_not_followed_again(vault: Generations) -> None:
    """What is known since epoch 2 goes on from there; known since epoch 1 it would have had to be signed otherwise."""
    header, second = vault.keys[2].header, vault.keys[1].header.identity
    assert identity.follow(header, second, 2) == header.identity
    with pytest.raises(Tampered):
        identity.follow(header, second, 1)
