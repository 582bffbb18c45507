"""SLIP-39's vectors through the function that combines shares.

Source: trezor/python-shamir-mnemonic vectors.json, as the npm package slip39 0.1.9 carries it (MIT):
[description, mnemonics, master secret in hex or "" when they must be refused, xprv].
"""

from __future__ import annotations

import hashlib
import json

import pytest

from strongroom.errors import WrongKey
from strongroom.keys.slots import shares
from strongroom.keys.slots.shares import ShareCollector, ShareSet
from tests.peers import VECTORS, npm_package

PACKAGE = "slip39-0.1.9"
SHA256 = "d55d41cb967722c14c679b1e7445371824047395510a90ec447277203a3321ad"
PASSPHRASE = b"TREZOR"

Vector = tuple[str, list[str], str, str]


@pytest.fixture(scope="module")
def vectors() -> list[Vector]:
    """All 45."""
    with npm_package(PACKAGE) as package:
        member = package.extractfile("package/test/vectors.json")
        assert member is not None
        found: list[Vector] = json.load(member)
    assert hashlib.sha256((VECTORS / f"{PACKAGE}.tgz").read_bytes()).hexdigest() == SHA256
    assert len(found) == 45
    return found


def test_each_vector_combines_or_is_refused(vectors: list[Vector]) -> None:
    """The right secret comes out, and a mistyped, foreign, duplicated, missing or surplus share is WrongKey."""
    refused = 0
    for description, mnemonics, secret, _xprv in vectors:
        if secret:
            combined = shares._combine_from_parts(mnemonics, PASSPHRASE)
            assert combined == bytes.fromhex(secret), description
        else:
            refused += 1
            with pytest.raises(WrongKey):
                shares._combine_from_parts(mnemonics, PASSPHRASE)
    assert refused == 30


def test_no_vector_opens_a_slot(vectors: list[Vector]) -> None:
    """A slot takes shares of its own set and shape only: 33 words, one group, no passphrase, least exponent."""
    for description, mnemonics, _secret, _xprv in vectors:
        collector = ShareCollector([ShareSet(set_id, 2, 3).encode() for set_id in (0, 7945, 32_767)])
        for mnemonic in mnemonics:
            with pytest.raises(WrongKey):
                collector.add(bytearray(mnemonic.encode()))
        with pytest.raises(WrongKey, match="0 shares were given"):
            collector.credential()
        assert description
