"""The libraries that programs read their settings with, the real ones, on top of a real vault."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import decouple
import dynaconf
import environ
import pydantic
import pytest
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.config import Config as StarletteConfig
from starlette.datastructures import Secret

import strongroom
from strongroom.settings import References, VaultSettings, vault_value
from strongroom.settings import mapping as mapping_module
from strongroom.settings.environ import VaultEnv as DjangoEnv
from strongroom.settings.environs import VaultEnv
from strongroom.settings.pydantic import VaultSettingsSource

PASSWORD = "$ecret #1 \\$ ${HOME} 'ü\"\n2"
FIELDS: dict[str, Any] = {
    "DB_PASSWORD": PASSWORD,
    "PORT": "5432",
    "DEBUG": "true",
    "HOSTS": '["a", "b"]',
    "WORDS": "a,b",
    "DATABASE_URL": "postgres://user:p%40ss@host:5433/db",
    "EMPTY": "",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[strongroom.Vault]:
    """A vault with the settings of a shop, which is this process's own too."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STRONGROOM_VAULT", str(tmp_path / "vault.db"))
    monkeypatch.setenv("STRONGROOM_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("STRONGROOM_AGENT_SOCKET", raising=False)
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    mapping_module.shared_vault.cache_clear()
    with strongroom.create(tmp_path / "vault.db", key_file=tmp_path / "key") as made:
        made.set("shop/env", FIELDS)
        made.set("shop/more", {"DB_PASSWORD": "of the second item", "EXTRA": "x", "RAW": b"\xff", "NUMBER": 12})
        yield made
    if mapping_module.shared_vault.cache_info().currsize:
        mapping_module.shared_vault().lock()
    mapping_module.shared_vault.cache_clear()


@pytest.fixture
def settings(vault: strongroom.Vault) -> VaultSettings:
    """The settings of one item."""
    return VaultSettings("shop/env", vault=vault)


def test_decouple(settings: VaultSettings) -> None:
    """`Config` takes any object with ``in`` and ``[]``."""
    config = decouple.Config(settings)
    assert config("DB_PASSWORD") == PASSWORD
    assert config("PORT", cast=int) == 5432
    assert config("DEBUG", cast=bool) is True
    assert config("WORDS", cast=decouple.Csv()) == ["a", "b"]
    assert config("EMPTY") == ""
    assert config("NONE", default=3) == 3
    with pytest.raises(decouple.UndefinedValueError):
        config("NONE")


def test_starlette(settings: VaultSettings) -> None:
    """`Config(environ=...)` takes the mapping; its own Secret hides the value."""
    config = StarletteConfig(environ=settings)
    assert str(config("DB_PASSWORD", cast=Secret)) == PASSWORD
    assert PASSWORD not in repr(config("DB_PASSWORD", cast=Secret))
    assert config("PORT", cast=int) == 5432
    assert config("NONE", default="d") == "d"
    with pytest.raises(KeyError):
        config("NONE")


def test_django_environ(vault: strongroom.Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that begins with a dollar sign is a password; the environment goes first."""
    env = DjangoEnv("shop/env", vault=vault, PORT=(int, 1))
    assert env("DB_PASSWORD") == PASSWORD
    assert env("PORT") == 5432
    assert env.bool("DEBUG") is True
    assert env.list("WORDS") == ["a", "b"]
    found = env.db_url("DATABASE_URL")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("user", "p@ss", "host", 5433)
    assert env("NONE", default="d") == "d"
    with pytest.raises(environ.ImproperlyConfigured):
        env("NONE")
    monkeypatch.setenv("PORT", "1")
    assert env("PORT") == 1


def test_environs(vault: strongroom.Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """`VaultEnv` parses, validates and prefixes as `Env` does."""
    env = VaultEnv("shop/env", vault=vault)
    assert env.str("DB_PASSWORD") == PASSWORD
    assert env.int("PORT") == 5432
    assert env.bool("DEBUG") is True
    assert env.json("HOSTS") == ["a", "b"]
    with env.prefixed("DB_"):
        assert env("PASSWORD") == PASSWORD
    assert env.str("NONE", "d") == "d"
    import environs

    with pytest.raises(environs.EnvError):
        env.str("NONE")
    monkeypatch.setenv("PORT", "1")
    assert env.int("PORT") == 1


def test_dynaconf(vault: strongroom.Vault) -> None:
    """The loader's values are text; dynaconf's markers in them are not obeyed."""
    marked = {
        "MARKED": "@format {env[HOME]}",
        "JINJA": "@jinja {{ 7 * 7 }}",
        "CHAIN": "@str @jinja {{ 7 * 7 }}",
        "FILE": "@read_file /etc/hostname",
        "BARE": "@int",
        "AT": '@"x"',
        "MERGE": "dynaconf_merge",
    }
    vault.patch("shop/env", marked)
    vault.set("shop/x", {"EXTRA": "x"})
    settings = dynaconf.Dynaconf(
        loaders=["dynaconf.loaders.env_loader", "strongroom.settings.dynaconf"], STRONGROOM_ITEMS=["shop/env"]
    )
    assert settings.DB_PASSWORD == PASSWORD
    assert settings.as_int("PORT") == 5432
    assert {name: settings[name] for name in marked} == marked
    assert {name: settings.get(name) for name in marked} == marked
    assert settings.get("NONE", "d") == "d"
    assert dynaconf.Dynaconf(loaders=["strongroom.settings.dynaconf"], STRONGROOM_ITEMS="shop/x").EXTRA == "x"


def settings_class(vault: strongroom.Vault, *paths: str, **annotations: Any) -> type[BaseSettings]:
    """A settings class that reads from the environment, then from the vault."""

    def sources(cls: Any, settings_cls: Any, init_settings: Any, env_settings: Any, **_others: Any) -> Any:
        return init_settings, env_settings, VaultSettingsSource(settings_cls, *paths, vault=vault)

    body = {
        "__annotations__": {name: kind for name, (kind, _) in annotations.items()},
        "settings_customise_sources": classmethod(sources),
        **{name: default for name, (_, default) in annotations.items() if default is not ...},
    }
    return type("Settings", (BaseSettings,), {"__module__": __name__, **body})


def test_pydantic(vault: strongroom.Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, aliases, nested JSON and optional secrets; the environment goes first, what is missing is said."""
    kind = settings_class(
        vault,
        "shop/env",
        db_password=(SecretStr, ...),
        other=(SecretStr | None, None),
        port=(int, ...),
        hosts=(list[str], ...),
        debugging=(bool, Field(validation_alias="DEBUG")),
        url=(str, Field(validation_alias=AliasChoices("no_such", "DATABASE_URL"))),
    )
    made: Any = kind()
    assert made.db_password.get_secret_value() == PASSWORD
    assert (made.port, made.hosts, made.debugging, made.other) == (5432, ["a", "b"], True, None)
    assert made.url == FIELDS["DATABASE_URL"]
    monkeypatch.setenv("PORT", "1")
    again: Any = kind()
    assert again.port == 1
    with pytest.raises(pydantic.ValidationError, match="missing"):
        settings_class(vault, "shop/env", nothing=(SecretStr, ...))()


def test_pydantic_prefix(vault: strongroom.Vault) -> None:
    """The model's env_prefix holds for the vault's names, too."""

    class Settings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="db_")
        password: SecretStr

        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, **_others: Any) -> Any:
            return (VaultSettingsSource(settings_cls, "shop/env", vault=vault),)

    assert Settings().password.get_secret_value() == PASSWORD


