"""The keyset: rotation, destruction, its bytes, and nothing left after wipe."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import labels
from strongroom.errors import Denied, FormatUnsupported, Tampered, VaultLocked
from strongroom.keys import keyset as module
from strongroom.keys.keyset import DESTROYED, DISABLED, ENABLED, Keyset
from strongroom.wire import u32

NOW = 1_790_000_000_000_000


@pytest.fixture
def keyset() -> Keyset:
    return Keyset.generate(NOW)


def test_a_new_keyset_has_one_data_key_and_one_key_for_each_purpose(keyset: Keyset) -> None:
    assert keyset.primary_id == 1
    assert [(key.id, key.status, key.created_us) for key in keyset.data_keys()] == [(1, ENABLED, NOW)]
    keys = [bytes(keyset.data_key(1))] + [bytes(keyset.purpose_key(purpose)) for purpose in range(1, 5)]
    assert len(set(keys)) == 5
    assert all(len(key) == 32 for key in keys)


def test_a_new_primary_leaves_the_old_key_readable(keyset: Keyset) -> None:
    old = bytes(keyset.data_key(1))
    assert keyset.add_primary(NOW + 1) == keyset.primary_id == 2
    assert keyset.data_key(1) == old
    assert keyset.data_key(2) != old


def test_a_data_key_is_disabled_enabled_and_destroyed(keyset: Keyset) -> None:
    keyset.add_primary(NOW)
    key = keyset.data_key(1)
    keyset.disable(1)
    with pytest.raises(Denied):
        keyset.data_key(1)
    keyset.enable(1)
    assert keyset.data_key(1) is key
    keyset.disable(1)
    keyset.destroy(1)
    assert key == bytes(32)
    with pytest.raises(Tampered):
        keyset.data_key(1)
    assert [(record.id, record.status) for record in keyset.data_keys()] == [(1, DESTROYED), (2, ENABLED)]


def test_ids_are_never_used_again(keyset: Keyset) -> None:
    keyset.add_primary(NOW)
    keyset.disable(1)
    keyset.destroy(1)
    again = Keyset.decode(keyset.encode())
    assert again.add_primary(NOW) == 3


def _prepared(keyset: Keyset) -> Keyset:
    # 1 destroyed, 2 disabled, 3 enabled, 4 primary.
    for _ in range(3):
        keyset.add_primary(NOW)
    for key_id in (1, 2):
        keyset.disable(key_id)
    keyset.destroy(1)
    return keyset


REFUSED: dict[str, Callable[[Keyset], object]] = {
    "disable the primary": lambda keyset: keyset.disable(4),
    "destroy the primary": lambda keyset: keyset.destroy(4),
    "destroy an enabled key": lambda keyset: keyset.destroy(3),
    "destroy twice": lambda keyset: keyset.destroy(1),
    "enable a destroyed key": lambda keyset: keyset.enable(1),
    "enable an enabled key": lambda keyset: keyset.enable(3),
    "disable twice": lambda keyset: keyset.disable(2),
    "disable an unknown key": lambda keyset: keyset.disable(5),
    "a key for an unknown purpose": lambda keyset: keyset.add_purpose_key(6),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_that_would_lose_data_is_misuse(case: str, keyset: Keyset) -> None:
    before = bytes(_prepared(keyset).encode())
    with pytest.raises(ValueError):
        REFUSED[case](keyset)
    assert keyset.encode() == before


def test_the_newest_purpose_key_is_the_current_one(keyset: Keyset) -> None:
    first = bytes(keyset.purpose_key(labels.IDENTITY_SEED))
    assert keyset.add_purpose_key(labels.IDENTITY_SEED) == 2
    assert keyset.purpose_key(labels.IDENTITY_SEED, 1) == first
    assert keyset.purpose_key(labels.IDENTITY_SEED) == keyset.purpose_key(labels.IDENTITY_SEED, 2) != first
    with pytest.raises(KeyError):
        keyset.purpose_key(labels.IDENTITY_SEED, 3)


def test_a_key_for_deposits_is_there_only_once_it_was_added(keyset: Keyset) -> None:
    assert keyset.purpose_versions(labels.DEPOSIT_SEED) == []
    for version in (1, 2, 3):
        assert keyset.add_purpose_key(labels.DEPOSIT_SEED) == version
    second = bytes(keyset.purpose_key(labels.DEPOSIT_SEED, 2))
    keyset.drop_old_purpose_keys(labels.DEPOSIT_SEED, keep=2)
    again = Keyset.decode(keyset.encode())
    assert again.purpose_versions(labels.DEPOSIT_SEED) == [3, 2]
    assert again.purpose_key(labels.DEPOSIT_SEED, 2) == second


def test_older_purpose_keys_are_listed_and_then_dropped(keyset: Keyset) -> None:
    first, other = keyset.purpose_key(labels.INDEX_KEY), bytes(keyset.purpose_key(labels.LEDGER_KEY))
    keyset.add_purpose_key(labels.INDEX_KEY)
    newest = bytes(keyset.purpose_key(labels.INDEX_KEY))
    assert keyset.purpose_versions(labels.INDEX_KEY) == [2, 1]
    keyset.drop_old_purpose_keys(labels.INDEX_KEY)
    assert first == bytes(32)
    assert keyset.purpose_versions(labels.INDEX_KEY) == [2]
    again = Keyset.decode(keyset.encode())
    assert again.purpose_key(labels.INDEX_KEY) == newest
    assert again.purpose_key(labels.LEDGER_KEY) == other
    assert again.add_purpose_key(labels.INDEX_KEY) == 3


def test_records_of_destroyed_keys_are_dropped_without_freeing_their_ids(keyset: Keyset) -> None:
    keyset.add_primary(NOW)
    keyset.add_primary(NOW)
    keyset.disable(1)
    keyset.disable(2)
    keyset.destroy(1)
    keyset.drop_destroyed()
    assert [(record.id, record.status) for record in keyset.data_keys()] == [(2, DISABLED), (3, ENABLED)]
    assert Keyset.decode(keyset.encode()).add_primary(NOW) == 4


def test_a_keyset_has_room_for_so_many_keys_and_no_more(keyset: Keyset) -> None:
    for _ in range(module.PURPOSE_KEYS_MAX - 4):
        keyset.add_purpose_key(labels.INDEX_KEY)
    with pytest.raises(ValueError):
        keyset.add_purpose_key(labels.INDEX_KEY)
    for _ in range(module.DATA_KEYS_MAX - 1):
        keyset.add_primary(NOW)
    with pytest.raises(ValueError):
        keyset.add_primary(NOW)
    encoded = keyset.encode()
    assert Keyset.decode(encoded).encode() == encoded
    # Sealed, it still fits into the header's field.
    assert len(encoded) + 72 + 16 * 5 < 131_072


def test_a_keyset_reads_back_the_same(keyset: Keyset) -> None:
    _prepared(keyset).add_purpose_key(labels.AUDIT_KEY)
    encoded = keyset.encode()
    assert isinstance(encoded, bytearray)
    again = Keyset.decode(encoded)
    assert again.encode() == encoded
    assert again.primary_id == 4
    assert [record.status for record in again.data_keys()] == [DESTROYED, DISABLED, ENABLED, ENABLED]
    assert again.purpose_key(labels.AUDIT_KEY) == keyset.purpose_key(labels.AUDIT_KEY, 2)


def test_a_copy_is_wiped_on_its_own(keyset: Keyset) -> None:
    other = keyset.copy()
    assert other.encode() == keyset.encode()
    other.wipe()
    assert keyset.data_key(1) != bytes(32)


def test_wipe_overwrites_every_key(keyset: Keyset) -> None:
    keyset.add_primary(NOW)
    keyset.disable(1)
    keyset.enable(1)
    buffers = [keyset.data_key(1), keyset.data_key(2)] + [keyset.purpose_key(purpose) for purpose in range(1, 5)]
    keyset.wipe()
    assert all(buffer == bytes(32) for buffer in buffers)
    uses: list[Callable[[], object]] = [
        lambda: keyset.data_key(1),
        lambda: keyset.data_key(9),
        lambda: keyset.purpose_key(1),
        keyset.encode,
        keyset.copy,
    ]
    for use in uses:
        with pytest.raises(VaultLocked):
            use()
    keyset.wipe()


def test_a_disabled_key_is_wiped_too(keyset: Keyset) -> None:
    keyset.add_primary(NOW)
    key = keyset.data_key(1)
    keyset.disable(1)
    keyset.wipe()
    assert key == bytes(32)


# Positions: form 0, primary 1, count 5; key 1: id 9, suite 13, status 14, created 15, key 23;
# purposes' count 55; then purpose u8, version u32, key 32 from 59, 96, 133, 170.
def _at(position: int, new: bytes) -> Callable[[bytearray], bytearray]:
    return lambda data: data[:position] + new + data[position + len(new) :]


BAD_KEYSETS: dict[str, tuple[Callable[[bytearray], bytearray], type[Exception]]] = {
    "form 2": (_at(0, b"\2"), FormatUnsupported),
    "primary that is not there": (_at(1, u32(2)), Tampered),
    "no data key": (_at(5, u32(0)), Tampered),
    "too many data keys": (_at(5, u32(1_025)), Tampered),
    "data key 0": (_at(9, u32(0)), Tampered),
    "suite 2": (_at(13, b"\2"), FormatUnsupported),
    "status 0": (_at(14, b"\0"), Tampered),
    "status 4": (_at(14, b"\4"), Tampered),
    "primary disabled": (_at(14, b"\2"), Tampered),
    "destroyed with its key": (_at(14, b"\3"), Tampered),
    "enabled without a key": (_at(23, bytes(32)), Tampered),
    "too many purpose keys": (_at(55, u32(65)), Tampered),
    "a purpose missing": (lambda data: _at(55, u32(3))(data)[:-37], Tampered),
    "unknown purpose": (_at(170, b"\6"), FormatUnsupported),
    "purpose twice": (_at(96, b"\1"), Tampered),
    "purposes out of order": (_at(59, b"\4"), Tampered),
    "version 0": (_at(60, u32(0)), Tampered),
    "left over": (lambda data: data + b"\0", Tampered),
    "the same data key twice": (lambda data: _at(5, u32(2))(data[:55] + data[9:55] + data[55:]), Tampered),
}


@pytest.mark.parametrize("case", BAD_KEYSETS)
def test_a_malformed_keyset_is_refused(case: str, keyset: Keyset) -> None:
    change, error = BAD_KEYSETS[case]
    with pytest.raises(error):
        Keyset.decode(change(keyset.encode()))


def test_a_keyset_that_was_cut_is_refused(keyset: Keyset) -> None:
    encoded = keyset.encode()
    for end in range(len(encoded)):
        with pytest.raises(Tampered):
            Keyset.decode(encoded[:end])


@given(st.binary(max_size=400))
def test_the_decoder_is_total(data: bytes) -> None:
    with pytest.raises((Tampered, FormatUnsupported)):
        Keyset.decode(bytearray(b"\1" + data))


def test_neither_keyset_nor_data_key_shows_or_copies_itself(keyset: Keyset) -> None:
    key = bytes(keyset.data_key(1))
    for thing in (keyset, keyset.data_keys()[0]):
        assert key.hex() not in repr(thing)
        assert repr(key) not in repr(thing)
        for leave in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                leave(thing)


def test_a_purpose_key_does_not_stand_there_twice(keyset: Keyset) -> None:
    """The second one would silently replace the first."""
    plain = keyset.encode()
    count, one = len(keyset._purpose_keys), 1 + 4 + 32
    start = len(plain) - count * one
    assert plain[start - 4 : start] == u32(count)
    last = plain[-one:]
    for twice in (plain[: start - 4] + u32(count + 1) + plain[start:] + last, plain[:-one] + plain[-2 * one : -one]):
        with pytest.raises(Tampered, match="out of order"):
            Keyset.decode(bytearray(twice))
