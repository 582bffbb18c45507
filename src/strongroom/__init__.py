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
    from strongroom.credentials.passwords import PasswordHasher
    from strongroom.errors import (
        Conflict,
        CredentialRefused,
        Denied,
        Expired,
        FormatUnsupported,
        GrantRevoked,
        NotFound,
        OutcomeUnknown,
        PasswordMismatch,
        RolledBack,
        ServiceUnavailable,
        StoreUnavailable,
        StrongroomError,
        Tampered,
        TokenRefused,
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
    "strongroom.credentials.passwords": "PasswordHasher",
    "strongroom.errors": (
        "Conflict CredentialRefused Denied Expired FormatUnsupported GrantRevoked NotFound OutcomeUnknown "
        "PasswordMismatch RolledBack ServiceUnavailable StoreUnavailable StrongroomError Tampered TokenRefused "
        "UnsafePermissions VaultLocked VaultNotFound WouldPrompt WrongKey"
    ),
    "strongroom.items": "Field Item ItemSettings Version",
    "strongroom.locate.depositing": "Depositor",
    "strongroom.locate.opening": "create open",
    "strongroom.secret": "SecretBytes SecretStr",
    "strongroom.vault.vault": "Vault",
}
# Public modules. A type checker finds them as such; importing them here would let every room reach them.
_MODULES = ("boxes", "encrypted_files", "fernet", "oauth", "passwords", "settings", "signing", "streams", "tokens")

__all__ = [
    "Conflict",
    "CredentialRefused",
    "Denied",
    "Depositor",
    "Expired",
    "Field",
    "FormatUnsupported",
    "GrantRevoked",
    "Item",
    "ItemSettings",
    "NotFound",
    "OutcomeUnknown",
    "PasswordHasher",
    "PasswordMismatch",
    "RolledBack",
    "SecretBytes",
    "SecretStr",
    "ServiceUnavailable",
    "StoreUnavailable",
    "StrongroomError",
    "Tampered",
    "TokenRefused",
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
    if name in _MODULES:
        return __import__(f"{__name__}.{name}", fromlist=[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
