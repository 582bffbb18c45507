"""SSH keys as others keep them: Ed25519 and RSA, private ones without a passphrase.

Source: OpenSSH's PROTOCOL.key; RFC 4253, 6.6; RFC 8709.
"""

from __future__ import annotations

from binascii import a2b_base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey as RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey as RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from strongroom.crypto.entropy import scrub
from strongroom.crypto.foreign_signatures import RSA_BITS
from strongroom.errors import WrongKey


def load_private(data: bytearray) -> tuple[bytearray | RSAPrivateKey, bytes]:
    """Read a private key file: OpenSSH's own format, or PEM.

    Args:
        data: the whole file; the caller wipes it.

    Returns: the seed of an Ed25519 key, which the caller wipes, or the library's RSA key; and the
        public key as SSH encodes it.
    Raises: WrongKey: neither Ed25519 nor RSA, malformed, or protected by a passphrase.
    """
    is_openssh = data.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        key = load(bytes(data), None)
    except (ValueError, TypeError, NotImplementedError, UnsupportedAlgorithm):
        # `from None`: the cause may quote the file. TypeError: it is protected by a passphrase.
        raise WrongKey("this is not an SSH private key without a passphrase, of kind Ed25519 or RSA") from None
    finally:
        scrub(len(data))
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise WrongKey("an SSH key of this kind decrypts nothing: Ed25519 and RSA keys do")
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    blob = a2b_base64(line.split()[1])
    if isinstance(key, RSAPrivateKey):
        return key, blob
    seed = bytearray(key.private_bytes_raw())
    scrub(len(seed))
    return seed, blob


def rsa_public(exponent: int, modulus: int) -> RSAPublicKey:
    """An RSA public key to encrypt to.

    Raises: ValueError: of a size that is not accepted.
    """
    if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1]:
        raise ValueError(f"an RSA key has {RSA_BITS[0]} to {RSA_BITS[1]} bits")
    return RSAPublicNumbers(exponent, modulus).public_key()
