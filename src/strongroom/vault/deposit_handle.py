"""What a vault does with depositors and their deposits: the work is in `depositors` and `deposits`."""

from __future__ import annotations

from typing import overload

from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.keys.deposit_keys import DepositorKey
    from strongroom.vault.core import Core
    from strongroom.vault.deposit_records import Depositor
    from strongroom.vault.deposits import Pending, TakenIn


class DepositHandle:
    """The part of `Vault` that is about deposits."""

    _core: Core
    notes: list[str]

    def _publish_deposit_key(self) -> None:
        """After a new root key: depositors take the new deposit key from the next deposit on."""
        from strongroom.vault import depositors

        try:
            depositors.refresh_notice(self._core)
        except StrongroomError as error:
            # The rotation is done. Until somebody collects deposits, they come under the key before.
            self.notes.append(f"the new deposit key could not be published: {error.message}")

    def depositors(self) -> list[Depositor]:
        """Who may deposit without a key to this vault, oldest first."""
        from strongroom.vault import depositors

        return depositors.list_depositors(self._core)

    def deposit_key(self, name: str, patterns: Sequence[str], *, group: int | None = None) -> DepositorKey:
        """Make a depositor: a key that writes to these paths and reads nothing. The inbox is made, if there is none.

        Args:
            patterns: 1 to 64, as `vault.policy.parse_pattern` reads them.
            group: the number of a Unix group whose members may write to the inbox.

        Returns: the key; ``encode()`` gives its file, which the caller writes and wipes.
        Raises:
            Conflict: a depositor has this name, or there are 64.
            ValueError: a name or pattern that cannot be.
            Denied, UnsafePermissions, StoreUnavailable: about the inbox.
            RuntimeError: inside a transaction.
        """
        from strongroom.vault import depositors

        return depositors.add_depositor(self._core, name, patterns, group)

    def remove_depositor(self, name: str) -> Depositor:
        """Take a depositor away, by name or id: what it has left or leaves behind waits for a person.

        Raises: NotFound: there is none.
        """
        from strongroom.vault import depositors

        return depositors.remove_depositor(self._core, name)

    def collect_deposits(self) -> list[TakenIn]:
        """Take in what known depositors have left in the inbox. What is not as it should be stays there.

        Raises: UnsafePermissions, StoreUnavailable: about the inbox; RuntimeError: inside a transaction.
        """
        from strongroom.vault import deposits

        return deposits.collect(self._core)

    def pending_deposits(self) -> list[Pending]:
        """What lies in the inbox, and why it was not taken in, the oldest first.

        Raises: UnsafePermissions, StoreUnavailable: about the inbox.
        """
        from strongroom.vault import deposits

        return deposits.list_pending(self._core)

    @overload
    def accept_deposit(self, deposit_id: str) -> TakenIn: ...
    @overload
    def accept_deposit(self, deposit_id: str, *, approve: Callable[[Pending], bool]) -> TakenIn | None: ...
    def accept_deposit(self, deposit_id: str, *, approve: Callable[[Pending], bool] | None = None) -> TakenIn | None:
        """Take in one deposit on a person's word, whoever signed it, if it opens.

        Args:
            deposit_id: in hex, or a beginning of it that fits no other.
            approve: is shown the very deposit that would be taken in, and may say no. Who wrote the file can
                exchange it after it was listed.

        Returns: what was taken in; None when *approve* said no.
        Raises:
            NotFound: it does not wait.
            Tampered: it does not open, or holds what no item can hold.
            Conflict: it was taken in before.
        """
        from strongroom.vault import deposits

        return deposits.accept(self._core, deposit_id, approve)

    def discard_deposit(self, deposit_id: str) -> Pending:
        """Remove one deposit from the inbox, for good.

        Raises: NotFound: it does not wait.
        """
        from strongroom.vault import deposits

        return deposits.discard(self._core, deposit_id)
