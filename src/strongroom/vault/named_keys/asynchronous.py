"""The async twins of what changes a named key: each is a commit of the vault, in a worker thread.

`encrypt` and its kin take microseconds and have none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

    from strongroom.vault.named_keys.lifecycle import Lifecycle as _Methods
    from strongroom.vault.named_keys.record import KeyVersion
else:
    _Methods = object


class AsyncLifecycle(_Methods):
    """Mixed into `NamedKey`; see the method without the leading ``a`` for what each does."""

    __slots__ = ()

    async def arotate(self) -> KeyVersion:
        """As `rotate`."""
        import asyncio  # 59 ms

        return await asyncio.to_thread(self.rotate)

    async def astage(self) -> KeyVersion:
        """As `stage`."""
        import asyncio

        return await asyncio.to_thread(self.stage)

    async def apromote(self) -> KeyVersion:
        """As `promote`."""
        import asyncio

        return await asyncio.to_thread(self.promote)

    async def aretire(self, *, quiet: timedelta | None = None) -> list[KeyVersion]:
        """As `retire`."""
        import asyncio

        return await asyncio.to_thread(self.retire, quiet=quiet)

    async def adestroy(self, number: int) -> KeyVersion:
        """As `destroy`."""
        import asyncio

        return await asyncio.to_thread(self.destroy, number)
