"""Keys of certificates: each kind is made, recognised and read again as what it is."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from strongroom.crypto.x509.keys import KINDS, kind_of, load_key, new_key

MADE = {
    "p256": (ec.EllipticCurvePrivateKey, 256),
    "p384": (ec.EllipticCurvePrivateKey, 384),
    "rsa3072": (rsa.RSAPrivateKey, 3072),
    "ed25519": (ed25519.Ed25519PrivateKey, None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_of_its_kind(kind: str) -> None:
    """When it is made, in its public half, and when it is read again."""
    type_, bits = MADE[kind]
    key = new_key(kind)
    assert isinstance(key.key, type_)
    assert getattr(key.key, "key_size", None) == bits
    assert key.kind == kind_of(key.key.public_key()) == kind
    if isinstance(key.key, rsa.RSAPrivateKey):
        assert key.key.public_key().public_numbers().e == 65_537
    assert load_key(key.encode()).kind == kind
    assert repr(key) == f"PrivateKey({kind})"


def test_what_is_no_kind_is_refused() -> None:
    """Whatever it is spelt like; without a word it is P-256."""
    for kind in ("P256", "rsa2048", "", "RSA3072"):
        with pytest.raises(ValueError, match="one of"):
            new_key(kind)
    assert new_key().kind == "p256"