def test_pydantic_secrets_are_fetched_when_they_are_revealed(vault: strongroom.Vault) -> None:
    """A rotated password is seen, a locked vault is an error; the model itself holds, shows and pickles nothing."""
    made: Any = settings_class(vault, "shop/env", db_password=(SecretStr, ...))()
    secret = made.db_password
    for shown in (repr(made), str(secret), f"{secret}", made.model_dump_json(), repr(vars(secret)), repr(vars(made))):
        assert "ecret #1" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    vault.patch("shop/env", {"DB_PASSWORD": "rotated"})
    assert secret.get_secret_value() == "rotated"
    assert copy.deepcopy(made).db_password.get_secret_value() == "rotated"
    assert len(secret) == len("rotated")
    vault.patch("shop/env", {}, expires=timedelta(0))
    with pytest.raises(strongroom.Expired):
        secret.get_secret_value()
    vault.lock()
    with pytest.raises(strongroom.VaultLocked):
        secret.get_secret_value()


def test_the_mapping(vault: strongroom.Vault) -> None:
    """The first item that has a name; what is missing is a KeyError; bytes are said to be bytes."""
    both = VaultSettings("shop/none", "shop/env", "shop/more", vault=vault)
    assert both["DB_PASSWORD"] == PASSWORD
    assert both["EXTRA"] == "x"
    assert both["NUMBER"] == "12"
    assert list(both) == [*FIELDS, "EXTRA", "RAW", "NUMBER"]
    assert len(both) == 10
    assert "NONE" not in both
    assert both.get("NONE") is None
    with pytest.raises(KeyError):
        both["NONE"]
    with pytest.raises(ValueError, match="shop/more RAW is not text"):
        both["RAW"]
    assert PASSWORD not in repr(both)
    with pytest.raises(ValueError, match="name an item"):
        VaultSettings()
    with pytest.raises(ValueError, match="empty"):
        VaultSettings("shop//env")


