"""A backup becomes the vault: copied beside its place, opened, verified, and only then exchanged."""

from __future__ import annotations

import os

from strongroom.locate.anchor import anchor_of, expect
from strongroom.locate.making import make_directories
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
    expect_counter: int | None = None,
    tell: Callable[[str], None],
) -> Restored:
    """Put the backup at *backup* in the place of the vault at *target*, as the beginning of a new lineage.

    Args:
        backup: an absolute path; the file is not changed.
        target: an absolute path; a vault that lies there is kept beside it.
        open_copy: opens a copy of the backup at the path it is given.
        expect_counter: the commit counter that the backup must hold at least.
        tell: receives a line when this machine keeps no anchor.

    Raises:
        VaultNotFound: there is no backup at *backup*.
        Tampered: the backup is not what was written; *target* is untouched.
        RolledBack: the backup is older than *expect_counter*; *target* is untouched.
        WrongKey, WouldPrompt: it cannot be opened, so it cannot be verified; *target* is untouched.
        StoreUnavailable: the vault at *target* is in use, or the disk failed.
    """
    from strongroom.stores import sqlite_copies
    from strongroom.stores.sqlite_file import remove_files

    make_directories(durable.parent(target))
    files.check_private_dir(durable.parent(target))
    copy = f"{target}.restoring-{os.urandom(4).hex()}"
    try:
        # The backup itself may lie anywhere, also where a vault would be refused.
        sqlite_copies.restore_backup(backup, copy)
        with open_copy(copy) as vault:
            counter = vault.commit_counter
            expect(backup, counter, expect_counter)
            report = vault.verify()
            vault.begin_lineage()
            restored = Restored(report.items, counter, vault.commit_counter, vault.lineage)
            anchor = anchor_of(vault, tell=tell)
        restored.kept = _free_name(target) if os.path.lexists(target) else None
        sqlite_copies.restore_backup(copy, target, set_aside=restored.kept)
    finally:
        remove_files(copy)
    if anchor is not None:
        # Killed before this line, the machine asks once: status --accept-lineage.
        anchor.accept(restored.commit_counter)
    return restored


def _free_name(target: str) -> str:
    from datetime import UTC, datetime

    name = f"{target}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return name if not os.path.lexists(name) else f"{name}-{os.urandom(4).hex()}"
