"""A vault of an older format becomes one of the newest: the old one is kept beside it, as a backup."""

from __future__ import annotations

import os

from strongroom.errors import OutcomeUnknown, StrongroomError
from strongroom.locate.addresses import is_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.vault import Vault


class Upgraded:
    """What came of it.

    Attributes:
        old: the number of the format that it had.
        new: of the one that it has now.
        kept: where the vault as it was is kept; None when there was nothing to do.
    """

    __slots__ = ("kept", "new", "old")

    def __init__(self, old: int, new: int, kept: str | None) -> None:
        self.old = old
        self.new = new
        self.kept = kept


def upgrade_vault(vault: Vault, *, backup: str | None = None) -> Upgraded:
    """Bring an open vault to the newest format.

    Args:
        vault: opened with `any_format`.
        backup: the path of a file that does not exist, for the vault as it is; None for a name beside its file.

    Raises:
        ValueError: the vault is no file, and *backup* is None.
        Conflict, UnsafePermissions: about the backup's place.
        Tampered, StoreUnavailable, OutcomeUnknown: as `strongroom.vault.upgrading.upgrade`.
    """
    from strongroom.stores import durable
    from strongroom.vault import upgrading

    core = vault._core
    if not upgrading.is_outdated(core):
        return Upgraded(core.store.format.number, core.store.format.number, None)
    if backup is None and not is_path(vault.location):
        raise ValueError("name a file for the vault as it is now")
    kept = backup or _free_name(vault.location, core.store.format.number)
    made = False

    def keep() -> None:
        nonlocal made
        core.store.backup(kept)
        made = True

    try:
        old = upgrading.upgrade(core, keep=keep)
    except OutcomeUnknown as unknown:
        unknown.advice = f"the vault as it was is {kept}\n{unknown.advice}"
        raise
    except StrongroomError:
        if made:
            # Nothing was changed, and the next attempt makes its own.
            durable.discard(kept)
        raise
    return Upgraded(old, core.store.format.number, kept)


def _free_name(location: str, number: int) -> str:
    from datetime import UTC, datetime

    name = f"{location}.format-{number}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return name if not os.path.lexists(name) else f"{name}-{os.urandom(4).hex()}"
