"""TLS contexts with certificates of the vault's authority, which renew themselves: `vault.tls`, `vault.tls_client`."""

from __future__ import annotations

from strongroom.crypto.x509.tls import client_context, server_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from strongroom.crypto.x509.tls import Context, Renew
    from strongroom.vault.authority.authority import Authority


def server(
    authority: Authority, names: Sequence[str], *, require_client: bool, lifetime: timedelta | None
) -> Context:
    """See `AuthorityMethods.tls`."""
    roots = (authority.root,) if require_client else ()
    return server_context(client_roots=roots, renew=_renewal(authority, names, "server", lifetime))


def client(authority: Authority, names: Sequence[str], *, lifetime: timedelta | None) -> Context:
    """See `AuthorityMethods.tls_client`."""
    renew = _renewal(authority, names, "client", lifetime) if names else None
    return client_context((authority.root,), renew=renew)


def _renewal(authority: Authority, names: Sequence[str], profile: str, lifetime: timedelta | None) -> Renew:
    def renew() -> tuple[bytearray, float]:
        with authority.issue(*names, profile=profile, lifetime=lifetime) as issued:
            certificate = issued.certificate
            # With a third of its life left there is time for a vault that is locked, or a disk that is full.
            due = certificate.not_after - certificate.lifetime / 3
            return issued.pem(), due.timestamp()

    return renew
