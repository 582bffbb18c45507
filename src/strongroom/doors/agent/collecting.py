"""The agent takes in what depositors leave while it holds the vault open."""

from __future__ import annotations

import os
import threading

from strongroom.errors import StrongroomError
from strongroom.locate.collecting import INBOX_ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.vault import Vault

LOOK_SECONDS = 2.0


class Collector:
    """Looks at the inbox's directory now and then, and collects in a thread when it has changed.

    Attributes:
        note: why the last attempt failed; empty when it did not.
    """

    def __init__(self) -> None:
        self.note = ""
        self._seen = 0
        self._thread: threading.Thread | None = None

    def forget(self) -> None:
        """Look again from the beginning: another vault object is open."""
        self._seen = 0
        self.note = ""

    def look(self, vault: Vault) -> None:
        """Begin to collect, if something came since the last time and that has ended."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = None
        changed = _changed(vault)
        if changed == self._seen:
            return
        # Taken before anything is read: what comes meanwhile is for the next time.
        self._seen = changed
        self._thread = threading.Thread(target=self._collect, args=(vault,), name="collect", daemon=True)
        self._thread.start()

    def wait_seconds(self, vault: Vault) -> float | None:
        """After how long to look again; None where there is no inbox."""
        return LOOK_SECONDS if _changed(vault) else None

    def _collect(self, vault: Vault) -> None:
        try:
            vault.collect_deposits()
            self.note = ""
        except StrongroomError as error:
            # Locked meanwhile, busy, or an inbox that somebody meddled with: serving goes on.
            self.note = f"deposits were not taken in: {error.message}"


def _changed(vault: Vault) -> int:
    """When something was last put into the inbox or taken out, in ns; 0 without one."""
    try:
        return os.stat(vault.location + INBOX_ENDING).st_mtime_ns
    except OSError:
        return 0
