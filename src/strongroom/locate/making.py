"""Making a vault at a location: directories, key file, store, first slots; all of it or nothing."""

from __future__ import annotations

import os

from strongroom.errors import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    StoreUnavailable,
    StrongroomError,
    WouldPrompt,
)
from strongroom.items import quoted
from strongroom.locate.addresses import is_path
from strongroom.secret import wipe
from strongroom.stores import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.keys.slots.interface import Credential
    from strongroom.keys.slots.recovery import RecoveryCredential
    from strongroom.vault.vault import Vault


def refuse_existing(location: str) -> None:
    """Say that something lies at *location*, before anybody types a passphrase.

    Raises: Conflict: it does.
    """
    if is_path(location) and os.path.lexists(location):
        raise Conflict(f"{location} exists already", advice="another place: strongroom --vault FILE init")


def make_vault(
    location: str,
    *,
    key_file: str | None = None,
    passphrase: bytearray | None = None,
    recovery: RecoveryCredential | None = None,
    others: Sequence[Credential] = (),
) -> Vault:
    """A new vault with a slot for each of what is given.

    Args:
        location: from `find_location`.
        key_file: its path; made if absent, and taken back if the vault cannot be made.
        passphrase: wiped before this returns.
        recovery: not wiped: its code is still to be shown.
        others: of other kinds; not wiped.

    Raises:
        Conflict: something lies at *location*.
        ValueError: the passphrase is no passphrase, or nothing was given.
        UnsafePermissions, StoreUnavailable: about a directory, the key file or the vault.
        OutcomeUnknown: the vault is there, but may not outlive a power cut.
    """
    from strongroom.keys.slots.passphrase import PassphraseCredential, calibrate
    from strongroom.locate.key_files import obtain_key_file, remove_key_file

    credentials: list[Credential] = []
    made_file = ""
    try:
        if passphrase is not None:
            credentials.append(PassphraseCredential(passphrase, profile=calibrate()))
        if is_path(location):
            make_directories(durable.parent(location))
        if key_file is not None:
            key, is_new = obtain_key_file(key_file)
            made_file = key_file if is_new else ""
            credentials.append(key)
        every = [*credentials, *others, *([] if recovery is None else [recovery])]
        return _fill(location, every)
    except BaseException as error:
        if made_file and not _may_be_there(location, error):
            # It opens nothing, and a later attempt shall make its own.
            remove_key_file(made_file)
        raise
    finally:
        for credential in credentials:
            credential.wipe()
        if passphrase is not None:
            wipe(passphrase)


def ask_new_passphrase() -> bytearray:
    """A new passphrase, typed twice on the terminal; the caller wipes it.

    Raises: WouldPrompt: there is no terminal.
    """
    from strongroom.locate.terminal import Terminal

    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(
            "a new vault needs a key file or a passphrase, and there is no terminal to type one on",
            advice="strongroom.create(location, key_file=...) makes a key file",
        )
    with terminal:
        return terminal.ask_new("new passphrase")


def make_directories(path: str) -> None:
    """Make *path* and what is missing above it, each with mode 0700, durably.

    Raises:
        NotFound: the way there leads through something that is not a directory.
        StoreUnavailable: not allowed, or the disk is full.
    """
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        if durable.parent(path) == path:
            break
        path = durable.parent(path)
    for directory in reversed(missing):
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            if not os.path.isdir(directory):
                raise NotFound(f"{directory} is not a directory") from None
        except OSError as error:
            raise StoreUnavailable(f"cannot make {directory}: {(error.strerror or '').lower()}") from None
        durable.sync_dir(durable.parent(directory))


def _fill(location: str, credentials: Sequence[Credential]) -> Vault:
    from strongroom.locate.author import login_name
    from strongroom.stores.registry import create_store
    from strongroom.vault.opening import create_vault

    store = create_store(location)
    try:
        vault = create_vault(store, credentials, author=login_name())
        # Whoever looks at the location until now sees no vault, and a finished one afterwards.
        store.publish()
    except BaseException as error:
        store.close()
        if isinstance(error, StrongroomError) and _may_be_there(location, error):
            raise OutcomeUnknown(
                f"{location} is there, but something failed while it was made: {error.message}",
                advice=f"see whether it is whole: strongroom --vault {quoted(location)} verify",
            ) from None
        raise
    return vault


def _may_be_there(location: str, error: BaseException) -> bool:
    """Whether a vault of ours may lie at *location*, although making it ended with *error*."""
    if isinstance(error, Conflict):
        return False  # somebody else's
    if is_path(location):
        return os.path.lexists(location)
    return isinstance(error, OutcomeUnknown) or not isinstance(error, StrongroomError)

