"""Every exception strongroom raises on purpose.

    StrongroomError
    ├── VaultLocked            this vault's keys are not in memory
    ├── NotFound (KeyError)    no such item, field or version
    │   └── VaultNotFound      no vault at this location
    ├── Denied                 a policy or the operating system says no
    ├── WrongKey               wrong passphrase, key file or recovery code
    │   ├── PasswordMismatch   not the password that a stored string was made of
    │   ├── TokenRefused       an issued token is unknown, altered or revoked
    │   └── CredentialRefused  another program does not take the credential kept for it
    │       └── GrantRevoked   what a user had granted there was taken back, or has ended
    ├── Tampered               what lies there is not what was written
    │   └── RolledBack         it was written once, and newer state existed
    ├── WouldPrompt            only a person at a terminal could answer
    ├── UnsafePermissions      somebody else could read or replace a file
    ├── Conflict               it exists already, or somebody was faster
    ├── OutcomeUnknown         the commit was sent, its answer is missing
    ├── Expired                the value is past its date
    ├── FormatUnsupported      written by a newer strongroom, or by an older one and not upgraded yet
    └── StoreUnavailable       disk full, busy, read-only, unreachable
        └── ServiceUnavailable  another program did not answer, or not as it should

One class per decision a caller can take. ``str()`` is one line; ``advice`` is
for people and names the next command. Nothing here may hold a value, a
passphrase, a key or input bytes: paths, ids, numbers and sizes only. Misuse by
the calling program is ``TypeError`` or ``ValueError``, not one of these.
"""

from __future__ import annotations


class StrongroomError(Exception):
    """Base of all errors of this package.

    Args:
        message: one line, lower case, no full stop; never a secret.
        advice: lines for a person, each a step or a command; may be empty.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return self.message


class VaultLocked(StrongroomError):
    """The keys are not in memory: the vault was locked or never unlocked."""


class NotFound(StrongroomError, KeyError):
    """No such item, field or version; also a ``KeyError``."""


class VaultNotFound(NotFound):
    """There is no vault at the given location."""


class Denied(StrongroomError):
    """A policy, or the operating system, does not allow this."""


class WrongKey(StrongroomError):
    """The passphrase, key file, recovery code, identity or shares do not open any key slot."""


class PasswordMismatch(WrongKey):
    """The password is not the one that the stored string was made of, or there is no such user."""


class TokenRefused(WrongKey):
    """An issued token is malformed, unknown, altered or revoked; one past its date is `Expired`."""


class CredentialRefused(WrongKey):
    """The service that a stored credential is for does not take it: a person has to give another one."""


class GrantRevoked(CredentialRefused):
    """A refresh token is of no use any more: its user has taken the grant back, or it has ended."""


class Tampered(StrongroomError):
    """Stored bytes are not what was written: changed, swapped, cut or forged.

    Attributes:
        findings: one line per thing found by ``Vault.verify``; empty elsewhere.
    """

    def __init__(self, message: str, *, advice: str = "", findings: tuple[str, ...] = ()) -> None:
        super().__init__(message, advice=advice)
        self.findings = findings


class RolledBack(Tampered):
    """An older state was put back in place of a newer one."""


class WouldPrompt(StrongroomError):
    """A person would have to answer, and there is no terminal."""


class UnsafePermissions(StrongroomError):
    """A file or directory could be read or replaced by somebody else."""


class Conflict(StrongroomError):
    """It exists already, or check-and-set found a different version."""


class OutcomeUnknown(StrongroomError):
    """The store failed at COMMIT: the change may or may not be there; or it is, and what it replaced may be too.

    Attributes:
        request_id: repeat the call with this id; it writes no second version.
    """

    def __init__(self, message: str, *, advice: str = "", request_id: str = "") -> None:
        super().__init__(message, advice=advice)
        self.request_id = request_id


class Expired(StrongroomError):
    """The value is past its expiry date."""


class FormatUnsupported(StrongroomError):
    """The stored format or suite is unknown: written by a newer program, by an older one and not
    upgraded yet, or read without an extra package."""


class StoreUnavailable(StrongroomError):
    """The storage did not answer: full, busy, read-only, unreachable.

    Attributes:
        is_transient: whether the same call may succeed a little later.
    """

    def __init__(self, message: str, *, advice: str = "", is_transient: bool = False) -> None:
        super().__init__(message, advice=advice)
        self.is_transient = is_transient


class ServiceUnavailable(StoreUnavailable):
    """A service that a stored credential is for did not answer in time, or not as it should."""
