"""PKCS #12 (RFC 7292): key and certificates in one encrypted file, for programs that take nothing else."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.crypto.x509.certificates import Certificate
    from strongroom.crypto.x509.keys import PrivateKey

KDF_ROUNDS = 100_000
"""The password is 128 random bits of ours; Java gives up above five million."""


def pkcs12(key: PrivateKey, certificate: Certificate, chain: Sequence[Certificate], password: bytes) -> bytes:
    """A file encrypted with AES-256 under PBKDF2-HMAC-SHA-256, as OpenSSL 3 and Java 17 write it.

    Args:
        password: must not be one that is used elsewhere.
    """
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(KDF_ROUNDS)
        .key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password)
    )
    others = [one.raw for one in chain]
    names = certificate.names
    name = str(names[0]).encode("ascii") if names else certificate.serial.encode("ascii")
    return serialize_key_and_certificates(name, key.key, certificate.raw, others, encryption)
