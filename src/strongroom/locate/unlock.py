"""The order in which a vault is opened: what is at hand first, a person last, never a hang.

    explicit argument -> STRONGROOM_KEY_FILE -> STRONGROOM_IDENTITY_FILE -> a systemd credential
        -> the OS keyring -> a terminal -> an error

The error lists what was tried and the next command. An explicit argument that does not
open the vault is the end of it; what merely lies in the environment may belong to another
vault, so the search goes on and the error names it.
"""

from __future__ import annotations

import os

from strongroom.errors import Conflict, FormatUnsupported, OutcomeUnknown, StoreUnavailable, WouldPrompt, WrongKey
from strongroom.locate.asking import printable
from strongroom.locate.author import login_name
from strongroom.secret import HiddenBuffer, SecretStr, wipe
from strongroom.stores.schema import newest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from strongroom.keys.slots.interface import Credential
    from strongroom.locate.terminal import Terminal
    from strongroom.stores.interface import Store
    from strongroom.vault.vault import Vault

    Passphrase = str | SecretStr | bytearray

KEY_FILE_VARIABLE = "STRONGROOM_KEY_FILE"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
CREDENTIAL_NAME = "strongroom-key"
_TRIES = 3


def anybody(_vault: Vault) -> None:
    """Admit every vault: for copies, whose state whoever opens them judges."""


class _Door:
    """A store that is to be opened, and who has a say before anything is written to it."""

    __slots__ = ("_admit", "store")

    def __init__(self, store: Store, admit: Callable[[Vault], None]) -> None:
        self.store = store
        self._admit = admit

    def open(self, credential: Credential) -> Vault:
        """The vault, opened with *credential*, which is wiped; its slot is renewed if it has fallen behind."""
        from strongroom.vault.opening import open_vault

        try:
            vault = open_vault(self.store, credential, author=login_name())
            try:
                # An older copy must not gain a commit before it is refused.
                self._admit(vault)
                self._renew(vault, credential)
            except BaseException:
                vault.lock()
                raise
            return vault
        finally:
            credential.wipe()

    def _renew(self, vault: Vault, credential: Credential) -> None:
        if vault._core.store.format is not newest():
            return  # nothing is written to it before it is upgraded
        try:
            vault.renew_slot(credential)
        except (StoreUnavailable, Conflict, OutcomeUnknown):
            # A read-only, busy or failing store: the slot is as it was, or renewed, and opens with this either way.
            return


def unlock(
    store: Store,
    *,
    key_file: str | None = None,
    passphrase: Passphrase | None = None,
    identity: str | None = None,
    shares: Iterable[Passphrase] | None = None,
    credential: Credential | None = None,
    environment: Mapping[str, str] = os.environ,
    may_ask: bool = True,
    admit: Callable[[Vault], None] = anybody,
) -> Vault:
    """Open the vault in *store* with the first thing that fits.

    Args:
        key_file: the path of a key file; nothing else is tried then.
        passphrase: a passphrase or recovery code; nothing else is tried then. A bytearray is wiped.
        identity: the path of an age identity or SSH key; nothing else is tried then.
        shares: Shamir shares, taken until they are enough; nothing else is tried then. Bytearrays are wiped.
        credential: opens it, with nothing else tried, and is wiped.
        environment: as `os.environ`.
        may_ask: whether a person may be asked, if there is a terminal.
        admit: looks at the vault that was opened, before anything is written to it, and may refuse it by raising.

    Raises:
        WrongKey: something was offered and does not open it.
        WouldPrompt: nothing was offered and nobody can be asked.
        NotFound, UnsafePermissions: about a key file or identity file that was named.
        FormatUnsupported: what was offered needs an extra that is not installed.
    """
    door = _Door(store, admit)
    if credential is not None:
        return door.open(credential)
    if key_file is not None:
        return _open_with_file(door, key_file)
    if passphrase is not None:
        return _open_with_typed(door, to_buffer(passphrase))
    if identity is not None:
        return _open_with_identity(door, identity)
    if shares is not None:
        from strongroom.locate.share_input import combine_shares

        return door.open(combine_shares(store, map(to_buffer, shares)))
    search = _Search(door)
    vault = search.try_environment(environment) or search.try_keyring()
    if vault is None and may_ask:
        vault = search.try_terminal()
    if vault is None:
        raise search.failure()
    return vault


