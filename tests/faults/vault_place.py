"""A vault in a directory of its own, with everything that belongs to it: keys, anchor, backup."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from json import dumps

from strongroom.errors import NotFound, WrongKey
from strongroom.keys.slots.interface import Credential
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.locate.anchor import FileAnchor
from strongroom.locate.key_files import obtain_key_file, read_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault

# The cheapest that the format allows: what is tested is what is written, not what it costs.
CHEAP = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
LESS_CHEAP = Argon2idProfile(memory_kib=19_456, iterations=2, lanes=1)
OLD_PHRASE = "nine blue elephants"
NEW_PHRASE = "ten grey whales"
KEPT = 6
SECRETS = {f"SECRET_{number}": f"{number}".ljust(1_500, "x") for number in range(4)}
FOREIGN = "".join(f"{name}={value}\n" for name, value in SECRETS.items())
"""What another program's file holds before it is imported."""
PROJECT = "A=strongroom://kept/0#password\n"
"""A project's own file, which has to be allowed."""
KEYS = ("first.key", "second.key", "third.key")


def fields(path: str, number: int = 1) -> dict[str, str]:
    """What version *number* of an item holds; some pages of it, so that a commit takes several writes."""
    return {"password": f"{number} of {path} ".ljust(2_000, "."), "username": path}


class Place:
    """The paths in one directory, and the ways in.

    Args:
        directory: absolute; of mode 0700.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.vault = f"{directory}/vault.db"
        self.first, self.second, self.third = (f"{directory}/{name}" for name in KEYS)
        self.backup = f"{directory}/backup.db"
        self.other = f"{directory}/other.db"
        self.wiped, self.replaced = f"{directory}/wiped.env", f"{directory}/replaced.env"
        self.project = f"{directory}/project.env"
        self.state = f"{directory}/state/strongroom"
        self.memory = f"{directory}/memory"

    def prepare(self, *, has_one_slot: bool = False) -> None:
        """Make directories, keys and a vault that was lived in, with a backup of half of that life."""
        for path in (f"{self.directory}/state", self.state, self.memory):
            os.mkdir(path, 0o700)
        credentials: list[Credential] = [obtain_key_file(self.first)[0]]
        if not has_one_slot:
            credentials += [PassphraseCredential(bytearray(OLD_PHRASE.encode()), profile=CHEAP)]
            credentials += [obtain_key_file(self.second)[0]]
        store = SqliteStore.create(self.vault)
        with create_vault(store, credentials, author="owner", labels=("first", "phrase", "second")) as vault:
            store.publish()
            vault.set_many({f"kept/{number}": fields(f"kept/{number}") for number in range(KEPT)})
            vault.backup(self.backup)
            vault.set("after the backup", fields("after the backup"))
            self.anchor(vault).settle(vault.commit_counter, vault._core.keys.header)
        with open(f"{self.directory}/edited.json", "w") as edited:
            edited.write(dumps(fields("kept/0", 2)))
        for path, content in ((self.wiped, FOREIGN), (self.replaced, FOREIGN), (self.project, PROJECT)):
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as foreign:
                foreign.write(content)

    def copy(self, directory: str) -> Place:
        """The same in another directory, byte for byte."""
        shutil.copytree(self.directory, directory, dirs_exist_ok=True)
        os.chmod(directory, 0o700)
        return Place(directory)

    def anchor(self, vault: Vault) -> FileAnchor:
        """What this machine remembers of *vault*."""
        return FileAnchor(self.state, vault.vault_id, tell=_refuse)

    @contextmanager
    def opened(self, path: str, credential: Credential) -> Iterator[Vault]:
        """The vault at *path*, without its anchor; the store is closed even if nothing opens it."""
        with closing(SqliteStore.open(path)) as store:
            with open_vault(store, credential, author="judge") as vault:
                yield vault

    def opens_with_phrase(self, phrase: str) -> bool:
        """Whether a passphrase opens the vault."""
        try:
            with self.opened(self.vault, PassphraseCredential(bytearray(phrase.encode()))):
                return True
        except WrongKey:
            return False

    def opens_with_file(self, key_file: str, *, path: str = "") -> bool:
        """Whether a key file that may be missing opens the vault."""
        try:
            with self.opened(path or self.vault, read_key_file(key_file)):
                return True
        except (WrongKey, NotFound):
            return False


def _refuse(complaint: str) -> None:
    raise AssertionError(complaint)
