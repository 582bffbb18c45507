"""The envelope: one place, one vault, one key for each row."""

from __future__ import annotations

import struct

import pytest

from strongroom.crypto import aead, labels
from strongroom.errors import Denied, Tampered, VaultLocked
from strongroom.keys.envelope import OVERHEAD_BYTES, Envelope
from strongroom.keys.keyset import Keyset

VAULT = bytes(range(16))
PARTS = (b"item id", b"number", b"edition")


@pytest.fixture
def keyset() -> Keyset:
    return Keyset.generate(1)


@pytest.fixture
def envelope(keyset: Keyset) -> Envelope:
    return Envelope(keyset, VAULT)


@pytest.mark.parametrize("plaintext", [b"", b"value", bytes(16_384), bytearray(b"buffer")], ids=len)
def test_a_row_opens_in_its_place(envelope: Envelope, plaintext: bytes) -> None:
    blob = envelope.encrypt(labels.VERSION, plaintext, *PARTS)
    assert envelope.decrypt(labels.VERSION, blob, *PARTS) == plaintext


def test_a_row_is_the_key_id_and_one_message(envelope: Envelope, keyset: Keyset) -> None:
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    assert blob[:4] == b"\0\0\0\1"
    assert len(blob) == 5 + OVERHEAD_BYTES
    context = labels.context(VAULT, labels.VERSION, 1, *PARTS)
    assert aead.unwrap(keyset.data_key(1), blob[4:], context) == b"value"


OTHER_PLACES = {
    "another kind of object": (labels.NODE, PARTS),
    "another item": (labels.VERSION, (b"other id", *PARTS[1:])),
    "parts exchanged": (labels.VERSION, PARTS[::-1]),
    "a part less": (labels.VERSION, PARTS[:-1]),
    "a part more": (labels.VERSION, (*PARTS, b"")),
    "parts run together": (labels.VERSION, (b"".join(PARTS),)),
    "no part": (labels.VERSION, ()),
}


@pytest.mark.parametrize("case", OTHER_PLACES)
def test_a_row_does_not_open_in_another_place(case: str, envelope: Envelope) -> None:
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    kind, parts = OTHER_PLACES[case]
    with pytest.raises(Tampered):
        envelope.decrypt(kind, blob, *parts)


def test_a_row_does_not_open_in_another_vault(envelope: Envelope, keyset: Keyset) -> None:
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    with pytest.raises(Tampered):
        Envelope(keyset, bytes(16)).decrypt(labels.VERSION, blob, *PARTS)
    with pytest.raises(Tampered):
        Envelope(Keyset.generate(1), VAULT).decrypt(labels.VERSION, blob, *PARTS)


def test_every_changed_byte_and_every_cut_is_refused(envelope: Envelope, keyset: Keyset) -> None:
    keyset.add_primary(1)
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    for place in range(len(blob)):
        changed = bytearray(blob)
        # Also turns key id 2 into 3 and 0, and others.
        changed[place] ^= 1
        for bad in (bytes(changed), blob[:place]):
            with pytest.raises(Tampered):
                envelope.decrypt(labels.VERSION, bad, *PARTS)
    with pytest.raises(Tampered):
        envelope.decrypt(labels.VERSION, blob + b"\0", *PARTS)


def test_a_row_cannot_be_passed_to_another_key(envelope: Envelope, keyset: Keyset) -> None:
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    keyset.add_primary(1)
    with pytest.raises(Tampered):
        envelope.decrypt(labels.VERSION, struct.pack(">I", 2) + blob[4:], *PARTS)


def test_rotation_encrypts_under_the_new_primary_and_still_reads_the_old(envelope: Envelope, keyset: Keyset) -> None:
    old = envelope.encrypt(labels.VERSION, b"old", *PARTS)
    keyset.add_primary(1)
    new = envelope.encrypt(labels.VERSION, b"new", *PARTS)
    assert new[:4] == b"\0\0\0\2"
    assert envelope.decrypt(labels.VERSION, old, *PARTS) == b"old"
    keyset.disable(1)
    with pytest.raises(Denied):
        envelope.decrypt(labels.VERSION, old, *PARTS)
    keyset.destroy(1)
    with pytest.raises(Tampered):
        envelope.decrypt(labels.VERSION, old, *PARTS)
    assert envelope.decrypt(labels.VERSION, new, *PARTS) == b"new"


def test_nothing_works_after_wipe(envelope: Envelope, keyset: Keyset) -> None:
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    keyset.wipe()
    with pytest.raises(VaultLocked):
        envelope.decrypt(labels.VERSION, blob, *PARTS)
    with pytest.raises(VaultLocked):
        envelope.encrypt(labels.VERSION, b"value", *PARTS)


def test_a_key_wiped_by_another_thread_meanwhile_encrypts_nothing(
    envelope: Envelope, keyset: Keyset, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = envelope.encrypt(labels.VERSION, b"value", *PARTS)
    encrypt, decrypt = aead.encrypt, aead.decrypt

    def wipe_then_encrypt(key: bytearray, plaintext: bytes, context: bytes) -> bytes:
        keyset.wipe()
        assert key == bytes(32)
        return encrypt(key, plaintext, context)

    def wipe_then_decrypt(key: bytearray, message: bytes, context: bytes) -> bytes:
        keyset.wipe()
        return decrypt(key, message, context)

    monkeypatch.setattr(aead, "decrypt", wipe_then_decrypt)
    with pytest.raises(VaultLocked):
        envelope.decrypt(labels.VERSION, blob, *PARTS)
    other = Keyset.generate(1)
    keyset = other
    monkeypatch.setattr(aead, "encrypt", wipe_then_encrypt)
    with pytest.raises(VaultLocked):
        Envelope(other, VAULT).encrypt(labels.VERSION, b"value", *PARTS)
