"""Certificate requests (CSR): each part is checked against what is going to be issued, and none is copied.

A request proves who holds its key, and can ask. What comes into the certificate is what the
authority's operator named; a request that asks for more is refused, not cut down.
Source: RFC 2986; RFC 5280, 4.2.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from strongroom.crypto.x509.certificates import MALFORMED, PROFILES, name_of
from strongroom.crypto.x509.issuing import leaf_usage
from strongroom.crypto.x509.keys import kind_of
from strongroom.crypto.x509.names import parse_name
from strongroom.errors import Denied, StrongroomError, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.crypto.x509.keys import Public
    from strongroom.crypto.x509.names import Name

REQUEST_BYTES_MAX = 64 * 1024


def check_request(data: bytes, names: Sequence[Name], profile: str) -> Public:
    """The public key of a request, if it asks for nothing but these names and this profile.

    Args:
        data: PEM or DER, at most 64 KiB.
        names: what the certificate is going to be for.
        profile: one of `PROFILES`.

    Raises:
        Tampered: it is no request, or was not signed with its own key.
        Denied: it asks for something else, or its key is not good enough.
    """
    try:
        request = _load(data)
        if not request.is_signature_valid:
            raise Tampered("the request was not signed with its own key")
        public = request.public_key()
        kind_of(public)
        _check_subject(request.subject, names)
        _check_attributes(request)
        for extension in request.extensions:
            _check_extension(extension, names, profile, leaf_usage(public))  # type: ignore[arg-type]
    except StrongroomError:
        raise
    except MALFORMED:
        # `from None`: the cause quotes the request.
        raise Tampered("this is no certificate request, or a malformed one") from None
    return public  # type: ignore[return-value]  # `kind_of` has seen which it is


def _load(data: bytes) -> x509.CertificateSigningRequest:
    if len(data) > REQUEST_BYTES_MAX:
        raise Tampered(f"a certificate request has at most {REQUEST_BYTES_MAX} bytes")
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_csr(data)
    return x509.load_der_x509_csr(data)


def _check_subject(subject: x509.Name, names: Sequence[Name]) -> None:
    """The subject of a leaf is empty; a common name that repeats one of its names does no harm."""
    for attribute in subject:
        value = attribute.value
        if attribute.oid != NameOID.COMMON_NAME or not isinstance(value, str):
            raise Denied("the request asks for a subject, and a certificate's subject is empty here")
        try:
            is_named = parse_name(value) in names
        except ValueError:
            is_named = False
        if not is_named:
            raise Denied("the request asks for a common name that was not named here")


def _check_attributes(request: x509.CertificateSigningRequest) -> None:
    for attribute in request.attributes:
        if attribute.oid != _EXTENSION_REQUEST:
            raise Denied(f"the request has an attribute that is not accepted: {attribute.oid.dotted_string}")


def _check_extension(
    extension: x509.Extension[x509.ExtensionType], names: Sequence[Name], profile: str, usage: x509.KeyUsage
) -> None:
    value = extension.value
    if isinstance(value, x509.SubjectAlternativeName):
        for found in value:
            if name_of(found) not in names:
                raise Denied("the request asks for a name that was not named here")
    elif isinstance(value, x509.BasicConstraints):
        if value.ca or value.path_length is not None:
            raise Denied("the request asks for an authority's certificate")
    elif isinstance(value, x509.KeyUsage):
        if value != usage:
            raise Denied("the request asks for another use of the key than digital signatures")
    elif isinstance(value, x509.ExtendedKeyUsage):
        if not set(value) <= set(PROFILES[profile]):
            raise Denied(f"the request asks for more than the profile {profile} is good for")
    elif not isinstance(value, x509.SubjectKeyIdentifier):
        raise Denied(f"the request asks for an extension that is not issued: {extension.oid.dotted_string}")


# PKCS #9's extensionRequest; the library names the others only.
_EXTENSION_REQUEST = x509.ObjectIdentifier("1.2.840.113549.1.9.14")
