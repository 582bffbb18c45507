"""For pydantic-settings: a source that reads from the vault (extra ``pydantic``).

    class Settings(BaseSettings):
        db_password: SecretStr

        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, env_settings, **_others):
            return init_settings, env_settings, VaultSettingsSource(settings_cls, "shop/env")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr
from pydantic_settings import PydanticBaseSettingsSource

from strongroom.settings.mapping import VaultSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

    from strongroom.vault.vault import Vault


class VaultSecretStr(SecretStr):
    """A ``SecretStr`` that is fetched each time it is revealed, and holds nothing in between.

    Args:
        settings: where it is read.
        name: the field.
    """

    def __init__(self, settings: Mapping[str, str], name: str) -> None:
        self._settings = settings
        self._name = name

    @property
    def _secret_value(self) -> str:  # type: ignore[override]
        return self._settings[self._name]

    def get_secret_value(self) -> str:
        """The text, read from the vault now.

        Raises: StrongroomError: it is not there any more, past its date, or the vault is locked.
        """
        return self._secret_value

    def _display(self) -> str:
        # Whether the text is empty, which pydantic would show, is not asked of the vault.
        return "**********"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a secret cannot be pickled; call .get_secret_value() where it is needed")

    def __deepcopy__(self, _memo: object) -> VaultSecretStr:
        return self


class VaultSettingsSource(PydanticBaseSettingsSource):
    """The fields of items as settings: by alias, or by name with the model's ``env_prefix``, in any case of letters.

    Args:
        settings_cls: the settings' class.
        paths: as `VaultSettings`.
        vault: as `VaultSettings`.
    """

    def __init__(self, settings_cls: type[BaseSettings], *paths: str, vault: Vault | None = None) -> None:
        super().__init__(settings_cls)
        self._settings = VaultSettings(*paths, vault=vault)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value for a field of the model, its key, and whether it is JSON to be parsed."""
        return self._value(field, field_name, self._names())

    def _names(self) -> dict[str, str]:
        """Names in lower case -> as they are in the vault."""
        return {name.lower(): name for name in self._settings}

    def _value(self, field: FieldInfo, field_name: str, names: Mapping[str, str]) -> tuple[Any, str, bool]:
        for candidate, key in self._candidates(field, field_name):
            name = names.get(candidate.lower())
            if name is None:
                continue
            if _wants_secret(field.annotation):
                return VaultSecretStr(self._settings, name), key, False
            return self._settings[name], key, self.field_is_complex(field)
        return None, field_name, False

    def _candidates(self, field: FieldInfo, field_name: str) -> list[tuple[str, str]]:
        """Names in the vault, and under which the model takes the value of each."""
        alias = field.validation_alias
        choices = [alias] if isinstance(alias, str) else getattr(alias, "choices", [])
        aliases = [(one, one) for one in choices if isinstance(one, str)]
        return aliases or [(self.config.get("env_prefix", "") + field_name, field_name)]

    def __call__(self) -> dict[str, Any]:
        """Field -> value, for those that the vault has."""
        names = self._names()
        found: dict[str, Any] = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, key, is_complex = self._value(field, field_name, names)
            if isinstance(value, SecretStr):
                found[key] = value
            elif value is not None:
                found[key] = self.prepare_field_value(field_name, field, value, is_complex)
        return found

    def __repr__(self) -> str:
        return f"VaultSettingsSource({self._settings!r})"


def _wants_secret(annotation: Any) -> bool:
    """Whether a field is a ``SecretStr``, perhaps an optional one."""
    return annotation is SecretStr or any(_wants_secret(one) for one in get_args(annotation))
