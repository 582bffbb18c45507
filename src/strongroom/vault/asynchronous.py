"""The async twins of the vault's methods: the same calls, in a worker thread.

SQLite and the ciphers block; a thread keeps them out of the event loop. Names carry
Django's prefix. asyncio is imported late: it costs 59 ms.
"""

from __future__ import annotations

from strongroom.vault.asynchronous_upkeep import AsyncUpkeepTwins, in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta
    from typing import Literal

    from strongroom.items import Item, Version
    from strongroom.secret import SecretBytes, SecretStr
    from strongroom.vault.values import FieldValue
    from strongroom.vault.verifying import Report


class AsyncTwins(AsyncUpkeepTwins):
    """Mixed into `Vault`; see the method without the leading ``a`` for what each does.

    There is no ``atransaction``: a transaction belongs to one thread. Use `aset_many`.
    """

    async def aget(
        self, path: str, field: str | None = None, *, version: int | None = None, allow_expired: bool = False
    ) -> Item | SecretStr | SecretBytes:
        """As `Vault.get`."""
        return await in_thread(self._vault.get, path, field, version=version, allow_expired=allow_expired)

    async def aget_many(self, paths: Iterable[str]) -> dict[str, Item]:
        """As `Vault.get_many`."""
        return await in_thread(self._vault.get_many, paths)

    async def aset(
        self,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        expires: timedelta | None = None,
        request_id: bytes | None = None,
    ) -> Version:
        """As `Vault.set`."""
        return await in_thread(self._vault.set, path, fields, cas=cas, expires=expires, request_id=request_id)

    async def aset_many(
        self, items: Mapping[str, Mapping[str, FieldValue]], *, request_id: bytes | None = None
    ) -> dict[str, Version]:
        """As `Vault.set_many`."""
        return await in_thread(self._vault.set_many, items, request_id=request_id)

    async def apatch(
        self,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        expires: timedelta | Literal["never"] | None = None,
        create: bool = False,
        request_id: bytes | None = None,
    ) -> Version:
        """As `Vault.patch`."""
        patch = self._vault.patch
        return await in_thread(patch, path, fields, cas=cas, expires=expires, create=create, request_id=request_id)

    async def arequire(self, path: str, *fields: str) -> Item:
        """As `Vault.require`."""
        return await in_thread(self._vault.require, path, *fields)

    async def alist(self, prefix: str = "", *, deleted: bool = False) -> list[str]:
        """As `Vault.list`, as a list."""
        return list(await in_thread(self._vault.list, prefix, deleted=deleted))

    async def awalk(self, prefix: str = "", *, deleted: bool = False) -> list[str]:
        """As `Vault.walk`, as a list."""
        return list(await in_thread(self._vault.walk, prefix, deleted=deleted))

    async def ahistory(self, path: str) -> list[Version]:
        """As `Vault.history`."""
        return await in_thread(self._vault.history, path)

    async def arestore(self, path: str, version: int | None = None, *, request_id: bytes | None = None) -> Version:
        """As `Vault.restore`."""
        return await in_thread(self._vault.restore, path, version, request_id=request_id)

    async def adelete(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """As `Vault.delete`."""
        await in_thread(self._vault.delete, path, versions=versions)

    async def aundelete(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """As `Vault.undelete`."""
        await in_thread(self._vault.undelete, path, versions=versions)

    async def adestroy(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """As `Vault.destroy`."""
        await in_thread(self._vault.destroy, path, versions=versions)

    async def amove(self, source: str, target: str) -> None:
        """As `Vault.move`."""
        await in_thread(self._vault.move, source, target)

    async def averify(self, *, progress: Callable[[int, int], None] | None = None) -> Report:
        """As `Vault.verify`; *progress* is called in the worker thread."""
        return await in_thread(self._vault.verify, progress=progress)

    async def abackup(self, path: str) -> int:
        """As `Vault.backup`."""
        return await in_thread(self._vault.backup, path)
