"""Certificates that every verifier takes: a root, an intermediate below it, leaves below that.

A leaf has an empty subject and a critical list of names; an authority is constrained to
its domains and networks, root and intermediate alike, because some verifiers do not look
at the root's constraints. Nobody lives longer than who signed for them.
Source: RFC 5280, 4.1 and 4.2; RFC 5480, 3 (key usage); docs/decisions/0020.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.x509.oid import NameOID

from strongroom.crypto.x509.certificates import BACKDATING, PROFILES, Certificate, general_name
from strongroom.crypto.x509.keys import kind_of
from strongroom.crypto.x509.names import check_names
from strongroom.errors import Conflict, Denied, Expired, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from strongroom.crypto.x509.keys import PrivateKey, Public
    from strongroom.crypto.x509.names import Constraints, Name

    Span = tuple[datetime, datetime]

LEAF_LIFETIME = timedelta(days=7)
LEAF_LIFETIME_MAX = timedelta(days=397)
_SECOND = timedelta(seconds=1)


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


def check_root(root: Certificate, now: datetime) -> None:
    """Refuse what a machine should not trust: only a root that speaks for its own names alone is worth that.

    Raises:
        Denied: it is no root, not held to its names as `new_root` does it, held to what is everybody's, or its key
            is weak.
        Tampered: it was not signed with its own key.
        Expired: its time is over.
    """
    extensions = root.raw.extensions
    try:
        is_authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        subtrees = extensions.get_extension_for_class(x509.NameConstraints)
        is_held = subtrees.critical and subtrees.value == _subtrees(root.constraints)
    except (x509.ExtensionNotFound, ValueError):
        is_authority = is_held = False
    if not is_authority or root.raw.issuer != root.raw.subject:
        raise Denied("this is no root, with constraints on its names")
    if not is_held:
        raise Denied("this root is not held to names of its own: whoever has its key speaks for everybody")
    everybodys = root.constraints.everybodys()
    if everybodys:
        raise Denied(f"this root may speak for {', '.join(everybodys)}, which is nobody's own")
    kind_of(root.public)
    root.check_signed_by(root)
    if now >= root.not_after:
        raise Expired(f"the root {root.subject} ended at {root.not_after:%Y-%m-%d}")


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
