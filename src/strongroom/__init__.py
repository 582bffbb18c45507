"""strongroom: a credentials vault for Python programs.

    import strongroom

    with strongroom.open() as vault:
        bank = vault.require("bank/checking", "username", "password")
        login(bank.public("username"), bank["password"].reveal())

This file is the face: the public names and where each is made. Nothing is imported
before it is asked for (PEP 562), so that ``import strongroom`` costs a program nothing.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.errors import (
        Conflict,
        Denied,
        Expired,
        FormatUnsupported,
        NotFound,
        OutcomeUnknown,
        RolledBack,
        StoreUnavailable,
        StrongroomError,
        Tampered,
        UnsafePermissions,
        VaultLocked,
        VaultNotFound,
        WouldPrompt,
        WrongKey,
    )
    from strongroom.items import Field, Item, ItemSettings, Version
    from strongroom.locate.depositing import Depositor
    from strongroom.locate.opening import create, open
    from strongroom.secret import SecretBytes, SecretStr
    from strongroom.vault.vault import Vault

_HOMES = {
    "strongroom.errors": (
        "Conflict Denied Expired FormatUnsupported NotFound OutcomeUnknown RolledBack StoreUnavailable "
        "StrongroomError Tampered UnsafePermissions VaultLocked VaultNotFound WouldPrompt WrongKey"
    ),
    "strongroom.items": "Field Item ItemSettings Version",
    "strongroom.locate.depositing": "Depositor",
    "strongroom.locate.opening": "create open",
    "strongroom.secret": "SecretBytes SecretStr",
    "strongroom.vault.vault": "Vault",
}

__all__ = [
    "Conflict",
    "Denied",
    "Depositor",
    "Expired",
    "Field",
    "FormatUnsupported",
    "Item",
    "ItemSettings",
    "NotFound",
    "OutcomeUnknown",
    "RolledBack",
    "SecretBytes",
    "SecretStr",
    "StoreUnavailable",
    "StrongroomError",
    "Tampered",
    "UnsafePermissions",
    "Vault",
    "VaultLocked",
    "VaultNotFound",
    "Version",
    "WouldPrompt",
    "WrongKey",
    "create",
    "open",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names.split():
            # The interpreter's own import function: importlib.import_module would load importlib.
            value: object = getattr(__import__(home, fromlist=[name]), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
