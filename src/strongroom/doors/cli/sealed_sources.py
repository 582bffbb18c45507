"""Sources of ``import`` that are encrypted: what opens them, and what they hold."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.sops_keys import read_key_file
from strongroom.errors import NotFound, WouldPrompt, WrongKey
from strongroom.formats.interface import BadFile
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from strongroom.doors.cli.import_arguments import ImportArguments
    from strongroom.formats.interface import Document

    T = TypeVar("T")

_TRIES = 3
_UNBOUND = {
    "pass": "nothing in a pass store says who wrote an entry, or that it belongs under its name: look the names over",
    "dotenvx": "dotenvx binds no value to its name: whoever could write the file could exchange them",
    "ansible": "Ansible Vault makes guessing cheap: whoever had the file may have the password, so change the values",
}


class Sealed:
    """What was opened.

    Attributes:
        is_whole: whether all of it was encrypted, so that all of it is taken.
    """

    __slots__ = ("document", "format", "is_whole")

    def __init__(self, format: str, document: Document, *, is_whole: bool) -> None:
        self.format = format
        self.document = document
        self.is_whole = is_whole


class SourceWays:
    """How the user wants an encrypted source opened."""

    def __init__(self, arguments: ImportArguments) -> None:
        self._arguments = arguments

    def read_pass_store(self, word: str, format: str | None) -> Document:
        """The entries of a directory of pass or gopass.

        Raises: UsageError: it is another directory. StrongroomError: as `locate.pass_store.read_pass_store`.
        """
        from strongroom.doors.cli.progress import Progress
        from strongroom.locate.pass_store import is_pass_store, read_pass_store

        if format not in (None, "pass") or (format is None and not is_pass_store(word)):
            raise UsageError(f"{word} is a directory", advice="name a file in it; --format pass, for one of pass's")
        try:
            with Progress("decrypted") as progress:
                document = read_pass_store(word, progress)
        except BadFile as error:
            raise UsageError(f"{word}: {error}") from None
        output.note(_UNBOUND["pass"])
        return document

    def read(self, data: bytes, known: str, shown: str, path: str | None, dialect: str) -> Sealed | None:
        """Open *data*; None when nothing of it is encrypted in a way that is known here.

        Args:
            known: what the name or the user says.
            shown: how to call it in messages.
            path: where it lies.
            dialect: of dotenv.

        Raises: UsageError: malformed. WrongKey, WouldPrompt, FormatUnsupported, Tampered: it stays closed.
        """
        try:
            return self._read(data, known, shown, path, dialect)
        except BadFile as error:
            raise UsageError(f"{shown}: {error}") from None

    def _read(self, data: bytes, known: str, shown: str, path: str | None, dialect: str) -> Sealed | None:
        from strongroom.encrypted_files.sops import is_sops
        from strongroom.formats import ansible_vault, dotenvx_file, keepass_file

        if keepass_file.is_keepass(data):
            return self._keepass(data, shown)
        if ansible_vault.is_vault(data):
            return self._ansible(data, known, shown, path, dialect)
        if known in ("yaml", "ansible") and ansible_vault.has_values(data):
            document = self._with_passphrase(shown, lambda given: ansible_vault.read_values(data, given))
            output.note(_UNBOUND["ansible"])
            return Sealed("ansible", document, is_whole=False)
        if known in ("dotenv", "dotenvx") and dotenvx_file.has_values(data):
            return self._dotenvx(data, path, dialect)
        if is_sops(data):
            return self._sops(data, known, shown, path, dialect)
        return None

    def _keepass(self, data: bytes, shown: str) -> Sealed:
        from strongroom.formats.keepass_file import cost_of, read

        cost_of(data)
        arguments = self._arguments
        key = None if arguments.source_key is None else bytes(read_key_file(arguments.source_key))
        if key is not None and arguments.source_passphrase_fd is None:
            # A key file alone opens many; one that wants a password, too, is asked for it.
            try:
                return Sealed("keepass", read(data, None, key), is_whole=True)
            except WrongKey:
                pass
        document = self._with_passphrase(shown, lambda given: read(data, given, key), key_is_used=True)
        return Sealed("keepass", document, is_whole=True)

    def _ansible(self, data: bytes, known: str, shown: str, path: str | None, dialect: str) -> Sealed:
        from strongroom.formats.ansible_vault import decrypted
        from strongroom.formats.registry import reader

        plain = self._with_passphrase(shown, lambda given: decrypted(data, given))
        try:
            # Ansible's own files are YAML, whatever they are called.
            document = reader("yaml" if known == "ansible" else known, dialect)(plain)
        finally:
            wipe(plain)
        output.note(_UNBOUND["ansible"])
        return Sealed("ansible", document, is_whole=True)

    def _dotenvx(self, data: bytes, path: str | None, dialect: str) -> Sealed:
        from strongroom.formats.dotenvx_file import KEY_FILE, parse_keys, read_values

        beside = None if path is None else os.path.join(os.path.dirname(path), KEY_FILE)
        place = self._arguments.source_key or beside
        if place is None:
            raise WouldPrompt("the file's values are encrypted by dotenvx", advice="--source-key .env.keys")
        try:
            keys = parse_keys(read_key_file(place))
        except NotFound:
            raise WrongKey(f"there is no {place}, which opens the file", advice="--source-key .env.keys") from None
        document = read_values(data, keys, dialect=dialect)
        output.note(_UNBOUND["dotenvx"])
        return Sealed("dotenvx", document, is_whole=False)

    def _sops(self, data: bytes, known: str, shown: str, path: str | None, dialect: str) -> Sealed:
        from strongroom.doors.cli.sops_keys import identities as sops_identities
        from strongroom.encrypted_files.sops.file import FORMATS, SopsFile
        from strongroom.formats.registry import reader

        format = "yaml" if known == "sops" else known
        if format not in FORMATS:
            raise UsageError(f"{shown} is a SOPS file of a format that SOPS does not have")
        with SopsFile(data, format) as file:
            identities = sops_identities(self._arguments.source_key, "--source-key")
            try:
                file.unlock(identities)
            finally:
                for identity in identities:
                    identity.wipe()
            plain = file.plaintext()
            try:
                document = reader(format, dialect)(plain)
            finally:
                wipe(plain)
            for entry in document.entries:
                # What somebody encrypted is secret, whatever it is called.
                entry.is_secret = entry.is_secret or file.metadata.rule.encrypts(entry.keys)
            for weak_spot in file.weak_spots():
                output.note(f"{shown}: {weak_spot.text}")
        return Sealed("sops", document, is_whole=False)

    def _with_passphrase(self, shown: str, attempt: Callable[[bytearray], T], *, key_is_used: bool = False) -> T:
        """Try the passphrase from its descriptor or file, or up to three from a person."""
        arguments = self._arguments
        if arguments.source_passphrase_fd is not None:
            from strongroom.doors.cli.inputs import read_passphrase_line

            return _tried(read_passphrase_line(arguments.source_passphrase_fd), attempt)
        if arguments.source_key is not None and not key_is_used:
            return _tried(read_key_file(arguments.source_key), attempt)
        from strongroom.doors.cli.inputs import terminal_for

        try:
            terminal = terminal_for(f"passphrase of {shown}")
        except WouldPrompt as error:
            raise WouldPrompt(error.message, advice="--source-passphrase-fd N, or --source-key FILE") from None
        with terminal:
            last: WrongKey | None = None
            for number in range(_TRIES):
                if number:
                    terminal.show("that does not open it, try again\n")
                try:
                    return _tried(terminal.ask_hidden(output.escape(f"passphrase of {shown}: ")), attempt)
                except WrongKey as error:
                    last = error
        raise last or WouldPrompt("no passphrase was given")


def _tried(given: bytearray, attempt: Callable[[bytearray], T]) -> T:
    try:
        return attempt(given)
    except UnicodeDecodeError:
        raise WrongKey("a passphrase is UTF-8 text") from None
    finally:
        wipe(given)
