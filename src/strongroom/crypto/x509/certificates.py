"""Certificates, read: what they say, and who has signed them. Nothing here trusts one.

Source: RFC 5280, 4.1 and 4.2.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from strongroom.crypto.x509.keys import PrivateKey, kind_of
from strongroom.crypto.x509.names import Constraints, Name, parse_constraints, parse_name
from strongroom.errors import Denied, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from strongroom.crypto.x509.keys import Public

BACKDATING = timedelta(minutes=5)
"""For verifiers whose clock is behind."""
_SECOND = timedelta(seconds=1)

_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
PROFILES = {"server": (_SERVER,), "client": (_CLIENT,), "peer": (_SERVER, _CLIENT)}
"""What a leaf is good for; nothing here signs code or certificates."""
MALFORMED = (
    ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip
"""What the library raises over bytes that somebody has prepared; half of it only when a part is looked at."""


class Certificate:
    """One certificate, read and not yet trusted.

    Args:
        data: DER.

    Raises: Tampered: it is none.
    """

    __slots__ = ("raw",)

    def __init__(self, data: bytes | bytearray | memoryview | x509.Certificate) -> None:
        try:
            self.raw = data if isinstance(data, x509.Certificate) else _load(bytes(data))
        except MALFORMED:
            raise Tampered("this is no certificate") from None

    @property
    def serial(self) -> str:
        """40 hex digits."""
        return f"{self.raw.serial_number:040x}"

    @property
    def not_before(self) -> datetime:
        """When it begins; aware UTC."""
        return self.raw.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """The last second in which it is good; aware UTC."""
        return self.raw.not_valid_after_utc

    @property
    def lifetime(self) -> timedelta:
        """For how long it was issued, without the backdating."""
        return max(self.not_after - self.not_before - BACKDATING, _SECOND)

    @property
    def public(self) -> Public:
        """Its public key, as the library has it.

        Raises: Denied: of a kind that is not accepted.
        """
        public = _public(self.raw)
        kind_of(public)
        return public  # type: ignore[return-value]  # `kind_of` has seen which it is

    @property
    def names(self) -> tuple[Name, ...]:
        """What it is for; empty for an authority."""
        try:
            found = self.raw.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ()
        return tuple(name_of(one) for one in found)

    @property
    def profile(self) -> str:
        """The name of its profile; empty for an authority."""
        try:
            found = set(self.raw.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        except x509.ExtensionNotFound:
            return ""
        return next((name for name, uses in PROFILES.items() if set(uses) == found), "")

    @property
    def constraints(self) -> Constraints:
        """What an authority may issue for.

        Raises: Denied: it has no constraints, and so may not issue for anything.
        """
        return _constraints(self.raw)

    @property
    def subject(self) -> str:
        """What an authority is called; empty for a leaf."""
        found = self.raw.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in 64 hex digits: what people compare."""
        return self.raw.fingerprint(hashes.SHA256()).hex()

    @property
    def key_kind(self) -> str:
        """Of which kind its key is."""
        return kind_of(_public(self.raw))

    def der(self) -> bytes:
        """The certificate as bytes."""
        return self.raw.public_bytes(serialization.Encoding.DER)

    def pem(self) -> bytes:
        """The certificate as text."""
        return self.raw.public_bytes(serialization.Encoding.PEM)

    def check_signed_by(self, issuer: Certificate) -> None:
        """Check who signed it.

        Raises: Tampered: not *issuer*.
        """
        try:
            self.raw.verify_directly_issued_by(issuer.raw)
        except MALFORMED:
            raise Tampered("a certificate was not signed by this authority") from None

    def fits(self, key: PrivateKey) -> bool:
        """Whether *key* is its private key."""
        return _public(self.raw) == key.public

    def __repr__(self) -> str:
        return f"Certificate({self.serial}, {self.subject or ', '.join(map(str, self.names))})"


def _load(data: bytes) -> x509.Certificate:
    return _whole(x509.load_der_x509_certificate(data))


def _whole(raw: x509.Certificate) -> x509.Certificate:
    """Read all of it now: the library would do so when something asks, and raise what nobody there expects."""
    _ = raw.extensions, raw.subject, raw.issuer, raw.not_valid_before_utc, raw.not_valid_after_utc
    return raw


def _public(raw: x509.Certificate) -> object:
    try:
        return raw.public_key()
    except MALFORMED:
        return None  # of a kind that the library does not know: `kind_of` refuses it as it does others


@lru_cache(maxsize=16)
def _constraints(raw: x509.Certificate) -> Constraints:
    """Read once for an authority: a fifth of the time that a certificate takes."""
    try:
        found = raw.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        raise Denied("an authority without constraints issues nothing here") from None
    permitted = found.permitted_subtrees or ()
    return parse_constraints(str(one.value) for one in permitted if not isinstance(one, x509.RFC822Name))


def load_pem_certificates(data: bytes) -> list[Certificate]:
    """The certificates of a file, in its order.

    Raises: Tampered: there is none in it.
    """
    try:
        return [Certificate(_whole(one)) for one in x509.load_pem_x509_certificates(data)]
    except MALFORMED:
        raise Tampered("there is no certificate in this file", advice="name a file in PEM, as of ca issue") from None


def general_name(name: Name) -> x509.GeneralName:
    """A name as the library has it."""
    if name.kind == "ip":
        return x509.IPAddress(ip_address(name.value))
    if name.kind == "email":
        return x509.RFC822Name(name.value)
    return x509.DNSName(name.value) if name.kind == "dns" else x509.UniformResourceIdentifier(name.value)


def name_of(found: x509.GeneralName) -> Name:
    """A name as we have it: checked, and of the kind that it says it is.

    Raises: Denied: something that a certificate of ours cannot be for.
    """
    kinds = {
        x509.DNSName: "dns", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri", x509.IPAddress: "ip"
    }  # fmt: skip
    kind = kinds.get(type(found))
    try:
        name = parse_name(str(found.value)) if kind else None
    except ValueError as error:
        raise Denied(str(error)) from None
    # An address that stands among the DNS names is another thing for each verifier.
    if name is None or name.kind != kind:
        raise Denied(f"a certificate cannot be for a name of this form: {type(found).__name__}")
    return name
