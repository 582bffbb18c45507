"""A vault moves to another place, of whatever kind: copied, verified there, and believed from now on."""

from __future__ import annotations

from strongroom.errors import Conflict, Tampered, VaultNotFound
from strongroom.locate.addresses import is_path
from strongroom.locate.making import make_directories
from strongroom.locate.recognition import believe_restored
from strongroom.stores import durable
from strongroom.stores.registry import create_store, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.stores.interface import Store
    from strongroom.vault.copying import Progress
    from strongroom.vault.vault import Vault
    from strongroom.vault.verifying import Report


class Copied:
    """What lies at the new place.

    Attributes:
        location: the new place.
        report: what was counted there, and found to be what was written.
        lineage: 16 bytes, new.
    """

    __slots__ = ("lineage", "location", "report")

    def __init__(self, location: str, report: Report, lineage: bytes) -> None:
        self.location = location
        self.report = report
        self.lineage = lineage


def copy_vault(
    vault: Vault, target: str, *, progress: Progress | None = None, tell: Callable[[str], None]
) -> Copied:
    """Copy an open vault to *target*, and believe that copy from now on instead of the vault.

    An interrupted copy is taken up again by the same call.

    Args:
        vault: not changed.
        target: from `find_location`: nothing lies there, or an empty store, or a copy of this vault that was
            interrupted.
        progress: called with (rows copied, rows in all) after each commit.
        tell: receives a line when this machine keeps no anchor.

    Raises:
        ValueError: nothing serves the target's scheme.
        Conflict: something else lies at *target*.
        Tampered: the vault, or its copy, is not what was written; the copy is no vault then.
        UnsafePermissions, StoreUnavailable, OutcomeUnknown: as `registry.open_store` and `copying.copy_vault`.
    """
    from strongroom.vault import copying

    store = open_or_create(target)
    try:
        finished = copying.copy_vault(vault._core, store, progress=progress)
    except BaseException:
        store.close()
        raise
    header, report = finished.core.keys.header, finished.report
    finished.core.lock()
    # Killed before this line, the machine asks once: status --accept-lineage.
    believe_restored(target, report.commit_counter, header, tell=tell)
    return Copied(finished.core.store.location, report, header.lineage)


def open_or_create(target: str) -> Store:
    """The store at *target*, or a new one that is published when it is filled.

    Raises: Conflict: what lies there is none of ours; and as `registry.open_store` and `create_store`.
    """
    try:
        return open_store(target)
    except VaultNotFound:
        if is_path(target):
            make_directories(durable.parent(target))
        return create_store(target)
    except Tampered as error:
        # To be written to, it would have to be ours; what it is instead is not for us to say.
        raise Conflict(f"something else lies at {target}: {error.message}", advice="name another place") from None
