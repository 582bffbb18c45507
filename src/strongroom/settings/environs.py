"""For environs: an ``Env`` that also looks into the vault. The environment goes first."""

from __future__ import annotations

from typing import Any

import environs

from strongroom.errors import NotFound
from strongroom.settings.mapping import VaultSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.vault import Vault


class VaultEnv(environs.Env):
    """``env = VaultEnv("shop/env"); env.str("DB_PASSWORD")``.

    Args:
        paths: as `VaultSettings`.
        vault: as `VaultSettings`.
        options: what ``environs.Env`` takes.
    """

    def __init__(self, *paths: str, vault: Vault | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._vault_settings = VaultSettings(*paths, vault=vault)

    def _get_value(self, env_key: str, default: Any) -> Any:
        # The hook that environs' own FileAwareEnv overrides.
        missing = object()
        value = super()._get_value(env_key, missing)
        if value is not missing:
            return value
        try:
            return self._vault_settings[env_key]
        except NotFound:
            return default
