"""The hourly look at everything in the vault, in a thread beside the serving of clients."""

from __future__ import annotations

import threading

from strongroom.errors import StoreUnavailable, StrongroomError, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.vault import Vault


class Verifying:
    """`Vault.verify` under way.

    Attributes:
        says: the outcome in a line.
        findings: one line each.
        is_tampered: whether something was found.
    """

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.says = ""
        self.findings: tuple[str, ...] = ()
        self.is_tampered = False
        self._thread = threading.Thread(target=self._run, name="verify", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether the outcome is there."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._verify()
            self.says = "intact"
        except Tampered as error:
            self.is_tampered = True
            self.says = error.message
            self.findings = error.findings
        except StrongroomError as error:
            # Locked meanwhile, or busy: the next hour comes.
            self.says = error.message
        except Exception as bug:
            self.says = f"failed unexpectedly ({type(bug).__name__}): this is a bug in strongroom"

    def _verify(self) -> None:
        from strongroom.stores.registry import open_store
        from strongroom.vault.onlooking import verify_beside

        try:
            verify_beside(self.vault._core, open_store(self.vault.location))
        except (Tampered, StoreUnavailable):
            # New keys under way look like tampering from beside; this one holds up clients, and is sure.
            self.vault.verify()
