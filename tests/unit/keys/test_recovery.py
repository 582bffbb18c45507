"""Recovery codes: as written on paper and as typed back."""

from __future__ import annotations

import copy
import hashlib
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots.recovery import (
    RecoveryCredential,
    check_parameters,
    describe,
    looks_like_recovery_code,
    new_recovery_code,
    parse_recovery_code,
)

SALT = bytes(32)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BITS = st.binary(min_size=19, max_size=19).map(lambda data: data[:-1] + bytes((data[-1] & 0xFC,)))


def _by_arithmetic(bits: bytes) -> str:
    """The documented encoding in another way: one big number."""
    number = int.from_bytes(bits, "big") >> 2
    check = int.from_bytes(hashlib.sha256(bits).digest()[:2], "big") >> 6
    number = number << 10 | check
    symbols = "".join(ALPHABET[number >> 5 * place & 31] for place in range(31, -1, -1))
    return "-".join(symbols[start : start + 4] for start in range(0, 32, 4))


@given(BITS)
def test_a_code_is_written_as_documented_and_reads_back(bits: bytes) -> None:
    code = RecoveryCredential(bytearray(bits)).code().reveal()
    assert code == _by_arithmetic(bits)
    assert parse_recovery_code(bytearray(code, "ascii")).secret(SALT) == bits


def test_new_codes_are_random_and_keep_their_last_two_bits_clear() -> None:
    codes = [new_recovery_code() for _ in range(50)]
    assert len({bytes(code.secret(SALT)) for code in codes}) == 50
    assert all(code.secret(SALT)[-1] & 3 == 0 for code in codes)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}", codes[0].code().reveal())


SPELLINGS = {
    "as shown": lambda code: code,
    "lower case": str.lower,
    "no dashes": lambda code: code.replace("-", ""),
    "spaces and a newline": lambda code: " " + code.replace("-", " ") + "\r\n",
    "I for 1": lambda code: code.replace("1", "I"),
    "l for 1": lambda code: code.replace("1", "l"),
    "o for 0": lambda code: code.replace("0", "o"),
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_a_code_may_be_typed_in_several_ways(case: str) -> None:
    bits = bytes(10) + b"\x08\x42\x10" + bytes(range(6))
    bits = bits[:-1] + b"\x04"
    code = RecoveryCredential(bytearray(bits)).code().reveal()
    assert "0" in code
    assert "1" in code
    typed = bytearray(SPELLINGS[case](code), "ascii")
    before = bytes(typed)
    assert looks_like_recovery_code(typed)
    assert parse_recovery_code(typed).secret(SALT) == bits
    assert typed == before, "the buffer stays the caller's"


def test_nearly_every_typing_mistake_is_noticed() -> None:
    code = RecoveryCredential(bytearray(bytes(range(18)) + b"\xfc")).code().reveal().replace("-", "")
    accepted = 0
    for place in range(32):
        for symbol in ALPHABET:
            if symbol != code[place]:
                accepted += looks_like_recovery_code(bytearray(code[:place] + symbol + code[place + 1 :], "ascii"))
    # 992 changes, of which one in 1,024 passes the check by chance.
    assert accepted <= 5


BAD = {
    "empty": b"",
    "too short": b"0000-0000",
    "a character less": b"0" * 31,
    "a character more": b"0" * 33,
    "a letter that is not used": b"U" * 32,
    "punctuation": b"!" * 32,
    "not ASCII": "ä".encode() * 16,
    "a passphrase": b"correct horse battery staple 123",
    "a wrong check": b"0" * 32,
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_code_is_refused(case: str) -> None:
    assert not looks_like_recovery_code(bytearray(BAD[case]))
    with pytest.raises(WrongKey) as caught:
        parse_recovery_code(bytearray(BAD[case]))
    assert str(caught.value) == "this is not a recovery code"


@pytest.mark.parametrize("bits", [b"", bytes(18), bytes(20), bytes(18) + b"\1", bytes(18) + b"\2"])
def test_bits_that_cannot_be_a_code_are_misuse(bits: bytes) -> None:
    with pytest.raises(ValueError, match="150 bits"):
        RecoveryCredential(bytearray(bits))


def test_parameters_of_another_length_are_tampering() -> None:
    credential = new_recovery_code()
    assert len(credential.new_parameters()) == 32
    assert credential.new_parameters() != credential.new_parameters()
    for bad in (b"", bytes(31), bytes(33)):
        with pytest.raises(Tampered):
            check_parameters(bad)
        with pytest.raises(Tampered):
            credential.secret(bad)
    assert describe(SALT) == "150 random bits"


def test_nothing_is_left_after_wipe() -> None:
    bits = bytearray(range(1, 20))
    bits[-1] = 4
    credential = RecoveryCredential(bits)
    credential.wipe()
    assert not any(bits)
    for use in (lambda: credential.secret(SALT), credential.code):
        with pytest.raises(ValueError, match="wiped"):
            use()


def test_a_credential_neither_shows_nor_copies_itself() -> None:
    credential = new_recovery_code()
    assert repr(credential) == "RecoveryCredential(<hidden>)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(credential)
