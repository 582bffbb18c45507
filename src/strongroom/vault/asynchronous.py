"""The async twins of the vault's methods: the same calls, in a worker thread.

SQLite and the ciphers block; a thread keeps them out of the event loop. Names carry
Django's prefix. asyncio is imported late: it costs 59 ms.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import ParamSpec, TypeVar

    from strongroom.items import Item, Version
    from strongroom.secret import SecretBytes, SecretStr
    from strongroom.vault.values import FieldValue
    from strongroom.vault.vault import Vault
    from strongroom.vault.verifying import Report

    P = ParamSpec("P")
    T = TypeVar("T")


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    import asyncio

    return await asyncio.to_thread(call, *args, **kwargs)


class AsyncTwins:
    """Mixed into `Vault`; see the method without the leading ``a`` for what each does.

    There is no ``atransaction``: a transaction belongs to one thread. Use `aset_many`.
    """

    async def aget(
        self: Vault, path: str, field: str | None = None, *, version: int | None = None, allow_expired: bool = False
    ) -> Item | SecretStr | SecretBytes:
        """As `Vault.get`."""
        return await _in_thread(self.get, path, field, version=version, allow_expired=allow_expired)

    async def aget_many(self: Vault, paths: Iterable[str]) -> dict[str, Item]:
        """As `Vault.get_many`."""
        return await _in_thread(self.get_many, paths)

    async def aset(
        self: Vault,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        request_id: bytes | None = None,
    ) -> Version:
        """As `Vault.set`."""
        return await _in_thread(self.set, path, fields, cas=cas, request_id=request_id)

    async def aset_many(
        self: Vault, items: Mapping[str, Mapping[str, FieldValue]], *, request_id: bytes | None = None
    ) -> dict[str, Version]:
        """As `Vault.set_many`."""
        return await _in_thread(self.set_many, items, request_id=request_id)

    async def apatch(
        self: Vault,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        request_id: bytes | None = None,
    ) -> Version:
        """As `Vault.patch`."""
        return await _in_thread(self.patch, path, fields, cas=cas, request_id=request_id)

    async def arequire(self: Vault, path: str, *fields: str) -> Item:
        """As `Vault.require`."""
        return await _in_thread(self.require, path, *fields)

    async def alist(self: Vault, prefix: str = "", *, deleted: bool = False) -> list[str]:
        """As `Vault.list`, as a list."""
        return list(await _in_thread(self.list, prefix, deleted=deleted))

    async def awalk(self: Vault, prefix: str = "", *, deleted: bool = False) -> list[str]:
        """As `Vault.walk`, as a list."""
        return list(await _in_thread(self.walk, prefix, deleted=deleted))

    async def ahistory(self: Vault, path: str) -> list[Version]:
        """As `Vault.history`."""
        return await _in_thread(self.history, path)

    async def arestore(self: Vault, path: str, version: int | None = None) -> Version:
        """As `Vault.restore`."""
        return await _in_thread(self.restore, path, version)

    async def adelete(self: Vault, path: str, *, versions: Sequence[int] = ()) -> None:
        """As `Vault.delete`."""
        await _in_thread(self.delete, path, versions=versions)

    async def aundelete(self: Vault, path: str, *, versions: Sequence[int] = ()) -> None:
        """As `Vault.undelete`."""
        await _in_thread(self.undelete, path, versions=versions)

    async def adestroy(self: Vault, path: str, *, versions: Sequence[int] = ()) -> None:
        """As `Vault.destroy`."""
        await _in_thread(self.destroy, path, versions=versions)

    async def amove(self: Vault, source: str, target: str) -> None:
        """As `Vault.move`."""
        await _in_thread(self.move, source, target)

    async def averify(self: Vault) -> Report:
        """As `Vault.verify`."""
        return await _in_thread(self.verify)

    async def abackup(self: Vault, path: str) -> None:
        """As `Vault.backup`."""
        await _in_thread(self.backup, path)
