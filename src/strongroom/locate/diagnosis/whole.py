"""Everything together: what `doctor` runs, in this order, without stopping at the first finding."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from strongroom.errors import StoreUnavailable, StrongroomError, VaultNotFound, WouldPrompt, WrongKey
from strongroom.locate.addresses import expand_user, is_path
from strongroom.locate.diagnosis import files, inbox, machine, server, vault
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.locate.unlock import KEY_FILE_VARIABLE
from strongroom.stores import durable
from strongroom.stores.registry import open_store
from strongroom.stores.sqlite_file import refuse_network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.vault.vault import Vault

BACKUP_DAYS = 30


class Diagnosis:
    """What was found, and what could not be looked at.

    Attributes:
        unchecked: one line for each thing that needs a key.
    """

    __slots__ = ("findings", "unchecked")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.unchecked: list[str] = []

    def serious(self) -> list[Finding]:
        """The findings with which something fails or is open to others."""
        return [finding for finding in self.findings if finding.is_serious]


def diagnose(
    location: str,
    *,
    unlock: Callable[[], Vault],
    key_file: str | None = None,
    backup_days: int = BACKUP_DAYS,
    environment: Mapping[str, str] = os.environ,
) -> Diagnosis:
    """Look at the vault at *location*, its files, and this machine.

    Args:
        location: from `find_location`.
        unlock: opens the vault with what is at hand, and asks nobody.
        key_file: one that was named; else the environment's.
        backup_days: how old the last backup may be.
        environment: as `os.environ`.

    Raises: VaultNotFound: there is no vault.
    """
    found = Diagnosis()
    now = datetime.now(UTC)
    if is_path(location):
        if not os.path.lexists(location):
            raise VaultNotFound(f"there is no vault at {location}", advice="make one: strongroom init")
        found.findings += files.check_vault_files(location)
        try:
            refuse_network(durable.parent(location))
        except StoreUnavailable as error:
            found.findings.append(from_error("file system", error))
        key_file = key_file or environment.get(KEY_FILE_VARIABLE, "")
        if key_file:
            found.findings += files.check_key_file(os.path.abspath(expand_user(key_file)), location)
    # What SQLite's own version means is no matter of a vault in a database.
    found.findings += (one for one in machine.check_machine() if is_path(location) or one.about != "sqlite")
    if not found.serious():
        _look_inside(found, location, now, backup_days, unlock)
    else:
        found.unchecked.append("the vault itself: it is not opened before the above is mended")
    found.findings += server.check_server(location)
    if is_path(location):
        # Last: opening the vault has taken in what was in order.
        found.findings += inbox.check_inbox(location)
    return found


def _look_inside(
    found: Diagnosis, location: str, now: datetime, backup_days: int, unlock: Callable[[], Vault]
) -> None:
    try:
        store = open_store(location)
    except StrongroomError as error:
        found.findings.append(from_error("vault", error, "strongroom verify"))
        return
    try:
        found.findings += vault.check_store(store, now=now, backup_days=backup_days)
    finally:
        store.close()
    if found.serious():
        return
    try:
        with unlock() as opened:
            found.findings += vault.check_open(opened, now=now)
    except (WouldPrompt, WrongKey):
        found.unchecked.append("roll-back, the newest commit and expired items: nothing at hand opens the vault")
    except StrongroomError as error:
        found.findings.append(from_error("vault", error, "strongroom verify"))
