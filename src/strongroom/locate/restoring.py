"""A backup becomes the vault: copied beside its place, opened, verified, and only then exchanged."""

from __future__ import annotations

import os

from strongroom.locate.addresses import is_path
from strongroom.locate.expected import NOTHING, Expected
from strongroom.locate.making import make_directories
from strongroom.locate.recognition import believe_restored, recognise_copy
from strongroom.stores import durable, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.vault.vault import Vault


class Restored:
    """What has taken the vault's place.

    Attributes:
        items: how many it holds.
        backup_counter: the commit counter of the backup.
        commit_counter: that of the vault, whose new lineage is one commit more.
        lineage: 16 bytes.
        kept: where the former vault is kept; None when there was none.
    """

    __slots__ = ("backup_counter", "commit_counter", "items", "kept", "lineage")

    def __init__(self, items: int, backup_counter: int, commit_counter: int, lineage: bytes) -> None:
        self.items = items
        self.backup_counter = backup_counter
        self.commit_counter = commit_counter
        self.lineage = lineage
        self.kept: str | None = None


def restore_backup(
    backup: str,
    target: str,
    *,
    open_copy: Callable[[str], Vault],
    expected: Expected = NOTHING,
    tell: Callable[[str], None],
) -> Restored:
    """Put the backup at *backup* in the place of the vault at *target*, as the beginning of a new lineage.

    Args:
        backup: an absolute path; the file is not changed.
        target: an absolute path, where a vault that is there is kept beside it; or the URL of another kind of
            store, where there must be none.
        open_copy: opens a copy of the backup, of whatever format, at the path it is given; for a URL the backup
            itself, only to be read.
        expected: what the caller knows of the backup; with a fingerprint, no other vault was expected at *target*.
        tell: receives a line when this machine keeps no anchor, or nothing says who made the backup.

    Raises:
        VaultNotFound: there is no backup at *backup*.
        Tampered: the backup is not what was written, or of another vault; *target* is untouched.
        RolledBack: the backup is older than was expected; *target* is untouched.
        WrongKey, WouldPrompt: it cannot be opened, so it cannot be verified; *target* is untouched.
        StoreUnavailable: the vault at *target* is in use, or the disk failed.
        Conflict: something lies at the URL *target*.
    """
    if not is_path(target):
        return _restore_elsewhere(backup, target, open_copy=open_copy, expected=expected, tell=tell)
    from strongroom.stores import sqlite_copies
    from strongroom.stores.sqlite_file import remove_files
    from strongroom.vault import upgrading

    make_directories(durable.parent(target))
    files.check_private_dir(durable.parent(target))
    copy = f"{target}.restoring-{os.urandom(8).hex()}"
    try:
        # The backup itself may lie anywhere, also where a vault would be refused.
        sqlite_copies.restore_backup(backup, copy)
        with open_copy(copy) as vault:
            counter = vault.commit_counter
            upgrading.upgrade(vault._core, keep=lambda: None)  # the backup itself is the copy
            recognise_copy(vault, backup, target=target, expected=expected, tell=tell)
            report = vault.verify()
            vault.begin_lineage()
            restored = Restored(report.items, counter, vault.commit_counter, vault.lineage)
            header = vault._core.keys.header
        restored.kept = _free_name(target) if os.path.lexists(target) else None
        sqlite_copies.restore_backup(copy, target, set_aside=restored.kept)
    finally:
        remove_files(copy)
    # Killed before this line, the machine asks once: status --accept-lineage.
    believe_restored(target, restored.commit_counter, header, tell=tell)
    return restored


def _restore_elsewhere(
    backup: str, target: str, *, open_copy: Callable[[str], Vault], expected: Expected, tell: Callable[[str], None]
) -> Restored:
    """The same where no file takes another one's place: the rows are brought there, and verified."""
    from strongroom.locate.copying import open_or_create
    from strongroom.vault import copying

    with open_copy(backup) as vault:
        counter = vault.commit_counter
        recognise_copy(vault, backup, target=target, expected=expected, tell=tell)
        store = open_or_create(target)
        try:
            made = copying.copy_vault(vault._core, store, operation="restore-backup")
        except BaseException:
            store.close()
            raise
    header, report = made.core.keys.header, made.report
    made.core.lock()
    believe_restored(target, report.commit_counter, header, tell=tell)
    return Restored(report.items, counter, report.commit_counter, header.lineage)


def _free_name(target: str) -> str:
    from datetime import UTC, datetime

    name = f"{target}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return name if not os.path.lexists(name) else f"{name}-{os.urandom(8).hex()}"
