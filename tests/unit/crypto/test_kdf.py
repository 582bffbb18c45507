"""Key derivation: separate purposes, and no slow function outside its bounds."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from strongroom.crypto import kdf, labels

ROOT = bytes(range(32))
VAULT = bytes(range(16))
SALT = bytes(32)


def _expand(key: bytes, info: bytes) -> bytes:
    return hmac.digest(key, info + b"\1", "sha512")[:32]


def test_derive_is_the_documented_expansion() -> None:
    key = kdf.derive(ROOT, labels.PURPOSE_KEYSET, VAULT, 7)
    assert isinstance(key, bytearray)
    assert key == _expand(ROOT, b"strongroom/v1/keyset\0" + VAULT + b"\0\0\0\7")


def test_purpose_vault_and_epoch_each_make_another_key() -> None:
    keys = [
        kdf.derive(ROOT, labels.PURPOSE_KEYSET, VAULT, 1),
        kdf.derive(ROOT, labels.PURPOSE_HEADER, VAULT, 1),
        kdf.derive(ROOT, labels.PURPOSE_KEYSET, bytes(16), 1),
        kdf.derive(ROOT, labels.PURPOSE_KEYSET, VAULT, 2),
    ]
    assert len(set(map(bytes, keys))) == len(keys)


def test_the_slot_key_is_the_documented_derivation() -> None:
    key = kdf.slot_key(b"secret", VAULT, bytes(16), 2, b"parameters")
    extracted = hmac.digest(b"strongroom/v1/slot", b"secret", "sha512")
    assert key == _expand(extracted, b"strongroom/v1/slot-kek\0" + VAULT + bytes(16) + b"\2parameters")


def test_every_input_of_the_slot_key_changes_it() -> None:
    base = (b"secret", VAULT, bytes(16), 2, b"parameters")
    others = (b"Secret", bytes(16), VAULT, 3, b"parameter")
    keys = {bytes(kdf.slot_key(*base))}
    for place, other in enumerate(others):
        keys.add(bytes(kdf.slot_key(*base[:place], other, *base[place + 1 :])))  # type: ignore[arg-type]
    assert len(keys) == len(others) + 1


def test_a_passphrase_is_replaced_by_its_mac() -> None:
    prepared = kdf.prepare_passphrase(bytearray(b"correct horse"))
    assert isinstance(prepared, bytearray)
    assert prepared == hmac.digest(b"strongroom/v1/passphrase", b"correct horse", "sha256")


def test_argon2id_at_its_lowest_bound() -> None:
    first = kdf.stretch_argon2id(b"prepared", SALT, memory_kib=19_456, iterations=1, lanes=1)
    assert isinstance(first, bytearray)
    assert len(first) == 32
    for changed in ({"memory_kib": 19_457}, {"iterations": 2}, {"lanes": 2}):
        cost = {"memory_kib": 19_456, "iterations": 1, "lanes": 1} | changed
        assert kdf.stretch_argon2id(b"prepared", SALT, **cost) != first


def test_pbkdf2_agrees_with_the_standard_library() -> None:
    key = kdf.stretch_pbkdf2(b"prepared", SALT, iterations=600_000)
    assert key == hashlib.pbkdf2_hmac("sha256", b"prepared", SALT, 600_000)


OUT_OF_BOUNDS = {
    "argon2id: too little memory": {"memory_kib": 19_455, "iterations": 3, "lanes": 4},
    "argon2id: too much memory": {"memory_kib": 2_097_153, "iterations": 3, "lanes": 4},
    "argon2id: all the memory there is": {"memory_kib": 0xFFFF_FFFF, "iterations": 3, "lanes": 4},
    "argon2id: no iteration": {"memory_kib": 65_536, "iterations": 0, "lanes": 4},
    "argon2id: too many iterations": {"memory_kib": 65_536, "iterations": 11, "lanes": 4},
    "argon2id: no lane": {"memory_kib": 65_536, "iterations": 3, "lanes": 0},
    "argon2id: too many lanes": {"memory_kib": 65_536, "iterations": 3, "lanes": 9},
    "pbkdf2: too few iterations": {"iterations": 599_999},
    "pbkdf2: too many iterations": {"iterations": 10_000_001},
    "pbkdf2: years": {"iterations": 0xFFFF_FFFF},
}


@pytest.mark.parametrize("case", OUT_OF_BOUNDS)
def test_nothing_is_computed_out_of_bounds(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not_run(*_arguments: object, **_options: object) -> bytearray:
        raise AssertionError("a key derivation ran on a cost out of bounds")

    monkeypatch.setattr(kdf, "_argon2id_from_parts", must_not_run)
    monkeypatch.setattr(kdf, "_pbkdf2_from_parts", must_not_run)
    cost = OUT_OF_BOUNDS[case]
    stretch = kdf.stretch_argon2id if "lanes" in cost else kdf.stretch_pbkdf2
    with pytest.raises(ValueError, match="must be within"):
        stretch(b"prepared", SALT, **cost)  # type: ignore[operator]


def test_the_guard_of_the_test_above_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(kdf, "_pbkdf2_from_parts", lambda *_arguments: ran.append("pbkdf2"))
    monkeypatch.setattr(kdf, "_argon2id_from_parts", lambda *_arguments, **_cost: ran.append("argon2id"))
    kdf.stretch_pbkdf2(b"prepared", SALT, iterations=600_000)
    kdf.stretch_argon2id(b"prepared", SALT, memory_kib=19_456, iterations=1, lanes=1)
    assert ran == ["pbkdf2", "argon2id"]
