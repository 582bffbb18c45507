"""For django-environ: an ``Env`` that also looks into the vault. The environment goes first.

django-environ takes a value that begins with ``$`` for the name of another variable, and a password may begin so, too:
what comes out of the vault is escaped for it.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import environ

from strongroom.settings.mapping import VaultSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.vault.vault import Vault


class VaultEnv(environ.Env):  # type: ignore[misc]
    """``env = VaultEnv("shop/env"); env("DB_PASSWORD")``.

    Args:
        paths: as `VaultSettings`.
        vault: as `VaultSettings`.
        scheme: what ``environ.Env`` takes.
    """

    def __init__(self, *paths: str, vault: Vault | None = None, **scheme: Any) -> None:
        super().__init__(**scheme)
        self.escape_proxy = True
        self.ENVIRON = ChainMap(os.environ, _Escaped(VaultSettings(*paths, vault=vault)))  # type: ignore[arg-type]


class _Escaped(Mapping[str, str]):
    """Values as django-environ unescapes them."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    def __getitem__(self, name: str) -> str:
        return self._settings[name].replace("$", "\\$")

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)
