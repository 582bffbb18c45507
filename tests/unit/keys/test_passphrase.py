"""Passphrases: what counts as one, how it is stretched, how the cost is chosen."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle

import pytest

from strongroom.crypto import kdf
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.keys.slots import passphrase as module
from strongroom.keys.slots.passphrase import (
    Argon2idProfile,
    PassphraseCredential,
    Pbkdf2Profile,
    calibrate,
    decode_parameters,
    describe,
    is_outdated,
)
from strongroom.wire import u8, u32

CHEAP = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
PARAMETERS = CHEAP.encode(b"s" * 32)


def _secret(text: bytes) -> bytes:
    return bytes(PassphraseCredential(bytearray(text)).secret(PARAMETERS))


def test_a_passphrase_is_wiped_when_it_is_taken() -> None:
    for buffer in (bytearray(b"correct horse"), bytearray("größer".encode()), bytearray(b"nul\0"), bytearray(b"\xff")):
        try:
            PassphraseCredential(buffer)
        except ValueError:
            pass
        assert not any(buffer)


@pytest.mark.parametrize(
    "spellings",
    [
        ("é", "e\u0301"),
        ("Å", "A\u030a", "\u212b"),
        ("각", "\u1100\u1161\u11a8"),
        ("ậ", "a\u0323\u0302", "a\u0302\u0323", "\u1ea1\u0302"),
    ],
)
def test_one_passphrase_typed_in_several_ways_is_one_passphrase(spellings: tuple[str, ...]) -> None:
    assert len({_secret(f"pass {spelling}".encode()) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("ﬁ", "fi"), ("²", "2"), ("A", "a"), (" a", "a"), ("a ", "a"), ("a\n", "a")]
)
def test_passphrases_that_only_look_alike_differ(one: str, other: str) -> None:
    assert _secret(one.encode()) != _secret(other.encode())


BAD = {
    "empty": b"",
    "with a NUL": b"pass\0word",
    "not UTF-8": b"p\xe4ss",
    "a lone surrogate": b"\xed\xa0\x80",
    "too long": b"x" * 4_097,
    "too long in characters of two bytes": "ä".encode() * 2_049,
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_a_passphrase_is_refused(case: str) -> None:
    with pytest.raises(ValueError, match="a passphrase is") as caught:
        PassphraseCredential(bytearray(BAD[case]))
    # Neither the sentence nor the cause may carry it.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "ss\\" not in str(caught.value)


@pytest.mark.parametrize("text", [b"x", b" ", b"x" * 4_096, "e\u0301".encode() * 2_048], ids=len)
def test_what_can_be_a_passphrase_is_taken(text: bytes) -> None:
    assert len(_secret(text)) == 32


def test_the_secret_is_the_stretched_mac() -> None:
    credential = PassphraseCredential(bytearray(b"correct horse"), profile=Pbkdf2Profile())
    parameters = credential.new_parameters()
    assert len(parameters) == 37
    prepared = hmac.digest(b"strongroom/v1/passphrase", b"correct horse", "sha256")
    assert credential.secret(parameters) == hashlib.pbkdf2_hmac("sha256", prepared, parameters[1:33], 600_000)


def test_every_slot_gets_its_own_salt() -> None:
    credential = PassphraseCredential(bytearray(b"correct horse"))
    assert len({credential.new_parameters() for _ in range(20)}) == 20


def test_the_default_is_the_second_choice_of_rfc_9106() -> None:
    parameters = PassphraseCredential(bytearray(b"correct horse")).new_parameters()
    assert parameters[:1] + parameters[33:] == u8(1) + u32(65_536) + u32(3) + u32(4)
    assert describe(parameters) == "Argon2id, 64 MiB, 3 iterations, 4 lanes"
    assert describe(Pbkdf2Profile().encode(bytes(32))) == "PBKDF2-HMAC-SHA-256, 600000 iterations"


def test_parameters_read_back_the_same() -> None:
    for profile in (Argon2idProfile(memory_kib=20_000, iterations=2, lanes=8), Pbkdf2Profile(iterations=700_000)):
        decoded, salt = decode_parameters(profile.encode(b"t" * 32))
        assert type(decoded) is type(profile)
        assert decoded.encode(salt) == profile.encode(b"t" * 32)


OUTDATED = {
    "today's default": (Argon2idProfile(), False),
    "more iterations": (Argon2idProfile(iterations=10), False),
    "less memory": (Argon2idProfile(memory_kib=32_768), True),
    "less memory, made up for in iterations": (Argon2idProfile(memory_kib=32_768, iterations=6), False),
    "the lowest": (CHEAP, True),
    "pbkdf2": (Pbkdf2Profile(), False),
}


@pytest.mark.parametrize("case", OUTDATED)
def test_a_cost_below_todays_default_is_outdated(case: str) -> None:
    profile, expected = OUTDATED[case]
    assert is_outdated(profile.encode(bytes(32))) is expected


def test_a_profile_out_of_bounds_is_misuse() -> None:
    for cost in ({"memory_kib": 8}, {"iterations": 0}, {"iterations": 11}, {"lanes": 9}):
        with pytest.raises(ValueError, match="must be within"):
            Argon2idProfile(**cost)
    with pytest.raises(ValueError, match="must be within"):
        Pbkdf2Profile(iterations=1_000)


def test_planted_parameters_are_refused_before_anything_is_stretched(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = PassphraseCredential(bytearray(b"correct horse"))
    monkeypatch.setattr(kdf, "_argon2id_from_parts", lambda *_a, **_k: pytest.fail("Argon2id ran"))
    monkeypatch.setattr(kdf, "_pbkdf2_from_parts", lambda *_a, **_k: pytest.fail("PBKDF2 ran"))
    planted = [u8(1) + bytes(32) + u32(memory) + u32(3) + u32(4) for memory in (8, 4_000_000_000)]
    planted += [u8(2) + bytes(32) + u32(iterations) for iterations in (1, 4_000_000_000)]
    for parameters in planted:
        with pytest.raises(Tampered):
            credential.secret(parameters)
    with pytest.raises(FormatUnsupported):
        credential.secret(u8(9) + bytes(32))


def test_nothing_is_left_after_wipe() -> None:
    credential = PassphraseCredential(bytearray(b"correct horse"))
    kept = credential._prepared
    credential.wipe()
    assert kept == bytes(32)
    with pytest.raises(ValueError, match="wiped"):
        credential.secret(PARAMETERS)


def test_a_credential_neither_shows_nor_copies_itself() -> None:
    credential = PassphraseCredential(bytearray(b"correct horse"))
    assert "horse" not in repr(credential)
    assert credential._prepared.hex() not in repr(credential)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(credential)


# Seconds that one derivation at the default takes -> (iterations, memory in KiB) for half a second.
MACHINES = {
    "slow: a second": (1.0, (3, 65_536)),
    "just right": (0.5, (3, 65_536)),
    "usual: 0.16 s": (0.16, (9, 65_536)),
    "a bit slower: 0.2 s": (0.2, (7, 65_536)),
    "fast: 0.05 s": (0.05, (10, 131_072)),
    "very fast: 0.001 s": (0.001, (10, 262_144)),
    "a clock that stands still": (0.0, (10, 262_144)),
}


@pytest.mark.parametrize("case", MACHINES)
def test_the_cost_rises_with_the_machine_and_never_falls(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, expected = MACHINES[case]
    monkeypatch.setattr(module.Argon2idProfile, "stretch", lambda *_arguments: bytearray(32))
    times = iter((100.0, 100.0 + seconds))
    profile = calibrate(0.5, clock=lambda: next(times))
    assert (profile.iterations, profile.memory_kib) == expected
    assert profile.lanes == 4


def test_calibrating_measures_a_real_derivation() -> None:
    # A target that every machine exceeds at once, so that the test takes one derivation.
    assert str(calibrate(1e-9)) == str(Argon2idProfile())


def test_memory_doubles_only_while_the_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three iterations in 0.03 s are ten in 0.1 s; twice and four times the memory take 0.2 s and 0.4 s."""
    monkeypatch.setattr(module.Argon2idProfile, "stretch", lambda *_arguments: bytearray(32))
    times = iter((0.0, 0.03))
    profile = calibrate(0.45, clock=lambda: next(times))
    assert (profile.iterations, profile.memory_kib) == (10, 262_144)


def test_a_passphrase_shows_what_its_slots_will_cost() -> None:
    """And nothing of itself."""
    shown = repr(PassphraseCredential(bytearray(b"correct horse"), profile=CHEAP))
    assert shown == f"PassphraseCredential(<hidden>, profile={str(CHEAP)!r})"
    assert "correct" not in shown and "19" in shown
