"""Certificates that every verifier takes: a root, an intermediate below it, leaves below that.

A leaf has an empty subject and a critical list of names; an authority is constrained to
its domains and networks, root and intermediate alike, because some verifiers do not look
at the root's constraints. Nobody lives longer than who signed for them.
Source: RFC 5280, 4.1 and 4.2; RFC 5480, 3 (key usage); docs/decisions/0020.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from strongroom.crypto.x509.keys import PrivateKey, kind_of
from strongroom.crypto.x509.names import Constraints, Name, check_names, parse_constraints, parse_name
from strongroom.errors import Conflict, Denied, Expired, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from strongroom.crypto.x509.keys import Public

    Span = tuple[datetime, datetime]

BACKDATING = timedelta(minutes=5)
"""For verifiers whose clock is behind."""
LEAF_LIFETIME = timedelta(days=7)
LEAF_LIFETIME_MAX = timedelta(days=397)
_SECOND = timedelta(seconds=1)

_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
PROFILES = {"server": (_SERVER,), "client": (_CLIENT,), "peer": (_SERVER, _CLIENT)}
"""What a leaf is good for; nothing here signs code or certificates."""


class Certificate:
    """One certificate, read and not yet trusted.

    Args:
        data: DER.

    Raises: Tampered: it is none.
    """

    __slots__ = ("raw",)

    def __init__(self, data: bytes | bytearray | memoryview | x509.Certificate) -> None:
        try:
            self.raw = data if isinstance(data, x509.Certificate) else x509.load_der_x509_certificate(bytes(data))
        except ValueError:
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
        public = self.raw.public_key()
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
        return kind_of(self.raw.public_key())

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
        except (ValueError, TypeError, InvalidSignature):
            raise Tampered("a certificate was not signed by this authority") from None

    def fits(self, key: PrivateKey) -> bool:
        """Whether *key* is its private key."""
        return self.raw.public_key() == key.public

    def __repr__(self) -> str:
        return f"Certificate({self.serial}, {self.subject or ', '.join(map(str, self.names))})"


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
        return [Certificate(one) for one in x509.load_pem_x509_certificates(data)]
    except ValueError:
        raise Tampered("there is no certificate in this file") from None


class Issuer:
    """An authority's certificate and key, which sign what is below it.

    Raises: WrongKey, Tampered: they do not belong together.
    """

    __slots__ = ("certificate", "constraints", "key", "key_identifier")

    def __init__(self, certificate: Certificate, key: PrivateKey) -> None:
        if not certificate.fits(key):
            raise Tampered("an authority's certificate and key do not belong together")
        self.certificate = certificate
        self.key = key
        self.constraints = certificate.constraints
        identifier = certificate.raw.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        self.key_identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)

    def issue(
        self,
        public: Public,
        names: Sequence[Name],
        *,
        now: datetime,
        profile: str = "server",
        lifetime: timedelta | None = None,
        default: timedelta = LEAF_LIFETIME,
    ) -> Certificate:
        """A leaf for *names*.

        Args:
            lifetime: at most 397 days; None for *default*, or what the authority has left.

        Raises:
            Denied: a name or key that this authority does not issue for.
            Conflict: the authority does not live as long as was asked for.
            Expired: the authority's own time is over.
            ValueError: names, a profile or a lifetime that cannot be.
        """
        check_names(names)
        for name in names:
            self.constraints.check(name)
        if profile not in PROFILES:
            raise ValueError(f"a profile is one of: {', '.join(PROFILES)}")
        if lifetime is not None and not _SECOND <= lifetime <= LEAF_LIFETIME_MAX:
            raise ValueError(f"a certificate lives for a second to {LEAF_LIFETIME_MAX.days} days")
        kind_of(public)
        return self._signed(public, names, PROFILES[profile], self.span(now, lifetime, default))

    def span(self, now: datetime, lifetime: timedelta | None, default: timedelta) -> tuple[datetime, datetime]:
        """From when to when: as asked for, and never beyond the authority's own time.

        Raises: Conflict, Expired: as `issue`.
        """
        now = now.replace(microsecond=0)
        end = self.certificate.not_after
        if now >= end:
            raise Expired(f"the authority {self.certificate.subject} ended at {end:%Y-%m-%d %H:%M}")
        until = now + (default if lifetime is None else lifetime)
        if until > end:
            if lifetime is not None:
                raise Conflict(
                    f"the authority ends at {end:%Y-%m-%d %H:%M}, before what was asked for",
                    advice="ask for less with --for, or renew it: strongroom ca renew intermediate",
                )
            until = end
        return max(now - BACKDATING, self.certificate.not_before), until

    def _signed(
        self, public: Public, names: Iterable[Name], uses: Sequence[x509.ObjectIdentifier], span: Span
    ) -> Certificate:
        builder = (
            _builder(public, x509.Name([]), self.certificate.raw.subject, span)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(leaf_usage(public), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=True)
            .add_extension(self.key_identifier, critical=False)
        )
        return Certificate(builder.sign(self.key.key, self.key.hash))

    def issue_authority(
        self, public: Public, subject: str, *, now: datetime, lifetime: timedelta
    ) -> Certificate:
        """An intermediate authority with the same constraints, which may sign leaves and no further authority."""
        span = self.span(now, None, lifetime)
        builder = _authority(public, subject, self.certificate.raw.subject, span, self.constraints, depth=0)
        builder = builder.add_extension(self.key_identifier, critical=False)
        return Certificate(builder.sign(self.key.key, self.key.hash))

    def __repr__(self) -> str:
        return f"Issuer({self.certificate.subject})"


def new_root(
    key: PrivateKey, subject: str, constraints: Constraints, *, now: datetime, lifetime: timedelta
) -> Certificate:
    """A root: it has signed itself, and may sign one level of authorities."""
    start = now.replace(microsecond=0)
    name = _subject(subject)
    builder = _authority(key.public, subject, name, (start - BACKDATING, start + lifetime), constraints, depth=1)
    return Certificate(builder.sign(key.key, key.hash))


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


def leaf_usage(public: Public) -> x509.KeyUsage:
    """A leaf signs handshakes and does nothing else; of RSA, NSS wants to hear that it could encrypt keys."""
    return _key_usage(for_authority=False, is_rsa=kind_of(public) == "rsa3072")


def _key_usage(*, for_authority: bool, is_rsa: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not for_authority,
        key_cert_sign=for_authority,
        crl_sign=for_authority,
        content_commitment=False,
        key_encipherment=is_rsa,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(public: Public, subject: x509.Name, issuer: x509.Name, span: Span) -> x509.CertificateBuilder:
    start, end = span
    return x509.CertificateBuilder(
        issuer, subject, public, x509.random_serial_number(), start.astimezone(UTC), end.astimezone(UTC)
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _authority(
    public: Public, subject: str, issuer: x509.Name, span: Span, constraints: Constraints, *, depth: int
) -> x509.CertificateBuilder:
    return (
        _builder(public, _subject(subject), issuer, span)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(_key_usage(for_authority=True), critical=True)
        .add_extension(_subtrees(constraints), critical=True)
    )


def _subtrees(constraints: Constraints) -> x509.NameConstraints:
    """What is allowed; and no address at all where no network is. URIs: see docs/decisions/0020."""
    permitted: list[x509.GeneralName] = [x509.DNSName(domain) for domain in constraints.domains]
    permitted += [x509.IPAddress(network) for network in constraints.networks]
    for domain in constraints.domains:
        # The mailboxes of that host, and of hosts below it: RFC 5280, 4.2.1.10.
        permitted += [x509.RFC822Name(domain), x509.RFC822Name("." + domain)]
    excluded = None
    if not constraints.networks:
        excluded = [x509.IPAddress(ip_network(everything)) for everything in ("0.0.0.0/0", "::/0")]
    return x509.NameConstraints(permitted, excluded)


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
