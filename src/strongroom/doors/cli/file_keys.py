"""What opens an encrypted file: an identity file, or keys of the vault that it names; and whom it is encrypted to."""

from __future__ import annotations

import os

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.encrypted_files.recipients import KEY, FileRecipient
from strongroom.errors import NotFound, WouldPrompt, WrongKey
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from strongroom.credentials.identities import Identity
    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.encrypted_files import EncryptedFile, OpenFile
    from strongroom.vault.vault import Vault

_RECIPIENTS_BYTES_MAX = 1_048_576


class Keys:
    """The keys that are at hand for one command; a context manager that lets go of them.

    Each is fetched when a file needs it, and the vault is opened only for a file that names a key of it.
    """

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self._vault: Vault | None = None
        self._from_file: list[Identity] | None = None
        self._from_vault: dict[str, list[Identity]] = {}
        self._at_hand: dict[str, FileRecipient] = {}

    def open(self, file: EncryptedFile, path: str, *, accept: bool = False) -> OpenFile:
        """The file, opened with whatever fits.

        Args:
            path: for messages.
            accept: as `EncryptedFile.unlock`.

        Raises:
            WouldPrompt: no key was named, and the file is for none of the vault.
            WrongKey: what there is does not fit.
        """
        names = [text.removeprefix(KEY).partition(" ")[0] for text in file.recipients if text.startswith(KEY)]
        identities = self._identities()
        if identities:
            try:
                return file.unlock(identities, at_hand=self._at_hand, accept=accept)
            except WrongKey:
                if not names:
                    raise
        elif not names:
            raise WouldPrompt(
                f"{path} is encrypted to public keys, and no private one was named",
                advice=(
                    f"strongroom file {self._arguments.action} {quoted(path)} --identity FILE\n"
                    "for every command: export STRONGROOM_IDENTITY_FILE=FILE"
                ),
            )
        found = [one for name in names for one in self._of_key(name)]
        if not found:
            raise WrongKey(
                f"{path} is encrypted to a key that this vault does not have: {', '.join(names)}",
                advice="strongroom key list\nor name a private key: --identity FILE",
            )
        return file.unlock(found, at_hand=self._at_hand, accept=accept)

    def recipients(self, others: Sequence[FileRecipient] = ()) -> list[FileRecipient]:
        """Those that the command line names.

        Args:
            others: those that the file has already.

        Raises: UsageError: one of them is none.
        """
        try:
            found = [FileRecipient(text) for word in self._arguments.recipient for text in texts(word)]
            for name in self._arguments.key:
                found.append(self._recipient(name, [*others, *found]))
        except ValueError as error:
            raise UsageError(str(error)) from None
        return found

    def allowed(self, others: Sequence[FileRecipient]) -> list[str]:
        """The texts of those that the command line names; of a key of the vault, of each of its versions.

        Args:
            others: those that the file has already.

        Raises: UsageError: one of them is none.
        """
        from strongroom.credentials.recipients import hybrid_text, x25519_text

        found = [one.text for one in self.recipients(others)]
        for name in self._arguments.key:
            key = self._opened().keys[name]
            for public in [one.public for one in key.versions if key.kind == "box"]:
                found.append(f"{KEY}{name} {x25519_text(public[:32])}")
                if public[32:]:
                    found.append(f"{KEY}{name} {hybrid_text(public[32:])}")
        return found

    def fetch(self, recipients: Sequence[FileRecipient]) -> dict[str, FileRecipient]:
        """Those of kind ``aead`` that could not be encrypted to, from the vault, by their text."""
        for one in recipients:
            if not one.can_wrap:
                self._of_key(one.text.removeprefix(KEY))
        return self._at_hand

    def _identities(self) -> list[Identity]:
        from strongroom.credentials.identities import IDENTITY_FILE_BYTES_MAX, parse_identities
        from strongroom.locate.addresses import expand_user
        from strongroom.locate.identities import IDENTITY_VARIABLE
        from strongroom.stores.files import read_private

        if self._from_file is None:
            self._from_file = []
            named = self._arguments.identity or os.environ.get(IDENTITY_VARIABLE, "")
            if named:
                path = expand_user(named)
                try:
                    self._from_file = parse_identities(read_private(path, IDENTITY_FILE_BYTES_MAX, "identity file"))
                except WrongKey as error:
                    raise WrongKey(f"{path} is of no use: {error.message}", advice=error.advice) from None
        return self._from_file

    def _of_key(self, name: str) -> list[Identity]:
        from strongroom.credentials import stored_keys

        if name not in self._from_vault:
            try:
                key = self._opened().keys[name]
                self._from_vault[name] = stored_keys.identities(key)
            except (NotFound, ValueError):
                # Another vault's, or one that has this name for something else.
                self._from_vault[name] = []
            else:
                if key.kind == "aead":
                    text = KEY + name
                    self._at_hand[text] = FileRecipient(text, stored_keys.recipient(key))
        return self._from_vault[name]

    def _recipient(self, name: str, others: Sequence[FileRecipient]) -> FileRecipient:
        from strongroom.credentials import stored_keys
        from strongroom.credentials.recipients import hybrid_text, x25519_text

        key = self._opened().keys[name]
        if key.kind == "aead":
            return FileRecipient(KEY + name, stored_keys.recipient(key))
        stored_keys.recipient(key)  # Says what is wrong with a key of another kind.
        point, mixed = key.primary.public[:32], key.primary.public[32:]
        # As strong as the weakest of the others: a stronger one could not stand beside them.
        is_hybrid = bool(mixed) and all(one.is_hybrid for one in others)
        return FileRecipient(f"{KEY}{name} {hybrid_text(mixed) if is_hybrid else x25519_text(point)}")

    def _opened(self) -> Vault:
        if self._vault is None:
            self._vault = self._open_vault()
        return self._vault

    def _open_vault(self) -> Vault:
        from copy import copy

        from strongroom.doors.cli.opening import open_items

        try:
            return open_items(self._arguments)
        except WrongKey:
            if self._arguments.identity is None:
                raise
        # The identity is for the file; the vault is opened as it would be without one.
        others = copy(self._arguments)
        others.identity = None
        return open_items(others)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for one in [*(self._from_file or ()), *(one for found in self._from_vault.values() for one in found)]:
            one.wipe()
        if self._vault is not None:
            self._vault.__exit__(None, None, None)


def texts(word: str) -> list[str]:
    """The recipient that *word* is, or those of the file that it names."""
    from strongroom.doors.cli.streams import read_small

    if word.startswith(("age1", "ssh-")):
        return [_bare(word)]
    try:
        text = read_small(word, _RECIPIENTS_BYTES_MAX, "recipients file").decode("utf-8")
    except NotFound as error:
        error.advice = error.advice or "a recipient itself begins with age1, ssh-ed25519 or ssh-rsa"
        raise
    except UnicodeDecodeError:
        raise UsageError(f"{word}: a recipients file is text") from None
    found = [_bare(line) for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if not found:
        raise UsageError(f"{quoted(word)}: there is no recipient in it")
    return found


def _bare(line: str) -> str:
    """A recipient without the comment behind an SSH key: it names a machine or a person, and means nothing."""
    words = line.split()
    return " ".join(words[:2]) if words and words[0].startswith("ssh-") else line.strip()
