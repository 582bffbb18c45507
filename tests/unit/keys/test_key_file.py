"""Key files: 125 bytes, a checksum, and nothing else accepted."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest

from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots.key_file import (
    KeyFileCredential,
    check_parameters,
    decode_key_file,
    describe,
    encode_key_file,
    new_key_file,
)

KEY_FILE_ID = bytes(range(16))
KEY = bytes(range(100, 132))


def _line(key_file_id: str = KEY_FILE_ID.hex(), key: str = KEY.hex()) -> bytes:
    start = f"strongroom-key-v1:{key_file_id}:{key}".encode()
    return start + b":" + hashlib.sha256(start).hexdigest()[:8].encode() + b"\n"


def test_a_key_file_is_written_as_documented() -> None:
    line = encode_key_file(KeyFileCredential(KEY_FILE_ID, bytearray(KEY)))
    assert isinstance(line, bytearray)
    assert line == _line()
    assert len(line) == 125


def test_a_key_file_reads_back_the_same() -> None:
    credential = new_key_file()
    again = decode_key_file(encode_key_file(credential))
    assert again.key_file_id == credential.key_file_id == again.new_parameters()
    assert again.secret(again.key_file_id) == credential.secret(again.key_file_id)
    assert new_key_file().key_file_id != credential.key_file_id


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_the_newline_may_be_missing_and_the_buffer_is_wiped(ending: bytes) -> None:
    data = bytearray(_line()[:-1] + ending)
    assert decode_key_file(data).secret(KEY_FILE_ID) == KEY
    assert not any(data)


def test_every_changed_character_is_refused() -> None:
    line = _line()
    for place in range(len(line)):
        for bit in (1, 32, 128):
            changed = bytearray(line)
            changed[place] ^= bit
            with pytest.raises(WrongKey):
                decode_key_file(changed)
            assert not any(changed)


BAD = {
    "empty": b"",
    "cut": _line()[:-2],
    "extended": _line() + b"\n",
    "windows line ending": _line()[:-1] + b"\r\n",
    "another version": _line().replace(b"v1", b"v2"),
    "capital digits": _line(key=KEY.hex().upper()),
    "no hexadecimal digits in the key": _line(key="g" * 64),
    "no hexadecimal digits in the id": _line(key_file_id="-" * 32),
    "something else of this length": b"x" * 125,
    "a million bytes": b"x" * 1_000_000,
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_key_file_is_refused(case: str) -> None:
    with pytest.raises(WrongKey) as caught:
        decode_key_file(bytearray(BAD[case]))
    assert KEY.hex()[:8] not in str(caught.value)


def test_parameters_of_another_length_are_tampering() -> None:
    check_parameters(KEY_FILE_ID)
    for bad in (b"", KEY_FILE_ID[:-1], KEY_FILE_ID + b"\0"):
        with pytest.raises(Tampered):
            check_parameters(bad)
        with pytest.raises(Tampered):
            new_key_file().secret(bad)
    assert describe(KEY_FILE_ID) == f"key file {KEY_FILE_ID.hex()}"


@pytest.mark.parametrize(("id_length", "key_length"), [(15, 32), (16, 31), (16, 33), (0, 0)])
def test_a_key_of_another_length_is_misuse(id_length: int, key_length: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        KeyFileCredential(bytes(id_length), bytearray(key_length))


def test_nothing_is_left_after_wipe() -> None:
    key = bytearray(KEY)
    credential = KeyFileCredential(KEY_FILE_ID, key)
    handed_out = credential.secret(KEY_FILE_ID)
    credential.wipe()
    assert key == bytes(32)
    assert handed_out == KEY, "the caller's copy is the caller's to wipe"
    for use in (lambda: credential.secret(KEY_FILE_ID), lambda: encode_key_file(credential)):
        with pytest.raises(ValueError, match="wiped"):
            use()


def test_a_credential_neither_shows_nor_copies_itself() -> None:
    credential = KeyFileCredential(KEY_FILE_ID, bytearray(KEY))
    assert repr(credential) == f"KeyFileCredential({KEY_FILE_ID.hex()}, <hidden>)"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(credential)
