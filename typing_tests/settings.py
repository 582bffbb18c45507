"""What a type checker sees of `strongroom.settings`. Checked by `mypy --strict`, never run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, assert_type

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from strongroom import Vault
from strongroom.doors.keyring import VaultKeyring
from strongroom.settings import References, VaultSettings, vault_value
from strongroom.settings.environs import VaultEnv
from strongroom.settings.pydantic import VaultSecretStr, VaultSettingsSource


def mappings(vault: Vault) -> None:
    """Mappings of text to text, which every library takes."""
    settings: Mapping[str, str] = VaultSettings("shop/env", "shop/more", vault=vault)
    assert_type(settings["DB_PASSWORD"], str)
    assert_type(settings.get("DB_PASSWORD"), str | None)
    assert_type(References(os.environ, prefix="shop")["DB_PASSWORD"], str)
    assert_type(vault_value("strongroom://shop/env#PORT"), str | bytes | int | float | bool | None)
    VaultSettings(["shop/env"])  # type: ignore[arg-type]
    References(os.environ)  # type: ignore[call-arg]
    settings["DB_PASSWORD"] = "x"  # type: ignore[index]


def libraries(vault: Vault, kind: type[BaseSettings]) -> None:
    """The libraries' own classes."""
    assert_type(VaultEnv("shop/env", vault=vault).int("PORT"), int)
    assert_type(VaultSettingsSource(kind, "shop/env")(), dict[str, Any])
    secret: SecretStr = VaultSecretStr(VaultSettings("shop/env"), "DB_PASSWORD")
    assert_type(secret.get_secret_value(), str)
    assert_type(VaultKeyring().get_password("service", "user"), str | None)
