"""What a vault does with certificates: mixed into the local vault and the agent's client."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

    from strongroom.crypto.x509.tls import Context
    from strongroom.vault.authority.authority import Authority


class AuthorityMethods:
    """The part of `Vault` that is about its certificate authority."""

    @property
    def ca(self) -> Authority:
        """The certificate authority that the vault keeps, or can make."""
        from strongroom.vault.authority.authority import Authority

        return Authority(self, self._now_us)  # type: ignore[arg-type]  # always a `Vault`

    def tls(self, *names: str, require_client: bool = False, lifetime: timedelta | None = None) -> Context:
        """A live `ssl.SSLContext` for a server of these names, which renews its certificate in place.

        Its key never touches a disk. The vault must be open whenever a connection begins after two
        thirds of a certificate's life; else a RuntimeWarning says so, and the last third goes on.

        Args:
            names: as `Authority.issue`.
            require_client: clients must show a certificate of this authority.
            lifetime: of each certificate; None for 7 days.

        Raises:
            NotFound, Denied, ValueError: as `Authority.issue`.
            Denied: this system has no files in memory.
        """
        from strongroom.vault.authority import live

        return live.server(self.ca, names, require_client=require_client, lifetime=lifetime)

    def tls_client(self, *names: str, lifetime: timedelta | None = None) -> Context:
        """A live `ssl.SSLContext` for clients, which trusts this vault's authority and nobody else.

        Args:
            names: who the client is, for servers that ask; renewed as with `tls`. None: it shows no certificate.
            lifetime: of each certificate; None for 7 days.

        Raises: as `tls`.
        """
        from strongroom.vault.authority import live

        return live.client(self.ca, names, lifetime=lifetime)

    async def atls(self, *names: str, require_client: bool = False, lifetime: timedelta | None = None) -> Context:
        """As `tls`, in a thread."""
        import asyncio

        return await asyncio.to_thread(self.tls, *names, require_client=require_client, lifetime=lifetime)

    async def atls_client(self, *names: str, lifetime: timedelta | None = None) -> Context:
        """As `tls_client`, in a thread."""
        import asyncio

        return await asyncio.to_thread(self.tls_client, *names, lifetime=lifetime)

    def _now_us(self) -> int:
        from time import time_ns

        return time_ns() // 1_000
