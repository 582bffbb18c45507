"""Places, machines and keys of one user, and a stranger who can write where the vaults lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import strongroom
from strongroom.keys.format import Header
from strongroom.keys.opening import create_keys
from strongroom.keys.slots import age
from strongroom.keys.slots.interface import Credential
from strongroom.keys.unlocked import UnlockedKeys
from strongroom.locate.expected import Expected
from strongroom.locate.opening import open_admitted
from strongroom.locate.restoring import restore_backup
from strongroom.locate.unlock import anybody
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import opening
from strongroom.vault.opening import create_vault, slot_records
from strongroom.vault.vault import Vault

PASSPHRASE = "tea with nine blue elephants"


class Scene:
    """One user's machines, vaults and keys; what others can do to them."""

    def __init__(self, root: Path, patches: pytest.MonkeyPatch) -> None:
        self.root = root
        self.patches = patches
        os.chmod(root, 0o700)
        self.at("one")

    def at(self, machine: str) -> None:
        """Sit down at a machine, which has a memory of its own."""
        self.patches.setenv("XDG_STATE_HOME", str(self.root / "machines" / machine))

    @property
    def state(self) -> Path:
        return Path(os.environ["XDG_STATE_HOME"]) / "strongroom"

    def identity(self) -> Path:
        """The user's age identity file."""
        path = self.root / "identity"
        if not path.exists():
            pyrage = pytest.importorskip("pyrage")
            path.write_text(f"{pyrage.x25519.Identity.generate()}\n")
            path.chmod(0o600)
        return path

    def recipient(self) -> str:
        """What the identity's file says to everybody, in each of its vaults."""
        pyrage = pytest.importorskip("pyrage")
        return str(pyrage.x25519.Identity.from_str(self.identity().read_text().strip()).to_public())

    def place(self, name: str) -> Path:
        (self.root / name).mkdir(mode=0o700, exist_ok=True)
        return self.root / name / "vault.db"

    def age_vault(self, name: str = "a") -> Path:
        """A vault of the user's that only the identity opens, seen on this machine."""
        path = self.place(name)
        make(path, age.new_age_credential(self.recipient()), author="owner")
        with self.open(path) as vault:
            vault.set("bank/checking", {"password": "canary"})
        return path

    def open(self, path: Path, **options: object) -> Vault:
        """As a program does it."""
        return strongroom.open(path, identity=self.identity(), use_agent=False, **options)  # type: ignore[arg-type]

    def header(self, path: Path) -> Header:
        """What everybody sees of a vault."""
        return header_of(path)

    def stranger(self, path: Path, like: Header | None = None, *, identity: bool = False, commits: int = 0) -> None:
        """Put a vault of the stranger's own making at *path*: he knows what the file there tells to everybody.

        Args:
            like: ids, lineage, epoch and certificates are those of this header.
            identity: so is the identity, to which he has no private key.
            commits: it counts this many.
        """
        store = SqliteStore.open(str(path))
        recipient = age.describe(slot_records(store)[0].parameters)
        store.close()
        path.unlink()
        make(
            path,
            age.new_age_credential(recipient),
            author="stranger",
            like=like,
            identity=identity,
            commits=commits,
        )


def header_of(path: Path) -> Header:
    """What everybody sees of a vault."""
    from strongroom.stores.interface import blob
    from strongroom.stores.schema import HEADER

    store = SqliteStore.open(str(path))
    with store.reading() as rows:
        row = rows.get(HEADER, 1)
    store.close()
    assert row is not None
    return Header.decode(blob(row, 1))


def make(
    path: Path,
    credential: Credential,
    *,
    author: str,
    like: Header | None = None,
    identity: bool = False,
    commits: int = 0,
) -> None:
    """A vault at *path*, without any machine remembering it."""

    def imitated(vault_id: bytes, lineage: bytes, now: int) -> UnlockedKeys:
        if like is None:
            return create_keys(vault_id, lineage, now)
        keys = create_keys(like.vault_id, like.lineage, now)
        keys.header.epoch = like.epoch
        keys.header.certificates = like.certificates
        if identity:
            keys.header.identity = like.identity
        return keys

    store = SqliteStore.create(str(path))
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(opening, "create_keys", imitated)
        vault = create_vault(store, [credential], author=author)
    with vault:
        store.publish()
        vault.set("bank/checking", {"password": f"of the {author}'s"})
        for number in range(commits):
            vault.set("filler", {"n": str(number)})
    credential.wipe()


def opens(vault: Vault) -> bool:
    with vault:
        return vault.get("bank/checking", "password").reveal() == "canary"


class Two:
    """Two vaults that one key file and one passphrase open."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.key = scene.root / "key"
        self.a, self.b = scene.place("a"), scene.place("b")
        for path in (self.a, self.b):
            with strongroom.create(path, key_file=self.key, passphrase=PASSPHRASE) as vault:
                vault.set("which", {"n": path.parent.name})

    def read(self, path: Path, **options: object) -> str:
        with strongroom.open(path, key_file=self.key, **options) as vault:  # type: ignore[arg-type]
            return vault.get("which").public("n")

    def swap(self) -> None:
        spare = self.scene.root / "spare"
        os.rename(self.a, spare)
        os.rename(self.b, self.a)
        os.rename(spare, self.b)


def two_vaults(scene: Scene, patches: pytest.MonkeyPatch) -> Two:
    """Made with the cheapest key derivation, which nothing renews."""
    from tests.agents import CHEAP

    patches.setattr("strongroom.keys.slots.passphrase.calibrate", lambda: CHEAP)
    patches.setattr("strongroom.keys.slots.passphrase.is_outdated", lambda _parameters: False)
    return Two(scene)


def restore(scene: Scene, path: Path, **options: object) -> list[str]:
    told: list[str] = []
    restore_backup(
        str(scene.root / "backup.db"),
        str(path),
        open_copy=lambda copy: open_admitted(copy, identity=scene.identity(), admit=anybody),
        expected=Expected(**options),  # type: ignore[arg-type]
        tell=told.append,
    )
    return told
