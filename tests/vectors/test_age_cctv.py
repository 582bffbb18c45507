"""The age test kit through the function that opens an age slot: each file is accepted or refused as it should be.

Source: C2SP/CCTV age, as the npm package cctv-age 0.2.0 (files are base64 in its index.js; 0BSD, CC0, Unlicense).
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib

import pytest

from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots.age import parse_identities
from strongroom.wire import counted, text
from tests.peers import VECTORS, npm_package

PACKAGE = "cctv-age-0.2.0"
SHA256 = "94a2a220a95b158a69997e84405bb5d4ef84adf05d15bf341b83ec3ba9dd846e"
FILES = 143

# Expected to succeed, and refused here, with the reason.
REFUSED = {
    "hybrid": "ML-KEM identities (AGE-SECRET-KEY-PQ-1) are unknown to pyrage 1.4",
    "hybrid_and_x25519": "as hybrid",
    "hybrid_grease": "as hybrid",
    "hybrid_multiple_recipients": "as hybrid",
    "armor_hybrid": "as hybrid",
    "scrypt": "a slot's age file is never opened with a passphrase",
    "armor_scrypt": "as scrypt",
    "armor_whitespace_outside": "pyrage 1.4 takes no white space around armor; a slot's file is never armored",
}
# Expected to fail, and accepted by pyrage 1.4, which forgives what early versions of rage wrote. In a
# slot the whole file is bound to the key that comes out of it, so that another spelling opens nothing.
ACCEPTED = {
    "stanza_missing_body": "a stanza without its short last line",
    "stanza_missing_final_line": "as stanza_missing_body",
}

OURS = b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


class Case:
    """One file of the kit."""

    def __init__(self, raw: bytes) -> None:
        head, body = raw.split(b"\n\n", 1)
        self.fields: dict[str, list[str]] = {}
        for line in head.decode().splitlines():
            key, value = line.split(": ", 1)
            self.fields.setdefault(key, []).append(value)
        self.file = zlib.decompress(body) if self.fields.get("compressed") == ["zlib"] else body

    @property
    def expect(self) -> str:
        return self.fields["expect"][0]

    def identities(self) -> bytearray:
        """An identity file; a passphrase's case gets a stranger's."""
        lines = [identity.encode() for identity in self.fields.get("identity", [])] or [OURS]
        return bytearray(b"\n".join(lines) + b"\n")


def opened(case: Case) -> bytes | None:
    """What comes out of a file, or None when it is refused."""
    try:
        return bytes(parse_identities(case.identities())._decrypt_from_parts(case.file))
    except WrongKey:
        return None


@pytest.fixture(scope="module")
def kit() -> dict[str, Case]:
    """Every file by its name."""
    with npm_package(PACKAGE) as package:
        assert package.fileobj is not None
        member = package.extractfile("package/index.js")
        assert member is not None
        script = member.read().decode()
    found = re.findall(r'var (\w+?)_default = __toBinary\("([A-Za-z0-9+/=]*)"', script)
    return {name: Case(base64.b64decode(encoded)) for name, encoded in found}


def test_the_package_is_the_known_one(kit: dict[str, Case]) -> None:
    """The same bytes as when the tables above were written."""
    assert hashlib.sha256((VECTORS / f"{PACKAGE}.tgz").read_bytes()).hexdigest() == SHA256
    assert len(kit) == FILES


def test_each_file_is_accepted_or_refused(kit: dict[str, Case]) -> None:
    """Success gives the plaintext with the expected hash; everything else is WrongKey, and nothing besides."""
    wrong = []
    for name, case in kit.items():
        plaintext = opened(case)
        if case.expect == "success" and name not in REFUSED:
            is_right = plaintext is not None and hashlib.sha256(plaintext).hexdigest() == case.fields["payload"][0]
        else:
            is_right = (plaintext is not None) == (name in ACCEPTED)
        if not is_right:
            wrong.append((name, case.expect, plaintext is not None))
    assert wrong == []


def test_the_tables_of_differences_are_needed(kit: dict[str, Case]) -> None:
    """No name stands in a table without cause, and none is misspelt."""
    for name in REFUSED:
        assert kit[name].expect == "success"
        assert opened(kit[name]) is None
    for name in ACCEPTED:
        assert kit[name].expect != "success"
        assert opened(kit[name]) is not None


def test_no_file_of_the_kit_opens_a_slot(kit: dict[str, Case]) -> None:
    """As a slot's parameters each is refused: armored, too long, damaged, or without a secret of 32 bytes."""
    for case in kit.values():
        parameters = text("age1" + "q" * 58) + counted(case.file)
        for identities in (bytearray(OURS), case.identities()):
            with pytest.raises((Tampered, WrongKey)):
                parse_identities(identities).open(parameters)
