"""For dynaconf: a loader.

    settings = Dynaconf(
        loaders=["dynaconf.loaders.env_loader", "strongroom.settings.dynaconf"],
        STRONGROOM_ITEMS="shop/env",
    )

The fields of the items become settings as text. dynaconf's own markers, such as ``@jinja``, are not obeyed in them:
whoever may write an item would run code in every program that reads it.
"""

from __future__ import annotations

from typing import Any

from strongroom.settings.mapping import VaultSettings

IDENTIFIER = "strongroom"
_SETTING = "STRONGROOM_ITEMS"


def load(obj: Any, env: str | None = None, silent: bool = True, key: str | None = None, **_others: object) -> None:
    """Put the vault's values into *obj*; called by dynaconf.

    Args:
        obj: the settings.
        env: dynaconf's environment; the same items serve all of them.
        silent: dynaconf's wish to pass over failures, which is not followed: a locked vault is an error.
        key: the only setting to load; None for all.

    Raises: StrongroomError: as `VaultSettings`.
    """
    paths = obj.get(_SETTING) or ()
    settings = VaultSettings(*([paths] if isinstance(paths, str) else paths))
    names = list(settings)
    if key is not None:
        names = [name for name in names if name.upper() == key.upper()]
    obj.update({name: _literal(settings[name]) for name in names}, loader_identifier=IDENTIFIER, tomlfy=False)


def _literal(value: str) -> str:
    """*value* so that dynaconf gives it back as it is, also one that begins with ``@jinja`` or ``@read_file``."""
    from json import dumps

    return f"@json {dumps(value)}" if value.startswith("@") else value
