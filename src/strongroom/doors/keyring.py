"""The keyring door: every program that uses the ``keyring`` package keeps its passwords in the vault.

An entry is the item ``keyring/SERVICE/USERNAME`` with the fields password, service and username; what a path cannot
hold is percent-encoded there. The package finds this backend by its entry point and asks for its priority while it
probes: that neither opens nor asks anything. Nothing here ever asks: a vault that is locked is `KeyringLocked`, with
the command that unlocks it. The vault is opened for each call, so that this process keeps no key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyring import backend, credentials, errors
from keyring.compat import properties

from strongroom.errors import NotFound, StrongroomError, VaultLocked, VaultNotFound, WouldPrompt
from strongroom.secret import SecretBytes, SecretStr

if TYPE_CHECKING:
    from strongroom.items import Item
    from strongroom.vault.values import FieldValue
    from strongroom.vault.vault import Vault

PRIORITY = 4.0
"""Below the system's own keyrings, which have 5: installing this package takes no program's passwords elsewhere."""


class VaultKeyring(backend.KeyringBackend):
    """The backend; choose it with ``default-keyring=strongroom.doors.keyring.VaultKeyring`` in keyringrc.cfg.

    Attributes:
        location: the vault; None for the one that `strongroom.open` finds. ``KEYRING_PROPERTY_LOCATION`` sets it.
        folder: below which the entries lie. ``KEYRING_PROPERTY_FOLDER`` sets it.
    """

    location: str | None = None
    folder: str = "keyring"

    def __init__(self) -> None:
        # It takes KEYRING_PROPERTY_... out of the environment.
        super().__init__()  # type: ignore[no-untyped-call]

    @properties.classproperty
    def priority(cls) -> float:
        """The rank among backends; a RuntimeError, which means not usable, where this user has no vault."""
        from os import environ
        from os.path import lexists

        from strongroom.locate.addresses import find_location

        try:
            # As KeyringBackend reads it, which happens when the backend is made: after it was probed.
            place = environ.get("KEYRING_PROPERTY_LOCATION") or find_location(None)
        except (StrongroomError, ValueError):
            raise RuntimeError("this user has no place for a vault") from None
        if ":" not in place and not lexists(place):
            raise RuntimeError("this user has no vault: strongroom init")
        return PRIORITY

    def get_password(self, service: str, username: str) -> str | None:
        """The password, or None where there is no such entry.

        Raises:
            KeyringLocked: the vault is locked, and nothing here asks for a passphrase.
            KeyringError: it is bytes, or the vault cannot be read.
        """
        with self._open() as vault:
            item = self._find(vault, self._path(service, username))
            return None if item is None else _password(item)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a password, as a new version where there is one already.

        Raises: PasswordSetError, KeyringLocked, KeyringError.
        """
        from strongroom.items import Field

        with self._open() as vault:
            try:
                fields: dict[str, FieldValue] = {
                    "password": SecretStr(password),
                    "service": Field("service", "text", service.encode("utf-8"), is_secret=False),
                    "username": Field("username", "text", username.encode("utf-8"), is_secret=False),
                }
                vault.patch(self._path(service, username), fields, create=True, expires="never")
            except (StrongroomError, ValueError) as error:
                # `from None`: a cause may hold the password.
                raise errors.PasswordSetError(_words(error)) from None

    def delete_password(self, service: str, username: str) -> None:
        """Delete the entry; the vault can restore it.

        Raises: PasswordDeleteError: there is none. KeyringLocked, KeyringError.
        """
        path = self._path(service, username)
        with self._open() as vault:
            if self._find(vault, path) is None:
                raise errors.PasswordDeleteError("Password not found")
            try:
                vault.delete(path)
            except StrongroomError as error:
                raise errors.PasswordDeleteError(_words(error)) from None

    def get_credential(self, service: str, username: str | None) -> credentials.Credential | None:
        """The entry's user name and password; without *username* the first one of the service.

        Raises: KeyringLocked, KeyringError.
        """
        with self._open() as vault:
            if username is not None:
                item = self._find(vault, self._path(service, username))
            else:
                item = self._first(vault, self._path(service))
            if item is None:
                return None
            name = _username(item) if username is None else username
            return credentials.SimpleCredential(name, _password(item))

    def _path(self, *names: str) -> str:
        from strongroom.formats.naming import component
        from strongroom.items import parse_path

        try:
            path = "/".join((self.folder, *map(component, names)))
            parse_path(path)
        except ValueError as error:
            raise errors.KeyringError(str(error)) from None
        return path

    def _first(self, vault: Vault, folder: str) -> Item | None:
        try:
            names = [name for name in vault.list(folder) if not name.endswith("/")]
        except NotFound:
            return None
        except StrongroomError as error:
            raise errors.KeyringError(_words(error)) from None
        return self._find(vault, f"{folder}/{names[0]}") if names else None

    def _find(self, vault: Vault, path: str) -> Item | None:
        try:
            return vault.get(path)
        except NotFound:
            return None
        except VaultLocked as error:
            raise errors.KeyringLocked(_words(error)) from None
        except StrongroomError as error:
            raise errors.KeyringError(_words(error)) from None

    def _open(self) -> Vault:
        """The vault, through its agent or with a key at hand; nobody is asked."""
        from strongroom.locate.opening import open

        try:
            return open(self.location, may_ask=False)
        except (VaultLocked, WouldPrompt) as error:
            raise errors.KeyringLocked(f"{error}: unlock it with: strongroom unlock") from None
        except VaultNotFound as error:
            raise errors.InitError(_words(error)) from None
        except (StrongroomError, ValueError) as error:
            raise errors.KeyringError(_words(error)) from None


def _password(item: Item) -> str:
    try:
        password = item["password"]
    except NotFound as error:
        raise errors.KeyringError(_words(error)) from None
    with password:
        if isinstance(password, SecretBytes):
            raise errors.KeyringError(f"{item.path} holds bytes, and keyring hands out text alone")
        return password.reveal()


def _username(item: Item) -> str:
    """Of an item that was stored by other means, what its path says."""
    from strongroom.formats.naming import name_of

    if "username" in item.names() and item.field("username").kind == "text":
        return str(item.field("username").data, "utf-8")
    return name_of(item.path.rpartition("/")[2])


def _words(error: Exception) -> str:
    """An error and its next step in one line, as keyring shows them."""
    advice = error.advice.partition("\n")[0] if isinstance(error, StrongroomError) else ""
    return f"{error}: {advice}" if advice else str(error)