def to_buffer(passphrase: Passphrase) -> bytearray:
    """The passphrase's bytes, in a buffer to be wiped; a bytearray is taken as it is.

    Raises:
        TypeError: neither text, nor a secret, nor a bytearray.
        ValueError: text with lone surrogates.
    """
    if isinstance(passphrase, bytearray):
        return passphrase
    if isinstance(passphrase, str):
        passphrase = SecretStr(passphrase)  # whose error about the text does not hold it
    if isinstance(passphrase, SecretStr):
        return HiddenBuffer(passphrase.reveal_buffer())
    raise TypeError("a passphrase is a str, SecretStr or bytearray")


def _open_with_typed(door: _Door, typed: bytearray) -> Vault:
    """Open with what a person typed: a recovery code if it reads as one, else a passphrase.

    Args:
        typed: wiped before this returns.

    Raises: WrongKey: no slot opens with it.
    """
    try:
        from strongroom.keys.slots.passphrase import PassphraseCredential
        from strongroom.keys.slots.recovery import looks_like_recovery_code, parse_recovery_code

        if looks_like_recovery_code(typed) and "recovery" in _slot_kinds(door.store):
            try:
                return door.open(parse_recovery_code(typed))
            except WrongKey:
                # 32 characters of this alphabet may be a passphrase as well.
                if "passphrase" not in _slot_kinds(door.store):
                    raise
        return door.open(PassphraseCredential(typed))
    except ValueError:
        # Empty, too long or with a NUL: it was never anybody's passphrase. `from None`: no input bytes.
        raise WrongKey("this cannot be a passphrase: it is empty, too long or not text") from None
    finally:
        wipe(typed)


