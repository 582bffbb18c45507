"""The async twins of what looks after a vault: settings, slots, grants, deposits, rotation. See `asynchronous`."""

from __future__ import annotations

from strongroom.vault.authority_methods import AuthorityMethods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta
    from typing import ParamSpec, TypeVar

    from strongroom.items import ItemSettings, Version
    from strongroom.keys.deposit_keys import DepositorKey
    from strongroom.keys.slots.interface import Credential
    from strongroom.vault.deposit_records import Depositor
    from strongroom.vault.deposits import Pending, TakenIn
    from strongroom.vault.policy import Executable, Grant
    from strongroom.vault.slots import SlotInfo
    from strongroom.vault.status import Status
    from strongroom.vault.vault import Vault

    P = ParamSpec("P")
    T = TypeVar("T")


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What *call* returns, called in a worker thread."""
    import asyncio

    return await asyncio.to_thread(call, *args, **kwargs)


class AsyncUpkeepTwins(AuthorityMethods):
    """Mixed into `AsyncTwins`. What is called back, such as *progress*, is called in the worker thread."""

    @property
    def _vault(self) -> Vault:
        return self  # type: ignore[return-value]  # mixed into nothing else

    async def aexpiring(self, within: timedelta, prefix: str = "") -> list[tuple[str, Version]]:
        """As `Vault.expiring`."""
        return await in_thread(self._vault.expiring, within, prefix)

    async def asettings(self, path: str | None = None) -> ItemSettings:
        """As `Vault.settings`."""
        return await in_thread(self._vault.settings, path)

    async def aconfigure(
        self,
        path: str | None = None,
        *,
        max_versions: int | None = None,
        cas_required: bool | None = None,
        delete_version_after: timedelta | None = None,
        custom_metadata: Mapping[str, str] | None = None,
        create: bool = False,
    ) -> None:
        """As `Vault.configure`."""
        await in_thread(
            self._vault.configure,
            path,
            max_versions=max_versions,
            cas_required=cas_required,
            delete_version_after=delete_version_after,
            custom_metadata=custom_metadata,
            create=create,
        )

    async def astatus(self) -> Status:
        """As `Vault.status`."""
        return await in_thread(self._vault.status)

    async def arotate(self, *, root: bool = False, progress: Callable[[int, int], None] | None = None) -> int:
        """As `Vault.rotate`."""
        return await in_thread(self._vault.rotate, root=root, progress=progress)

    async def aslots(self) -> list[SlotInfo]:
        """As `Vault.slots`."""
        return await in_thread(self._vault.slots)

    async def aadd_slot(self, credential: Credential, *, label: str = "") -> SlotInfo:
        """As `Vault.add_slot`."""
        return await in_thread(self._vault.add_slot, credential, label=label)

    async def achange_slot(self, slot_id: str, credential: Credential) -> SlotInfo:
        """As `Vault.change_slot`."""
        return await in_thread(self._vault.change_slot, slot_id, credential)

    async def arenew_slot(self, credential: Credential) -> bool:
        """As `Vault.renew_slot`."""
        return await in_thread(self._vault.renew_slot, credential)

    async def aremove_slot(self, slot_id: str) -> None:
        """As `Vault.remove_slot`."""
        await in_thread(self._vault.remove_slot, slot_id)

    async def agrants(self) -> list[Grant]:
        """As `Vault.grants`."""
        return await in_thread(self._vault.grants)

    async def aadd_grant(
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
        """As `Vault.add_grant`."""
        add = self._vault.add_grant
        return await in_thread(
            add, name, subject, subject_id, rules, shown=shown, executable=executable, unit=unit, lifetime=lifetime
        )

    async def aremove_grant(self, name: str) -> list[Grant]:
        """As `Vault.remove_grant`."""
        return await in_thread(self._vault.remove_grant, name)

    async def adepositors(self) -> list[Depositor]:
        """As `Vault.depositors`."""
        return await in_thread(self._vault.depositors)

    async def adeposit_key(self, name: str, patterns: Sequence[str], *, group: int | None = None) -> DepositorKey:
        """As `Vault.deposit_key`."""
        return await in_thread(self._vault.deposit_key, name, patterns, group=group)

    async def aremove_depositor(self, name: str) -> Depositor:
        """As `Vault.remove_depositor`."""
        return await in_thread(self._vault.remove_depositor, name)

    async def acollect_deposits(self) -> list[TakenIn]:
        """As `Vault.collect_deposits`."""
        return await in_thread(self._vault.collect_deposits)

    async def apending_deposits(self) -> list[Pending]:
        """As `Vault.pending_deposits`."""
        return await in_thread(self._vault.pending_deposits)

    async def aaccept_deposit(
        self, deposit_id: str, *, approve: Callable[[Pending], bool] | None = None
    ) -> TakenIn | None:
        """As `Vault.accept_deposit`."""
        if approve is None:
            return await in_thread(self._vault.accept_deposit, deposit_id)
        return await in_thread(self._vault.accept_deposit, deposit_id, approve=approve)

    async def adiscard_deposit(self, deposit_id: str) -> Pending:
        """As `Vault.discard_deposit`."""
        return await in_thread(self._vault.discard_deposit, deposit_id)
