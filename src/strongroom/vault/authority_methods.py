"""What a vault does with certificates: mixed into the local vault and the agent's client."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.authority.authority import Authority


class AuthorityMethods:
    """The part of `Vault` that is about its certificate authority."""

    @property
    def ca(self) -> Authority:
        """The certificate authority that the vault keeps, or can make."""
        from strongroom.vault.authority.authority import Authority

        return Authority(self, self._now_us)  # type: ignore[arg-type]  # always a `Vault`

    def _now_us(self) -> int:
        from time import time_ns

        return time_ns() // 1_000
