"""`strongroom.open` and `strongroom.create`: a location in, an open vault out."""

from __future__ import annotations

import os

from strongroom.locate.addresses import find_location
from strongroom.locate.expected import Expected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from strongroom.locate.unlock import Passphrase
    from strongroom.vault.vault import Vault


def open(
    location: str | os.PathLike[str] | None = None,
    *,
    key_file: str | os.PathLike[str] | None = None,
    passphrase: Passphrase | None = None,
    identity: str | os.PathLike[str] | None = None,
    shares: Iterable[Passphrase] | None = None,
    use_agent: bool = True,
    expect_counter: int | None = None,
    expect_vault: str | None = None,
    may_ask: bool = True,
) -> Vault:
    """Open a vault with whatever is at hand: its agent, a key file, the OS keyring, or a person at a terminal.

    Args:
        location: a path or URL; None for ``STRONGROOM_VAULT``, else this user's own vault.
        key_file: open with this key file and nothing else.
        passphrase: open with this passphrase or recovery code and nothing else, 1 to 4,096
            bytes. A bytearray is wiped.
        identity: open with this age identity file or SSH private key and nothing else.
        shares: open with these Shamir shares and nothing else; bytearrays are wiped.
        use_agent: whether the vault's agent does the work when it runs and nothing is given to open with.
            This process holds no key then, and what takes one raises Denied.
        expect_counter: the commit counter that the vault must have reached, for a machine that
            keeps no anchor; ``vault.notes`` says when it keeps none.
        expect_vault: the fingerprint that the vault must have, or have had (`Vault.fingerprint`), for a machine
            that sees it for the first time or keeps no anchor.
        may_ask: whether a person at a terminal may be asked how to open it.

    Returns: the vault, unlocked; leaving it as a context manager locks it.
    Raises:
        VaultNotFound: there is no vault.
        VaultLocked: its agent is locked or has ended, and no key is at hand.
        WrongKey: what was offered does not open it.
        WouldPrompt: nothing was offered, and there is no terminal to ask on.
        UnsafePermissions: vault or key file could be read or replaced by others.
        RolledBack: it is older than what this machine has seen, or than *expect_counter*.
        Tampered: it is another vault than the one that was seen here, or than *expect_vault*.
        Tampered, FormatUnsupported, StoreUnavailable: about the vault's file.
        ValueError: several ways to open it, an unusable location, or no fingerprint.
    """

    def directly(somebody_may: bool) -> Vault:
        from strongroom.locate.recognition import guard

        return open_admitted(
            place,
            key_file=key_file,
            passphrase=passphrase,
            identity=identity,
            shares=shares,
            may_ask=may_ask and somebody_may,
            admit=lambda vault: guard(vault, expected=expected),
        )

    expected = Expected(counter=expect_counter, fingerprint=expect_vault)
    place = find_location(location)
    if not use_agent or any(way is not None for way in (key_file, passphrase, identity, shares)):
        return directly(True)
    from strongroom.locate.agents import open_with_agent

    return open_with_agent(place, is_named=location is not None, expected=expected, directly=directly)


def open_admitted(
    location: str | os.PathLike[str] | None = None,
    *,
    key_file: str | os.PathLike[str] | None = None,
    passphrase: Passphrase | None = None,
    identity: str | os.PathLike[str] | None = None,
    shares: Iterable[Passphrase] | None = None,
    is_backup: bool = False,
    any_format: bool = False,
    may_ask: bool = True,
    admit: Callable[[Vault], None],
) -> Vault:
    """As `open`, for whoever decides otherwise whether this is the newest state.

    Args:
        is_backup: the location is the path of a backup, which may lie anywhere and is only read.
        any_format: it may be of an older format, and is then of use for `locate.upgrading` alone.
        may_ask: whether a person may be asked how to open it.
        admit: looks at the vault before anything is written to it, and may refuse it by raising.

    Raises: as `open`, and what *admit* raises.
    """
    from strongroom.locate.asking import asker
    from strongroom.locate.unlock import unlock
    from strongroom.stores.registry import open_copy, open_store

    if sum(way is not None for way in (key_file, passphrase, identity, shares)) > 1:
        raise ValueError("key_file, passphrase, identity and shares are ways to open a vault; give one")
    place = find_location(location)
    store = open_copy(place) if is_backup else open_store(place, any_format=any_format)
    try:
        vault = unlock(
            store,
            key_file=None if key_file is None else os.fspath(key_file),
            passphrase=passphrase,
            identity=None if identity is None else os.fspath(identity),
            shares=shares,
            may_ask=may_ask,
            admit=admit,
        )
    except BaseException:
        store.close()
        raise
    vault.ask = asker()
    if not is_backup and not any_format:
        from strongroom.locate.collecting import collect

        collect(vault)
    return vault


def create(
    location: str | os.PathLike[str],
    *,
    key_file: str | os.PathLike[str] | None = None,
    passphrase: Passphrase | None = None,
) -> Vault:
    """Make a vault, with a key slot for the key file, the passphrase, or each of both.

    Args:
        location: a path; its directory is made with mode 0700 if it is absent.
        key_file: made with mode 0400 if it is absent, used if it is there.
        passphrase: 1 to 4,096 bytes; a bytearray is wiped. None without a key file: asked for
            on a terminal, twice.

    Returns: the vault, unlocked; leaving it as a context manager locks it.
    Raises:
        Conflict: something lies at *location*.
        WouldPrompt: neither was given, and there is no terminal to ask on.
        UnsafePermissions, StoreUnavailable: about the directory or the key file.
    """
    from strongroom.locate.asking import asker
    from strongroom.locate.making import ask_new_passphrase, make_vault, refuse_existing
    from strongroom.locate.recognition import remember_new
    from strongroom.locate.unlock import to_buffer

    place = find_location(location)
    refuse_existing(place)
    buffer = None if passphrase is None else to_buffer(passphrase)
    if buffer is None and key_file is None:
        buffer = ask_new_passphrase()
    vault = make_vault(place, key_file=None if key_file is None else os.fspath(key_file), passphrase=buffer)
    remember_new(vault)
    vault.ask = asker()
    return vault
