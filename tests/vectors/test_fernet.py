"""The Fernet specification's own vectors, all of them.

Source: fernet/*.json of github.com/fernet/spec, as shipped in cryptography-vectors.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import cryptography.fernet
import cryptography_vectors
import pytest

from strongroom.crypto.fernet import FernetKey
from strongroom.fernet import InvalidToken, Keyring, TokenExpired

DIRECTORY = Path(cryptography_vectors.__file__).parent / "fernet"


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DIRECTORY / f"{name}.json").read_text())
    return found


def seconds(vector: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(vector["now"]).timestamp())


def test_there_are_as_many_as_there_were() -> None:
    """One to make, one to read, eight to refuse."""
    assert [len(vectors(name)) for name in ("generate", "verify", "invalid")] == [1, 1, 8]


def test_generate() -> None:
    """The token comes out with the vector's IV, which no caller can give."""
    for vector in vectors("generate"):
        ring = Keyring([vector["secret"]], max_age="any")
        inner = ring._keys[0]._fernet
        assert isinstance(ring._keys[0], FernetKey)
        token = inner._encrypt_from_parts(vector["src"].encode(), seconds(vector), bytes(vector["iv"]))
        assert token.decode() == vector["token"]
        assert ring.decrypt_at_time(token, 60, seconds(vector)) == vector["src"].encode()


def test_verify() -> None:
    """What is genuine is read, as bytes and as text."""
    for vector in vectors("verify"):
        ring = Keyring([vector["secret"].encode()], max_age="any")
        for token in (vector["token"], vector["token"].encode()):
            assert ring.decrypt_at_time(token, vector["ttl_sec"], seconds(vector)) == vector["src"].encode()


@pytest.mark.parametrize("case", vectors("invalid"), ids=lambda case: case["desc"])
def test_invalid(case: dict[str, Any]) -> None:
    """What is not is refused, with an error that the library's callers catch."""
    ring = Keyring([case["secret"]], max_age="any")
    with pytest.raises(cryptography.fernet.InvalidToken) as caught:
        ring.decrypt_at_time(case["token"], case["ttl_sec"], seconds(case))
    assert isinstance(caught.value, TokenExpired if case["desc"] == "expired TTL" else InvalidToken)
