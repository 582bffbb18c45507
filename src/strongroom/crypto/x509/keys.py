"""The keys of certificates: made, kept as PKCS #8, and taken from others if they are good enough.

P-256 is the default: every verifier takes it. Source: RFC 5958; RFC 5480; NIST SP 800-57, table 2.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from strongroom.crypto.entropy import scrub
from strongroom.errors import Denied, WrongKey
from strongroom.secret import HiddenBuffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    Public = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    Buffer = bytes | bytearray | memoryview

KINDS = ("p256", "p384", "rsa3072", "ed25519")
REFUSERS = {
    "rsa3072": "RSA keys take a hundred times as long to make",
    "ed25519": "browsers (NSS), and cryptography's own verifier, refuse Ed25519 certificates",
}
"""What a person should know of a kind before choosing it."""
RSA_BITS = (3_072, 8_192)


class PrivateKey:
    """A private key and the hash that its signatures use; never shown.

    Args:
        key: the library's.
    """

    __slots__ = ("hash", "key", "kind")

    def __init__(self, key: Private) -> None:
        self.kind = kind_of(key.public_key())
        self.key = key
        self.hash = _signing_hash(self.kind)

    @property
    def public(self) -> Public:
        """The public key, as the library has it."""
        return self.key.public_key()

    def encode(self) -> bytearray:
        """PKCS #8 in DER, which the caller wipes."""
        return self._serialized(serialization.Encoding.DER)

    def pem(self) -> bytearray:
        """PKCS #8 as text, which the caller wipes."""
        return self._serialized(serialization.Encoding.PEM)

    def _serialized(self, encoding: serialization.Encoding) -> bytearray:
        data = self.key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        buffer = HiddenBuffer(data)
        length = len(data)
        del data
        scrub(length)
        return buffer

    def __repr__(self) -> str:
        return f"PrivateKey({self.kind})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a private key cannot be pickled")


def new_key(kind: str = "p256") -> PrivateKey:
    """A random key.

    Raises: ValueError: a kind that is none of `KINDS`.
    """
    if kind == "p256":
        return PrivateKey(ec.generate_private_key(ec.SECP256R1()))
    if kind == "p384":
        return PrivateKey(ec.generate_private_key(ec.SECP384R1()))
    if kind == "rsa3072":
        return PrivateKey(rsa.generate_private_key(65_537, RSA_BITS[0]))
    if kind == "ed25519":
        return PrivateKey(ed25519.Ed25519PrivateKey.generate())
    raise ValueError(f"a key's kind is one of: {', '.join(KINDS)}")


def load_key(data: Buffer) -> PrivateKey:
    """A key from PKCS #8 in DER.

    Raises: WrongKey: it is none, is encrypted, or of a kind that is not accepted.
    """
    return _loaded(data, serialization.load_der_private_key)


def load_key_pem(data: Buffer) -> PrivateKey:
    """A key from text in PEM, with other blocks around it or not.

    Raises: WrongKey: as `load_key`.
    """
    return _loaded(data, serialization.load_pem_private_key)


def kind_of(public: object) -> str:
    """Of which kind a public key is, if certificates may be issued for it.

    Raises: Denied: it is too weak, or of no kind that verifiers take.
    """
    if isinstance(public, ec.EllipticCurvePublicKey):
        kind = {"secp256r1": "p256", "secp384r1": "p384"}.get(public.curve.name)
        if kind is not None:
            return kind
    elif isinstance(public, rsa.RSAPublicKey):
        exponent = public.public_numbers().e
        # A small exponent is where bad padding checks were broken; a huge one is work for each verifier.
        if RSA_BITS[0] <= public.key_size <= RSA_BITS[1] and exponent == 65_537:
            return "rsa3072"
    elif isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    raise Denied("certificates are for keys of kind P-256, P-384, Ed25519, or RSA of 3,072 bits or more")


def _loaded(data: Buffer, load: object) -> PrivateKey:
    try:
        key = load(bytes(data), None)  # type: ignore[operator]  # one of the library's two
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: the cause may quote the file. TypeError: it is protected by a passphrase.
        raise WrongKey("this is no private key without a passphrase") from None
    finally:
        scrub(len(data))
    try:
        return PrivateKey(key)
    except Denied as error:
        raise WrongKey(error.message) from None


def _signing_hash(kind: str) -> hashes.SHA256 | hashes.SHA384 | None:
    if kind == "ed25519":
        return None
    return hashes.SHA384() if kind == "p384" else hashes.SHA256()
