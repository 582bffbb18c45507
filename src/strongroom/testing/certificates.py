"""A certificate authority in memory, for tests that use real TLS: `strongroom.testing.tls` has the fixtures.

Its certificates are the ones that `strongroom ca` issues; its keys end with the process.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from strongroom.crypto.x509.issuing import LEAF_LIFETIME, Issuer, new_root
from strongroom.crypto.x509.keys import new_key
from strongroom.crypto.x509.names import parse_constraints, parse_names
from strongroom.crypto.x509.revocation import new_list
from strongroom.crypto.x509.tls import client_context, load_chain, server_context
from strongroom.vault.authority.issued import IssuedCertificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.crypto.x509.certificates import Certificate
    from strongroom.crypto.x509.revocation import RevocationList
    from strongroom.crypto.x509.tls import Context

PERMITTED = ("localhost", "test", "127.0.0.0/8", "::1")
HERE = ("localhost", "127.0.0.1", "::1")
"""The names of a server that a test starts."""


class TestingAuthority:
    """A root, an intermediate, and certificates as good or bad as a test needs them.

    Args:
        permit: the domains and networks that it issues for.
    """

    __test__ = False  # For pytest: this is no test.

    def __init__(self, permit: tuple[str, ...] = PERMITTED) -> None:
        # Begun long ago, so that certificates can have ended already.
        self._begun = datetime.now(UTC) - timedelta(days=30)
        root_key, key = new_key(), new_key()
        constraints = parse_constraints(permit)
        lifetime = timedelta(days=60)
        self.root: Certificate = new_root(
            root_key, "strongroom testing root", constraints, now=self._begun, lifetime=lifetime
        )
        intermediate = Issuer(self.root, root_key).issue_authority(
            key.public, "strongroom testing intermediate", now=self._begun, lifetime=lifetime
        )
        self._issuer = Issuer(intermediate, key)
        self._revoked: list[tuple[int, datetime, str]] = []

    def issue(self, *names: str, profile: str = "server", lifetime: timedelta = LEAF_LIFETIME) -> IssuedCertificate:
        """A good certificate with its key.

        Args:
            names: this machine's own unless given; as `Authority.issue`.
        """
        return self._issued(names, profile, datetime.now(UTC), lifetime)

    def expired(self, *names: str) -> IssuedCertificate:
        """A certificate that ended weeks ago, and is good in everything else."""
        return self._issued(names, "server", self._begun, timedelta(days=1))

    def revoked(self, *names: str) -> IssuedCertificate:
        """A certificate that is on `revocation_list`, and is good in everything else."""
        issued = self.issue(*names)
        self._revoked.append((issued.certificate.raw.serial_number, datetime.now(UTC), "key-compromise"))
        return issued

    def revocation_list(self) -> RevocationList:
        """What was revoked so far."""
        return new_list(self._issuer, self._revoked, number=1 + len(self._revoked), now=datetime.now(UTC))

    def _issued(self, names: tuple[str, ...], profile: str, now: datetime, lifetime: timedelta) -> IssuedCertificate:
        key = new_key()
        parsed = parse_names(names or HERE)
        certificate = self._issuer.issue(key.public, parsed, now=now, profile=profile, lifetime=lifetime)
        return IssuedCertificate(certificate, (self._issuer.certificate,), key)

    def server_context(self, issued: IssuedCertificate | None = None, *, require_client: bool = False) -> Context:
        """A server's `ssl.SSLContext`.

        Args:
            issued: what it shows; a new one for this machine's names when None.
            require_client: clients must show a certificate of this authority.
        """
        context = server_context(client_roots=(self.root,) if require_client else ())
        _load(context, issued or self.issue())
        return context

    def client_context(self, issued: IssuedCertificate | None = None, *, check_revoked: bool = True) -> Context:
        """A client's `ssl.SSLContext`: it trusts this authority alone.

        Args:
            issued: what it shows to servers that ask.
            check_revoked: refuse what has been revoked until now.
        """
        context = client_context((self.root,), revoked=self.revocation_list() if check_revoked else None)
        if issued is not None:
            _load(context, issued)
        return context

    def __repr__(self) -> str:
        return f"TestingAuthority({self.root.subject})"


def _load(context: Context, issued: IssuedCertificate) -> None:
    pem = issued.pem()
    try:
        load_chain(context, pem)
    finally:
        pem[:] = bytes(len(pem))