def test_no_default_hides_a_locked_vault(vault: strongroom.Vault) -> None:
    """With a default at hand, a vault that cannot be read is an error all the same, in each library."""
    settings = VaultSettings("shop/env", vault=vault)
    readers = (
        lambda: settings.get("PORT", "1"),
        lambda: decouple.Config(settings)("PORT", default=1),
        lambda: StarletteConfig(environ=settings)("PORT", default="1"),
        lambda: DjangoEnv("shop/env", vault=vault)("PORT", default="1"),
        lambda: VaultEnv("shop/env", vault=vault)("PORT", "1"),
        lambda: settings_class(vault, "shop/env", port=(int, 1))(),
    )
    vault.lock()
    for read in readers:
        with pytest.raises(strongroom.VaultLocked):
            read()


def test_references(vault: strongroom.Vault) -> None:
    """Values that are references are resolved, below the prefix alone; the rest stays as it is."""
    vault.set("bank/checking", {"password": "canary-bank"})
    given = {
        "PLAIN": "1",
        "DB": "strongroom://shop/env#DB_PASSWORD",
        "ENCODED": "strongroom://shop/env#PORT?as=base64",
        "BANK": "strongroom://bank/checking",
        "SIMILAR": "strongroom://shop2/x",
        "GONE": "strongroom://shop/env#NONE",
        "BAD": "strongroom://#",
        "RAW": "strongroom://shop/more#RAW",
    }
    resolved = References(given, prefix="shop", vault=vault)
    assert (resolved["PLAIN"], resolved["DB"], resolved["ENCODED"]) == ("1", PASSWORD, "NTQzMg==")
    assert list(resolved) == list(given)
    for name in ("BANK", "SIMILAR"):
        with pytest.raises(strongroom.Denied):
            resolved[name]
    assert References(given, prefix="", vault=vault)["BANK"] == "canary-bank"
    assert "GONE" in resolved
    with pytest.raises(strongroom.NotFound):
        resolved["GONE"]
    for name in ("BAD", "RAW"):
        with pytest.raises(ValueError):
            resolved[name]
    with pytest.raises(KeyError):
        resolved["NONE"]
    assert "canary" not in repr(resolved)
    assert decouple.Config(resolved)("DB") == PASSWORD


def test_values_for_settings_modules(vault: strongroom.Vault) -> None:
    """Each kind comes back as what it was; the vault is opened once."""
    assert vault_value("strongroom://shop/env#DB_PASSWORD") == PASSWORD
    assert vault_value("strongroom://shop/more#RAW") == b"\xff"
    assert vault_value("strongroom://shop/more#NUMBER") == 12
    assert vault_value("strongroom://shop/more#NUMBER?as=url") == "12"
    assert mapping_module.shared_vault.cache_info().misses == 1
    with pytest.raises(strongroom.NotFound):
        vault_value("strongroom://shop/none#x")
    with pytest.raises(ValueError, match="has 4 fields"):
        vault_value("strongroom://shop/more")


def test_importing_opens_and_loads_nothing() -> None:
    """The package costs nothing before a value is asked for, and needs none of the libraries."""
    program = (
        "import sys, strongroom.settings; from strongroom.settings import VaultSettings; VaultSettings('a');"
        "print({'pydantic', 'environs', 'environ', 'dynaconf', 'cryptography', 'sqlite3'} & set(sys.modules))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"
