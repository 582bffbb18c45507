"""What the age format does with keys: each wrapping opens with its own key alone; what is malformed is told apart."""

from __future__ import annotations

import hashlib
import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from strongroom.crypto import age, hybrid, ssh_keys
from strongroom.crypto.age import NotForThisKey
from strongroom.errors import Tampered, WrongKey

FILE_KEY = bytearray(range(16))
PEM = serialization.Encoding.PEM


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def public_of(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def test_x25519() -> None:
    private, stranger = os.urandom(32), os.urandom(32)
    share, body = age.wrap_x25519(FILE_KEY, public_of(private))
    assert (len(share), len(body)) == (age.POINT_BYTES, age.WRAPPED_BYTES)
    assert age.unwrap_x25519(private, share, body) == FILE_KEY
    with pytest.raises(NotForThisKey):
        age.unwrap_x25519(stranger, share, body)
    with pytest.raises(NotForThisKey):
        age.unwrap_x25519(private, share, body, b"an SSH key's blob: another construction")
    with pytest.raises(Tampered):
        age.unwrap_x25519(private, bytes(32), body)
    with pytest.raises(ValueError):
        age.wrap_x25519(FILE_KEY, bytes(32))


def test_ed25519_has_a_montgomery_form() -> None:
    """The public halves of both forms belong to one private key, whatever the sign of the point."""
    for number in range(8):
        seed = bytes([number]) * 32
        public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        assert age.montgomery(public) == public_of(bytes(age.ssh_scalar(seed)))
    with pytest.raises(ValueError):
        age.montgomery(b"\1" + bytes(31))


def test_rsa(rsa_key: rsa.RSAPrivateKey) -> None:
    """OAEP under the wrong key, or with its label changed, says nothing but that it is another's."""
    body = age.wrap_rsa(FILE_KEY, rsa_key.public_key())
    assert age.unwrap_rsa(rsa_key, body) == FILE_KEY
    with pytest.raises(NotForThisKey):
        age.unwrap_rsa(rsa.generate_private_key(65_537, 2_048), body)
    for bad in (b"", body[:-1], bytes(256), body[:-1] + bytes((body[-1] ^ 1,))):
        with pytest.raises(NotForThisKey):
            age.unwrap_rsa(rsa_key, bad)
    with pytest.raises(Tampered, match="wrong length"):
        age.unwrap_rsa(rsa_key, age.wrap_rsa(bytes(17), rsa_key.public_key()))


def test_scrypt() -> None:
    body = age.wrap_scrypt(FILE_KEY, b"passphrase", bytes(16), 4)
    assert age.unwrap_scrypt(b"passphrase", bytes(16), 4, body) == FILE_KEY
    good = (b"passphrase", bytes(16), 4)
    for passphrase, salt, work in ((b"other", *good[1:]), (good[0], b"\1" * 16, 4), (*good[:2], 5)):
        with pytest.raises(NotForThisKey):
            age.unwrap_scrypt(passphrase, salt, work, body)


def test_hybrid_needs_both_halves() -> None:
    seed = os.urandom(32)
    private = age.hybrid_private(seed)
    other = age.hybrid_private(os.urandom(32))
    share, body = age.wrap_hybrid(FILE_KEY, hybrid.public_key(private))
    assert (len(share), len(body)) == (age.HYBRID_SHARE_BYTES, age.WRAPPED_BYTES)
    assert age.unwrap_hybrid(private, share, body) == FILE_KEY
    for mixed in (other, private[:64] + other[64:], other[:64] + private[64:]):
        with pytest.raises(NotForThisKey):
            age.unwrap_hybrid(bytearray(mixed), share, body)
    with pytest.raises(ValueError, match="32 bytes"):
        age.hybrid_private(bytes(31))


def test_a_header_s_mac_is_of_its_file_key() -> None:
    tag = age.header_mac(FILE_KEY).digest(b"header")
    age.header_mac(FILE_KEY).verify(b"header", tag)
    for key, header in ((FILE_KEY, b"Header"), (bytes(16), b"header")):
        with pytest.raises(Tampered):
            age.header_mac(key).verify(header, tag)


def test_chunks_know_their_place_and_their_end() -> None:
    """The third chunk opens as the third, and the last as the last."""
    sealer = age.Payload(FILE_KEY, bytes(16))
    chunks = []
    for number in range(3):
        out = bytearray(1 + age.TAG_BYTES)
        sealer.seal_into(b"x", memoryview(out), is_last=number == 2)
        chunks.append(bytes(out))
    for order, ends in (((0, 1, 2), 2), ((1, 0, 2), 2), ((0, 2, 1), 2), ((0, 1, 2), 1), ((0, 1, 1), 2)):
        opener = age.Payload(FILE_KEY, bytes(16))
        out = bytearray(1)

        def all_of_them(opener: age.Payload = opener, order: tuple[int, ...] = order, ends: int = ends) -> None:
            for place, number in enumerate(order):
                opener.open_into(chunks[number], memoryview(out), is_last=place == ends)  # noqa: B023

        if (order, ends) == ((0, 1, 2), 2):
            all_of_them()
        else:
            with pytest.raises(Tampered):
                all_of_them()
    with pytest.raises(Tampered):
        age.Payload(FILE_KEY, b"\1" * 16).open_into(chunks[0], memoryview(bytearray(1)), is_last=False)


def test_ssh_private_keys(rsa_key: rsa.RSAPrivateKey) -> None:
    """Both forms of both kinds; the blob is the public key as SSH encodes it."""
    key = ed25519.Ed25519PrivateKey.generate()
    for form in (serialization.PrivateFormat.OpenSSH, serialization.PrivateFormat.PKCS8):
        seed, blob = ssh_keys.load_private(bytearray(key.private_bytes(PEM, form, serialization.NoEncryption())))
        assert seed == key.private_bytes_raw()
        assert blob.endswith(key.public_key().public_bytes_raw())
        loaded, blob = ssh_keys.load_private(bytearray(rsa_key.private_bytes(PEM, form, serialization.NoEncryption())))
        assert not isinstance(loaded, bytearray)
        assert loaded.private_numbers() == rsa_key.private_numbers()
        assert blob.startswith(b"\0\0\0\x07ssh-rsa")


def test_ssh_keys_that_are_of_no_use() -> None:
    """Of another kind, protected by a passphrase, or none; the error holds nothing of the file."""
    key = ed25519.Ed25519PrivateKey.generate()
    ecdsa = ec.generate_private_key(ec.SECP256R1())
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"x")
    pkcs8 = serialization.PrivateFormat.PKCS8
    for data, why in (
        (ecdsa.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, plain), "decrypts nothing"),
        (key.private_bytes(PEM, pkcs8, locked), "without a passphrase"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "not an SSH private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n", "not an SSH private key"),
        (b"", "not an SSH private key"),
    ):
        with pytest.raises(WrongKey, match=why) as caught:
            ssh_keys.load_private(bytearray(data))
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_passphrases_body_is_what_the_format_says() -> None:
    """hashlib's scrypt with the label before the salt, two to the work, 8 and 1. Source: age-encryption.org/v1."""
    salt, work = bytes(range(16)), 5
    key = hashlib.scrypt(b"passphrase", salt=b"age-encryption.org/v1/scrypt" + salt, n=1 << work, r=8, p=1, dklen=32)
    expected = ChaCha20Poly1305(key).encrypt(bytes(12), FILE_KEY, None)
    assert age.wrap_scrypt(FILE_KEY, b"passphrase", salt, work) == expected


def test_an_ssh_keys_body_is_what_the_format_says() -> None:
    """The shared secret is tweaked by the key's own bytes. Source: age's README of agessh."""
    label = b"age-encryption.org/v1/ssh-ed25519"
    shared_with, blob, salt = X25519PrivateKey.generate().public_key(), b"the key as SSH writes it", b"s" * 64

    def derived(secret: bytes, salt: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, label).derive(secret)

    tweak = X25519PrivateKey.from_private_bytes(derived(b"", blob))
    expected = derived(tweak.exchange(shared_with), salt)
    assert age._agreed(shared_with.public_bytes_raw(), salt, blob) == expected
