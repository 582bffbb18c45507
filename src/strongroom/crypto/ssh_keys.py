"""SSH private keys as others keep them: Ed25519 and RSA, without a passphrase.

Source: OpenSSH's PROTOCOL.key; RFC 4253, 6.6; RFC 8709.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers

from strongroom.crypto import age
from strongroom.crypto.entropy import scrub
from strongroom.crypto.foreign_signatures import RSA_BITS
from strongroom.errors import WrongKey
from strongroom.secret import wipe


class SshPrivateKey:
    """One private key.

    Attributes:
        blob: its public key as SSH encodes it.
        kind: ``"ssh-ed25519"`` or ``"ssh-rsa"``.
    """

    __slots__ = ("_key", "blob", "kind")

    def __init__(self, key: bytearray | RSAPrivateKey, kind: str, blob: bytes) -> None:
        self._key = key
        self.kind = kind
        self.blob = blob

    def unwrap(self, share: bytes, body: bytes) -> bytearray:
        """The file key of an age stanza; RSA has no share.

        Raises: WrongKey, Tampered: as `age.unwrap_x25519`.
        """
        if isinstance(self._key, RSAPrivateKey):
            return age.unwrap_rsa(self._key, body)
        return age.unwrap_ssh_ed25519(self._key, self.blob, share, body)

    def wipe(self) -> None:
        """Overwrite an Ed25519 key; an RSA key is the library's to forget."""
        if isinstance(self._key, bytearray):
            wipe(self._key)

    def __repr__(self) -> str:
        return f"SshPrivateKey({self.kind}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a private key cannot be pickled or copied")


def load_private(data: bytearray) -> SshPrivateKey:
    """Read a private key file: OpenSSH's own format, or PEM.

    Args:
        data: the whole file; the caller wipes it.

    Raises: WrongKey: neither Ed25519 nor RSA, malformed, or protected by a passphrase.
    """
    from binascii import a2b_base64

    from cryptography.exceptions import UnsupportedAlgorithm

    is_openssh = data.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        key = load(bytes(data), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: the cause may quote the file. TypeError: it is protected by a passphrase.
        raise WrongKey("this is not an SSH private key without a passphrase, of kind Ed25519 or RSA") from None
    finally:
        scrub(len(data))
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise WrongKey("an SSH key of this kind decrypts nothing: Ed25519 and RSA keys do")
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    blob = a2b_base64(line.split()[1])
    if isinstance(key, RSAPrivateKey):
        return SshPrivateKey(key, "ssh-rsa", blob)
    seed = bytearray(key.private_bytes_raw())
    scrub(len(seed))
    return SshPrivateKey(seed, "ssh-ed25519", blob)


def rsa_public(exponent: int, modulus: int) -> RSAPublicKey:
    """An RSA public key to encrypt to.

    Raises: ValueError: of a size that is not accepted.
    """
    if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1]:
        raise ValueError(f"an RSA key has {RSA_BITS[0]} to {RSA_BITS[1]} bits")
    return RSAPublicNumbers(exponent, modulus).public_key()
