"""What a vault does beside its items: slots, settings, verification, backup, locking.

What a plain read does not need is imported where it is used: 2 ms of a cold start.
"""

from __future__ import annotations

from strongroom.vault import slots as key_slots
from strongroom.vault.core import Core
from strongroom.vault.deposit_handle import DepositHandle
from strongroom.vault.spans import microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Self

    from strongroom.items import ItemSettings, Version
    from strongroom.keys.slots.interface import Credential
    from strongroom.secret import SecretStr
    from strongroom.vault.anchoring import Anchor
    from strongroom.vault.named_keys.named_keys import NamedKeys, OpenKeys
    from strongroom.vault.policy import Executable, Grant
    from strongroom.vault.slots import SlotInfo
    from strongroom.vault.status import Status
    from strongroom.vault.verifying import Report


class VaultHandle(DepositHandle):
    """The part of `Vault` that is about the vault itself.

    Attributes:
        notes: remarks for a person, such as that no anchor can be kept; one line each.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.ask: Callable[[str, str], SecretStr] | None = None
        self.notes: list[str] = []
        self._open_keys: OpenKeys = []

    @property
    def keys(self) -> NamedKeys:
        """The named keys that the vault keeps."""
        from strongroom.vault.named_keys.named_keys import NamedKeys

        return NamedKeys(self, self._core.clock_us, self._open_keys)  # type: ignore[arg-type]  # always a `Vault`

    def _now_us(self) -> int:
        return self._core.clock_us()

    @property
    def _reserved(self) -> Self:
        """The vault that takes a `ReservedPath`; a remote one is another object."""
        return self

    @property
    def location(self) -> str:
        """Where the vault lies, fit for messages."""
        return self._core.store.location

    @property
    def vault_id(self) -> bytes:
        """16 bytes that every copy of this vault shares."""
        return self._core.keys.header.vault_id

    @property
    def lineage(self) -> bytes:
        """16 bytes that a restored backup begins anew."""
        return self._core.keys.header.lineage

    @property
    def fingerprint(self) -> str:
        """The public key of the vault's identity, in 64 hex digits: nobody can make another vault with it.

        A new root key brings a new one, which the old one has signed.
        """
        return self._core.keys.header.identity.hex()

    def answers_to(self, fingerprint: str) -> bool:
        """Whether this is the vault's fingerprint, or one that it had before a new root key came.

        Args:
            fingerprint: 64 hex digits.
        """
        from strongroom.keys.identity import leads_to  # Ed25519, which most programs do without

        return leads_to(self._core.keys.header, bytes.fromhex(fingerprint))

    @property
    def commit_counter(self) -> int:
        """How many commits the vault has seen, read from the store."""
        from strongroom.vault import lineage

        return lineage.commit_counter(self._core)

    @property
    def last_commit(self) -> datetime | None:
        """When the newest commit was written, by the clock of its writer; aware UTC."""
        from strongroom.vault import lineage

        return lineage.last_commit(self._core)

    @property
    def anchor(self) -> Anchor | None:
        """What remembers outside the vault how far it has come; None where nothing does."""
        return self._core.anchor

    @anchor.setter
    def anchor(self, anchor: Anchor | None) -> None:
        self._core.anchor = anchor

    @property
    def is_locked(self) -> bool:
        """Whether the keys were wiped."""
        return self._core.is_locked

    def settings(self, path: str | None = None) -> ItemSettings:
        """The settings of one item; of the vault when *path* is None.

        Raises: NotFound: no such item.
        """
        from strongroom.vault import configuring  # a plain get does without

        return configuring.settings(self._core, path)

    def configure(
        self,
        path: str | None = None,
        *,
        max_versions: int | None = None,
        cas_required: bool | None = None,
        delete_version_after: timedelta | None = None,
        custom_metadata: Mapping[str, str] | None = None,
        create: bool = False,
    ) -> None:
        """Change the settings of an item, or of the vault when *path* is None; None leaves one alone.

        Args:
            max_versions: 1 to 1,000; 0 for the vault's number, and for the vault 10.
            delete_version_after: new versions are deleted after this time; zero for never.
            create: make an item without versions where there is none, as KV v2 does.

        Raises:
            NotFound: no such item.
            ValueError: out of range, or metadata for the vault.
        """
        from strongroom.vault import configuring

        configuring.configure(
            self._core,
            path,
            max_versions=max_versions,
            cas_required=cas_required,
            delete_version_after=delete_version_after,
            custom_metadata=custom_metadata,
            create=create,
        )

    def expiring(self, within: timedelta, prefix: str = "") -> list[tuple[str, Version]]:
        """The items below the folder *prefix* that expire *within* this time, or have expired; the soonest first.

        Returns: path and current version of each.
        Raises: NotFound: there is no such folder.
        """
        from strongroom.vault import ages  # a plain get does without

        return ages.expiring(self._core, within, prefix)

    def verify(self, *, progress: Callable[[int, int], None] | None = None) -> Report:
        """Compare everything in the store with the ledger, the nodes and the audit log.

        Args:
            progress: called with (rows of the tree looked at, such rows in all) now and then.

        Returns: what was counted; only when nothing was found.
        Raises:
            Tampered: with one line per finding in ``findings``.
            RuntimeError: inside a transaction, whose rows are half written.
        """
        from strongroom.vault import verifying

        return verifying.verify(self._core, progress)

    def status(self) -> Status:
        """Numbers and names about the vault, never a secret."""
        from strongroom.vault.status import status

        return status(self._core)

    def slots(self) -> list[SlotInfo]:
        """The key slots, in the order in which they were made."""
        return key_slots.list_slots(self._core)

    def add_slot(self, credential: Credential, *, label: str = "") -> SlotInfo:
        """Let one more credential open this vault.

        Raises: Conflict: there are 32 slots already.
        """
        return key_slots.add_slot(self._core, credential, label)

    def remove_slot(self, slot_id: str) -> None:
        """Take a slot away: a new root key goes to all others, and new keys encrypt from now on.

        Whoever held the slot opens nothing that is written from now on. What was written before
        is still under the old keys until `rotate` has finished, and an old copy of the vault
        shows him what it held then for good.

        Args:
            slot_id: its id in hex, or a beginning of it that fits no other.

        Raises:
            NotFound: no such slot.
            Conflict: it is the last one.
        """
        record = key_slots.find_slot(self._core, slot_id)
        from strongroom.vault import rotation

        rotation.begin(self._core, root=True, without=record.slot_id)
        self._publish_deposit_key()

    def renew_slot(self, credential: Credential) -> bool:
        """Bring the slot that opened this vault up to date, with the credential that opened it.

        Returns: whether it was outdated: a key derivation below today's cost, or an older identity.
        """
        return key_slots.renew_slot(self._core, credential)

    def rotate(self, *, root: bool = False, progress: Callable[[int, int], None] | None = None) -> int:
        """New keys at once; then re-encrypt what lies under the old ones, and destroy those last.

        Readers and writers, of this program and of others, go on meanwhile. A rotation that was
        interrupted is continued.

        Args:
            root: also make a new root key, and hand it to every slot.
            progress: called with (rows done, rows in all) after each commit.

        Returns: how many rows were re-encrypted.
        Raises:
            Tampered: a row under an old key belongs to nothing; nothing was destroyed.
            RuntimeError: inside a transaction.
        """
        from strongroom.vault import rotation

        try:
            return rotation.rotate(self._core, root=root, progress=progress)
        finally:
            if root and not self.is_locked:
                self._publish_deposit_key()

    def change_slot(self, slot_id: str, credential: Credential) -> SlotInfo:
        """Replace a slot's secret, under a new key pair. Old copies still open with the old one.

        Raises: NotFound: no such slot.
        """
        return key_slots.change_slot(self._core, slot_id, credential)

    def grants(self) -> list[Grant]:
        """What users and groups other than the owner may do, oldest first."""
        from strongroom.vault import grants

        return list(grants.list_grants(self._core))

    def add_grant(
        self,
        name: str,
        subject: str,
        subject_id: int,
        rules: Mapping[str, Sequence[str]],
        *,
        shown: str = "",
        executable: Executable | None = None,
        unit: str = "",
        lifetime: timedelta | None = None,
    ) -> list[Grant]:
        """Grant a user or group something; one grant for each set of patterns, all of one name.

        Args:
            subject: ``"user"`` or ``"group"``, and its number; *shown* is its name.
            rules: a capability and its patterns (`vault.policy`).
            executable: a file of root's; with *unit*, narrows what is granted, never what is denied.

        Raises:
            Conflict: a grant has this name, or there are 1,024.
            ValueError: as `vault.policy.Grant`.
        """
        from strongroom.vault import grants

        return grants.add_grants(
            self._core,
            name,
            (subject, subject_id, shown),
            rules,
            executable=executable,
            unit=unit,
            lifetime_us=0 if lifetime is None else microseconds(lifetime),
        )

    def remove_grant(self, name: str) -> list[Grant]:
        """Take away all grants of this name, or the one with this id in hex.

        Returns: what was taken away.
        Raises: NotFound: there is none.
        """
        from strongroom.vault import grants

        return grants.remove_grants(self._core, name)

    def begin_lineage(self) -> None:
        """Say that this is a backup which takes the vault's place: see `vault.lineage`."""
        from strongroom.vault import lineage

        lineage.begin_lineage(self._core)

    def backup(self, path: str) -> int:
        """Write a consistent copy to the file *path*, which must not exist; others go on working.

        Returns: the commit counter that the copy holds, read from it.
        Raises: Conflict: the file exists.
        """
        from strongroom.stores.registry import open_copy

        core = self._core
        with core.mutex:
            core.keys  # noqa: B018 - a locked vault makes no backups
            core.store.backup(path)
            copy = open_copy(path, check_pages=False)
            try:
                from strongroom.vault import lineage

                counter = lineage.counter_of_copy(core, copy)
            finally:
                copy.close()
            if core.anchor is not None:
                core.anchor.backed_up(counter, core.keys.header, core.clock_us())
        return counter

    def lock(self) -> None:
        """Wipe the keys; the object is of no use afterwards. A second call does nothing."""
        if self._open_keys:
            from strongroom.vault.named_keys.named_keys import close_all

            close_all(self._open_keys)
        self._core.lock()

    close = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.lock()

    def __repr__(self) -> str:
        return f"<Vault {self.location}{' (locked)' if self.is_locked else ''}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a vault holds keys and cannot be pickled")
