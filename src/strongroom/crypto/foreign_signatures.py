"""Signatures that others make with SSH keys of other kinds than Ed25519; only checked, never made.

Source: RFC 8332 (RSA), RFC 5656 (ECDSA); OpenSSH's PROTOCOL.sshsig. Bounds are compared before any key is built.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from strongroom.errors import FormatUnsupported, Tampered

RSA_BITS = (2_048, 16_384)


def verify_rsa(exponent: int, modulus: int, hash_name: str, message: bytes, signature: bytes) -> None:
    """Check an RSA signature (PKCS #1 v1.5).

    Args:
        hash_name: ``"sha256"`` or ``"sha512"``; SHA-1 is no choice.

    Raises:
        Tampered: it does not fit.
        FormatUnsupported: a key of a size that is not accepted.
    """
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1] or not (3 <= exponent < 2**32 and exponent % 2):
        raise FormatUnsupported("an RSA key of this size is not accepted")
    hash_ = SHA256() if hash_name == "sha256" else SHA512()
    try:
        # PKCS #1 signatures are as long as the modulus; SSH may leave leading zeros out.
        padded = signature.rjust((modulus.bit_length() + 7) // 8, b"\0")
        RSAPublicNumbers(exponent, modulus).public_key().verify(padded, message, PKCS1v15(), hash_)
    except (InvalidSignature, ValueError):
        raise Tampered("the signature does not fit") from None


def verify_ecdsa(curve: str, point: bytes, message: bytes, r: int, s: int) -> None:
    """Check an ECDSA signature.

    Args:
        curve: ``"nistp256"``, ``"nistp384"`` or ``"nistp521"``, which names the hash too.
        point: the public key as an encoded point.

    Raises:
        Tampered: it does not fit.
        FormatUnsupported: another curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    known: dict[str, tuple[ec.EllipticCurve, SHA256 | SHA384 | SHA512]] = {
        "nistp256": (ec.SECP256R1(), SHA256()),
        "nistp384": (ec.SECP384R1(), SHA384()),
        "nistp521": (ec.SECP521R1(), SHA512()),
    }
    if curve not in known:
        raise FormatUnsupported("an elliptic curve that SSH does not have")
    group, hash_ = known[curve]
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(group, point)
        public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hash_))
    except (InvalidSignature, ValueError):
        raise Tampered("the signature does not fit") from None
