"""What lies in the operating system's keyring: 32 bytes in base 64, and nothing else accepted."""

from __future__ import annotations

import base64

import pytest

from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots.os_keyring import (
    check_parameters,
    decode_entry,
    describe,
    encode_entry,
    entry_name,
    new_keyring_credential,
)


def test_an_entry_reads_back_the_same() -> None:
    """Its name is the parameters in hex; its text the secret in base 64."""
    credential = new_keyring_credential()
    entry = encode_entry(credential)
    assert base64.b64decode(entry) == credential.secret(credential.parameters)
    assert entry_name(credential.parameters) == credential.parameters.hex()
    again = decode_entry(credential.parameters, entry)
    assert again.secret(again.parameters) == credential.secret(credential.parameters)
    assert new_keyring_credential().parameters != credential.parameters


@pytest.mark.parametrize("text", ["", "x", "QUJD", "A" * 43, "A" * 43 + "=\n", "ä" * 44, "A" * 44, "A" * 43 + "=="])
def test_anything_else_is_refused(text: str) -> None:
    """A password that somebody typed under this name is not shown in the error."""
    with pytest.raises(WrongKey, match="not a key") as caught:
        decode_entry(bytes(16), text)
    assert not text.strip() or text not in str(caught.value)


def test_parameters() -> None:
    """An entry's id has 16 bytes."""
    check_parameters(bytes(16))
    assert describe(bytes(16)) == f"OS keyring entry {'0' * 32}"
    for length in (0, 15, 17):
        with pytest.raises(Tampered):
            check_parameters(bytes(length))
