"""Signatures of other programs' keys, checked against keys that are made here."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512

from strongroom.crypto.foreign_signatures import verify_rsa
from strongroom.crypto.ssh_keys import rsa_public
from strongroom.errors import FormatUnsupported, Tampered

HASHES = {"sha256": SHA256(), "sha512": SHA512()}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


@pytest.mark.parametrize("name", HASHES)
def test_an_rsa_signature_fits_its_message_alone(name: str, key: rsa.RSAPrivateKey) -> None:
    """Not another message, hash, signature or key."""
    numbers = key.public_key().public_numbers()
    signature = key.sign(b"message", PKCS1v15(), HASHES[name])
    verify_rsa(numbers.e, numbers.n, name, b"message", signature)
    other = "sha512" if name == "sha256" else "sha256"
    changed = signature[:-1] + bytes([signature[-1] ^ 1])
    for message, signed, hash_name in (
        (b"Message", signature, name), (b"message", signature, other), (b"message", changed, name),
        (b"message", b"", name), (b"message", signature + b"\0", name),
    ):  # fmt: skip
        with pytest.raises(Tampered):
            verify_rsa(numbers.e, numbers.n, hash_name, message, signed)
    with pytest.raises(Tampered):
        verify_rsa(numbers.e, numbers.n + 2, name, b"message", signature)


def test_leading_zeros_may_be_left_out(key: rsa.RSAPrivateKey) -> None:
    """As SSH does with numbers; nothing else is added or taken away."""
    numbers = key.public_key().public_numbers()
    tries = ((number, key.sign(b"%d" % number, PKCS1v15(), SHA256())) for number in range(10_000))
    number, signature = next(one for one in tries if one[1][0] == 0)
    verify_rsa(numbers.e, numbers.n, "sha256", b"%d" % number, signature)
    verify_rsa(numbers.e, numbers.n, "sha256", b"%d" % number, signature.lstrip(b"\0"))


SIZES = {"too short": (1 << 2046) + 1, "too long": (1 << 16_384) + 1}


@pytest.mark.parametrize("case", SIZES)
def test_rsa_keys_of_other_sizes_are_refused(case: str) -> None:
    """To check with and to encrypt to, before anything is calculated."""
    with pytest.raises(FormatUnsupported):
        verify_rsa(65_537, SIZES[case], "sha256", b"message", b"s" * 256)
    with pytest.raises(ValueError, match="bits"):
        rsa_public(65_537, SIZES[case])


@pytest.mark.parametrize("exponent", [1, 2, 4, 65_536, 2**32 + 1])
def test_exponents_that_are_none_are_refused(exponent: int, key: rsa.RSAPrivateKey) -> None:
    """Even ones, one, and such as would take long."""
    with pytest.raises(FormatUnsupported):
        verify_rsa(exponent, key.public_key().public_numbers().n, "sha256", b"message", b"s" * 256)


def test_a_key_to_encrypt_to_is_the_one_that_was_given(key: rsa.RSAPrivateKey) -> None:
    """Both its numbers."""
    numbers = key.public_key().public_numbers()
    assert rsa_public(numbers.e, numbers.n).public_numbers() == numbers
