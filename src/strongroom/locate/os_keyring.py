"""The operating system's keyring: one entry of 32 random bytes for each keyring slot.

It is the Secret Service on Linux (GNOME, KDE, KeePassXC), the Keychain on macOS and the
Credential Manager on Windows; the last two have not been tried. The backend is chosen here and
not by the keyring package, whose choice follows the environment and may fall on a file in
plain text. Nothing here asks a person, and nothing waits longer than a few seconds.
"""

from __future__ import annotations

import sys

from strongroom.errors import StoreUnavailable, StrongroomError
from strongroom.keys.slots.bound import missing_extra
from strongroom.keys.slots.os_keyring import decode_entry, encode_entry, entry_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from strongroom.keys.slots.bound import BoundCredential

    T = TypeVar("T")

SERVICE = "strongroom"
PATIENCE_SECONDS = 5.0
_DEFAULT_COLLECTION = "/org/freedesktop/secrets/aliases/default"
_USE_ANOTHER = "open with another way, such as --key-file FILE, or log in to a desktop session"


def read_entry(parameters: bytes) -> BoundCredential | None:
    """The credential of a keyring slot, or None when this user's keyring has no such entry.

    Args:
        parameters: of the slot.

    Raises:
        StoreUnavailable: there is no keyring, it is locked, or it does not answer.
        WrongKey: the entry was changed.
        FormatUnsupported: the extra ``keyring`` is not installed.
    """

    def read() -> str | None:
        text: str | None = _backend().get_password(SERVICE, entry_name(parameters))
        return text

    text = within_patience(read)
    return None if text is None else decode_entry(parameters, text)


def store_entry(credential: BoundCredential) -> None:
    """Put a new credential into the keyring, and read it back.

    Raises: StoreUnavailable, FormatUnsupported: as `read_entry`.
    """

    def store() -> None:
        _backend().set_password(SERVICE, entry_name(credential.parameters), encode_entry(credential))

    within_patience(store)
    # A keyring that forgets would leave a slot that nothing opens.
    kept = read_entry(credential.parameters)
    if kept is None:
        raise StoreUnavailable("the OS keyring did not keep the entry", advice=_USE_ANOTHER)
    kept.wipe()


def forget_entry(parameters: bytes) -> bool:
    """Remove an entry that opens nothing any more.

    Returns: whether there was one.
    Raises: StoreUnavailable, FormatUnsupported: as `read_entry`.
    """

    def forget() -> bool:
        backend = _backend()
        if backend.get_password(SERVICE, entry_name(parameters)) is None:
            return False
        backend.delete_password(SERVICE, entry_name(parameters))
        return True

    return within_patience(forget)


def _backend() -> Any:
    """This system's keyring, when it can be used without asking anybody."""
    system: Any
    try:
        if sys.platform == "win32":
            from keyring.backends.Windows import WinVaultKeyring

            system = WinVaultKeyring
        elif sys.platform == "darwin":
            from keyring.backends import macOS

            system = macOS.Keyring
        else:
            from keyring.backends import SecretService

            system = SecretService.Keyring
    except ImportError:
        raise missing_extra("keyring", "a keyring slot") from None
    backend = system()
    if sys.platform not in ("win32", "darwin"):
        _check_secret_service(getattr(backend, "preferred_collection", _DEFAULT_COLLECTION))
    return backend


def _check_secret_service(collection: str) -> None:
    """Refuse a keyring that the backend would open a window for: a locked one, or one to be made.

    Args:
        collection: its D-Bus path.
    """
    try:
        import secretstorage
    except ImportError:
        raise missing_extra("keyring", "a keyring slot") from None
    try:
        connection = secretstorage.dbus_init()
    except Exception:
        # No address, a malformed one, nobody there, no answer: the library has an exception for each.
        raise StoreUnavailable("there is no session with an OS keyring", advice=_USE_ANOTHER) from None
    try:
        if secretstorage.Collection(connection, collection).is_locked():
            raise StoreUnavailable("the OS keyring is locked", advice="unlock it in your desktop session, then repeat")
    except secretstorage.SecretServiceNotAvailableException:
        raise StoreUnavailable("no OS keyring runs in this session", advice=_USE_ANOTHER) from None
    except secretstorage.ItemNotFoundException:
        raise StoreUnavailable(
            "the OS keyring has no default collection", advice="make one in your desktop's password program"
        ) from None
    finally:
        connection.close()


def within_patience(work: Callable[[], T]) -> T:
    """What *work* returns, or an error after a few seconds: a keyring may hang without limit.

    It runs in a thread of its own, which a process may leave behind. Every failure of a
    backend becomes ours, without its words, which nobody has checked for secrets.
    """
    from threading import Thread

    done: list[T] = []
    failed: list[StrongroomError] = []

    def run() -> None:
        try:
            done.append(work())
        except StrongroomError as error:
            failed.append(error)
        except Exception as error:
            kind = type(error).__name__
            failed.append(StoreUnavailable(f"the OS keyring failed ({kind})", advice=_USE_ANOTHER))

    thread = Thread(target=run, name="strongroom-keyring", daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    if failed:
        raise failed[0]
    if not done:
        raise StoreUnavailable(
            f"the OS keyring did not answer within {PATIENCE_SECONDS:.0f} seconds", advice=_USE_ANOTHER
        )
    return done[0]
