"""The credential of the kinds whose secret is random and kept elsewhere."""

from __future__ import annotations

import copy
import pickle
import sys

import pytest

from strongroom.errors import FormatUnsupported
from strongroom.keys.format import SlotRecord
from strongroom.keys.opening import create_keys, reopen_keys, unlock
from strongroom.keys.slots import age, os_keyring, registry, shares
from strongroom.keys.slots.bound import BoundCredential, missing_extra
from strongroom.keys.unlocked import UnlockedKeys

NOW = 1_790_000_000_000_000
KEY = bytes(range(32))
RECIPIENT = "age18za0hh50czxks7x6gwmgnqrz22u4348g4n656j0xzyg057juzffs74z8x7"


def _each() -> list[BoundCredential]:
    return [os_keyring.new_keyring_credential(), age.new_age_credential(RECIPIENT), shares.new_shares(2, 3)[0]]


def _opened(keys: UnlockedKeys, records: list[SlotRecord], credential: BoundCredential) -> bytes:
    """The id of the slot through which *credential* opens a vault with these slots."""
    body, mac = keys.seal_header(records)
    rows = [(record.slot_id, SlotRecord.decode(record.encode()).encode()) for record in records]
    return unlock(body, mac, rows, credential).slot_id


def test_each_kind_opens_its_slot_and_no_other() -> None:
    """A vault with a slot of each kind opens with each credential, through that slot."""
    credentials = _each()
    keys = create_keys(bytes(16), bytes(16), NOW)
    records = [keys.new_slot(credential, NOW) for credential in credentials]
    for credential, record in zip(credentials, records, strict=True):
        assert [credential.may_open(other) for other in records] == [other is record for other in records]
        assert _opened(keys, records, credential) == record.slot_id
    assert [registry.kind_name(record.kind) for record in records] == ["keyring", "age", "shares"]
    assert [registry.describe(record).partition(" ")[0] for record in records] == ["OS", RECIPIENT, "2"]
    assert not any(registry.is_outdated(record) for record in records)


def test_a_renewed_slot_keeps_its_parameters() -> None:
    """A slot that is made anew with the same credential opens with what opened it before."""
    for credential in _each():
        keys = create_keys(bytes(16), bytes(16), NOW)
        first = keys.new_slot(credential, NOW)
        second = keys.new_slot(credential, NOW, slot_id=first.slot_id)
        assert first.parameters == second.parameters == credential.parameters
        assert _opened(keys, [second], credential) == first.slot_id


def test_the_secret_is_of_its_parameters_only() -> None:
    """Asked for another slot's secret it refuses; its copies are the caller's."""
    credential = BoundCredential(4, b"p" * 16, bytearray(KEY))
    with pytest.raises(ValueError, match="other slot"):
        credential.secret(b"q" * 16)
    copied = credential.secret(b"p" * 16)
    copied[0] ^= 1
    assert credential.secret(b"p" * 16) == KEY


def test_a_wiped_secret_is_gone() -> None:
    """wipe() overwrites the very bytes that were taken over."""
    key = bytearray(KEY)
    credential = BoundCredential(4, b"p" * 16, key)
    credential.wipe()
    assert key == bytes(32)
    with pytest.raises(ValueError, match="wiped"):
        credential.secret(b"p" * 16)


def test_a_secret_has_32_bytes() -> None:
    """Shorter and longer ones are misuse."""
    for length in (0, 31, 33):
        with pytest.raises(ValueError, match="32"):
            BoundCredential(4, b"p" * 16, bytearray(length))


def test_it_is_never_shown_or_copied() -> None:
    """repr hides it; pickle and copy refuse."""
    credential = BoundCredential(4, b"p" * 16, bytearray(KEY))
    assert repr(credential) == "BoundCredential(kind 4, <hidden>)"
    for refuse in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            refuse(credential)


def test_a_missing_extra_is_named() -> None:
    """With the command that installs it."""
    error = missing_extra("age", "an age slot")
    assert str(error) == "an age slot needs the extra age, which is not installed"
    assert error.advice == "pip install 'strongroom[age]'"


WITHOUT = {
    "pyrage, a new slot": ("pyrage", lambda: age.new_age_credential(RECIPIENT)),
    "pyrage, an identity": ("pyrage", lambda: age.parse_identities(bytearray(b"AGE-SECRET-KEY-1"))),
    "shamir_mnemonic, a new slot": ("shamir_mnemonic", lambda: shares.new_shares(2, 3)),
    "shamir_mnemonic, a share": ("shamir_mnemonic", lambda: shares.looks_like_share(bytearray(b"academic " * 33))),
}


@pytest.mark.parametrize("case", WITHOUT)
def test_without_the_library(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is not installed is an error of ours, which names the extra."""
    module, call = WITHOUT[case]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FormatUnsupported, match="needs the extra"):
        call()


def test_kind_and_parameters_have_to_fit_both() -> None:
    """Another slot of the same kind is not its own, nor one of another kind with the same parameters."""
    keys = create_keys(bytes(16), bytes(16), NOW)
    first, second = os_keyring.new_keyring_credential(), os_keyring.new_keyring_credential()
    record = keys.new_slot(first, NOW)
    assert first.may_open(record)
    assert not second.may_open(record)
    assert not BoundCredential(first.kind + 1, first.parameters, bytearray(KEY)).may_open(record)


def test_what_a_kind_is_unless_it_says_otherwise() -> None:
    """Its slots are secret, and their parameters short."""
    kind = registry.SlotKind(99, "planted", lambda: registry.KindFunctions(len, str))
    assert (kind.number, kind.name, kind.parameters_bytes_max, kind.is_public) == (99, "planted", 256, False)
    functions = kind.load()
    assert (functions.check(b"abc"), functions.describe(b"a"), functions.is_outdated(b"")) == (3, "b'a'", False)
    open_to_all = registry.SlotKind(99, "p", kind.load, parameters_bytes_max=7, is_public=True)
    assert (open_to_all.parameters_bytes_max, open_to_all.is_public) == (7, True)


def test_what_is_known_of_the_slot_outlives_another_reading() -> None:
    """Whether anybody could have made it, and whether it is behind, is known from unlocking alone."""
    cases = ((age.new_age_credential(RECIPIENT), True), (os_keyring.new_keyring_credential(), False))
    for credential, is_public in cases:
        keys = create_keys(bytes(16), bytes(16), NOW)
        records = [keys.new_slot(credential, NOW)]
        body, mac = keys.seal_header(records)
        rows = [(record.slot_id, record.encode()) for record in records]
        opened = unlock(body, mac, rows, credential)
        assert opened.is_slot_public is registry.is_public(records[0].kind) is is_public
        again = reopen_keys(opened, body, mac, rows)
        assert again.is_slot_public is is_public
        assert again.is_slot_behind is opened.is_slot_behind is False