class _Search:
    """What was looked at, and why it was no use."""

    def __init__(self, door: _Door) -> None:
        self._door = door
        self._store = store = door.store
        self._kinds = _slot_kinds(store)
        self._tried: list[str] = []
        self._was_wrong = False

    def try_environment(self, environment: Mapping[str, str]) -> Vault | None:
        from strongroom.locate.key_files import read_key_file, read_systemd_credential

        path = environment.get(KEY_FILE_VARIABLE, "")
        if path:
            # A file that is named and missing is an error: a job must not fall back by accident.
            vault = self._try_file(KEY_FILE_VARIABLE, path, read_key_file)
            if vault is not None:
                return vault
        else:
            self._tried.append(f"{KEY_FILE_VARIABLE} is not set")
        vault = self._try_identity(environment)
        if vault is not None:
            return vault
        directory = environment.get(CREDENTIALS_VARIABLE, "")
        if directory:
            credential = os.path.join(directory, CREDENTIAL_NAME)
            if os.path.lexists(credential):
                return self._try_file("the systemd credential", credential, read_systemd_credential)
            self._tried.append(f"there is no systemd credential {CREDENTIAL_NAME}")
        return None

    def _try_file(self, what: str, path: str, read: Callable[[str], Credential]) -> Vault | None:
        credential = read(path)
        try:
            return self._door.open(credential)
        except WrongKey:
            self._was_wrong = True
            self._tried.append(f"{what} names {path}, which opens no slot of this vault")
        return None

    def _try_identity(self, environment: Mapping[str, str]) -> Vault | None:
        from strongroom.locate.identities import IDENTITY_VARIABLE

        path = environment.get(IDENTITY_VARIABLE, "")
        if not path:
            return None
        if "age" not in self._kinds:
            self._tried.append(f"{IDENTITY_VARIABLE} is set, but the vault has no age slot")
            return None
        try:
            return _open_with_identity(self._door, path)
        except WrongKey as error:
            self._was_wrong = True
            self._tried.append(error.message)
        return None

    def try_keyring(self) -> Vault | None:
        if "keyring" not in self._kinds:
            return None
        from strongroom.keys.slots.os_keyring import KIND
        from strongroom.locate.os_keyring import read_entry
        from strongroom.vault.opening import slot_records

        try:
            for record in slot_records(self._store):
                credential = read_entry(record.parameters) if record.kind == KIND else None
                if credential is not None:
                    return self._door.open(credential)
            self._tried.append("the OS keyring has no entry for this vault")
        except (StoreUnavailable, FormatUnsupported) as error:
            # Locked, missing or without its package: a person at a terminal may still be there.
            self._tried += [error.message, *error.advice.splitlines()]
        except WrongKey:
            self._was_wrong = True
            self._tried.append("the OS keyring's entry for this vault does not open it")
        return None

    def try_terminal(self) -> Vault | None:
        words = typed_words(self._kinds)
        if not words:
            self._tried.append("the vault has no passphrase to ask for")
            return None
        from strongroom.locate.terminal import Terminal

        terminal = Terminal.open()
        if terminal is None:
            self._tried.append(f"there is no terminal to ask for the {words[0]} on")
            return None
        prompt = f"{' or '.join(words)} for {printable(self._store.location)}: "
        with terminal:
            for _ in range(_TRIES - 1):
                try:
                    return self._open_with_typed(terminal, terminal.ask_hidden(prompt))
                except WrongKey:
                    terminal.show("that does not open it, try again\n")
            return self._open_with_typed(terminal, terminal.ask_hidden(prompt))

    def _open_with_typed(self, terminal: Terminal, typed: bytearray) -> Vault:
        """Open with one line, or with a share and the further ones that it needs."""
        if "shares" in self._kinds:
            from strongroom.locate.share_input import ask_for_shares, is_share

            if not self._kinds & {"passphrase", "recovery"} or is_share(typed):
                return self._door.open(ask_for_shares(self._store, terminal, typed))
        return _open_with_typed(self._door, typed)

    def failure(self) -> WrongKey | WouldPrompt:
        steps = [*self._tried]
        if "key-file" in self._kinds:
            steps.append(f"name its key file: --key-file FILE, or {KEY_FILE_VARIABLE}=FILE")
        if "age" in self._kinds:
            steps.append("name an identity: --identity FILE, or STRONGROOM_IDENTITY_FILE=FILE")
        if "shares" in self._kinds:
            steps.append("hand over shares as lines: --share-fd N")
        if "key-file" not in self._kinds and "passphrase" in self._kinds:
            steps.append("on a terminal, make a key file that opens it unattended: strongroom slot add key-file FILE")
        kind = WrongKey if self._was_wrong else WouldPrompt
        why = "no key at hand opens" if self._was_wrong else "nothing at hand opens"
        return kind(f"{why} {self._store.location}", advice="\n".join(steps))


def _open_with_file(door: _Door, path: str) -> Vault:
    from strongroom.locate.key_files import read_key_file

    try:
        return door.open(read_key_file(path))
    except WrongKey as error:
        if "not a key file" in error.message:
            raise
        raise WrongKey(
            f"the key file {path} does not open {door.store.location}", advice="see what opens it: strongroom slot list"
        ) from None


def _open_with_identity(door: _Door, path: str) -> Vault:
    from strongroom.locate.identities import identity_credential

    return door.open(identity_credential(door.store, path))


def _slot_kinds(store: Store) -> set[str]:
    from strongroom.keys.slots.registry import kind_name
    from strongroom.vault.opening import slot_records

    return {kind_name(record.kind) for record in slot_records(store)}


def typed_words(kinds: set[str]) -> list[str]:
    """What a person may be asked for, of a vault with key slots of these *kinds*."""
    typed = {"passphrase": "passphrase", "recovery": "recovery code", "shares": "share"}
    return [word for kind, word in typed.items() if kind in kinds]
