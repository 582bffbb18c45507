"""A backup becomes the vault: copied beside its place, opened, verified, and only then exchanged."""

from __future__ import annotations

import os

from strongroom.locate.making import make_directories
from strongroom.stores import durable, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.vault.vault import Vault


def restore_backup(backup: str, target: str, *, open_copy: Callable[[str], Vault]) -> tuple[int, str | None]:
    """Put the backup at *backup* in the place of the vault at *target*.

    Args:
        backup: an absolute path; the file is not changed.
        target: an absolute path; a vault that lies there is kept beside it.
        open_copy: opens a copy of the backup at the path it is given.

    Returns: how many items the backup holds, and where the former vault is kept now.
    Raises:
        VaultNotFound: there is no backup at *backup*.
        Tampered: the backup is not what was written; *target* is untouched.
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
            report = vault.verify()
        aside = _free_name(target) if os.path.lexists(target) else None
        sqlite_copies.restore_backup(copy, target, set_aside=aside)
    finally:
        remove_files(copy)
    return report.items, aside


def _free_name(target: str) -> str:
    from datetime import UTC, datetime

    name = f"{target}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return name if not os.path.lexists(name) else f"{name}-{os.urandom(4).hex()}"
