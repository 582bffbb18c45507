"""Settings out of the vault, for programs and for the libraries that read settings.

    from strongroom.settings import VaultSettings

    config = decouple.Config(VaultSettings("shop/env"))          # python-decouple
    config = starlette.config.Config(environ=VaultSettings("shop/env"))

`strongroom.settings.environ` (django-environ), ``environs``, ``dynaconf`` and ``pydantic`` hold what those four need
beside a mapping. Nothing is imported or opened before a value is asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.settings.mapping import References, VaultSettings, vault_value

__all__ = ["References", "VaultSettings", "vault_value"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__("strongroom.settings.mapping", fromlist=[name]), name)
    globals()[name] = value
    return value
