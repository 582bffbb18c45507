"""Depositing without a key to the vault: `strongroom.Depositor`, and the depositor's file on disk."""

from __future__ import annotations

import os
from _thread import allocate_lock  # threading.Lock, without the rest of that module

from strongroom.errors import NotFound, WrongKey
from strongroom.keys.deposit_keys import (
    DepositorKey,
    check_notice,
    decode_depositor_key,
    deposit_info,
    seal_deposit,
)
from strongroom.locate.addresses import expand_user, find_location, is_path
from strongroom.secret import wipe
from strongroom.stores import files
from strongroom.stores.durable import already_exists
from strongroom.stores.inbox import Inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from strongroom.vault.values import FieldValue

VARIABLE = "STRONGROOM_DEPOSIT_KEY"
LENGTH_MAX = 4_096


class Depositor:
    """Writes to a vault without being able to read it, or anything else in it.

    A context manager: leaving it overwrites the key. What is deposited becomes a version of its item
    when somebody who holds the vault's keys opens it next.

    Args:
        location: of the vault's file, which need not be readable; None for ``STRONGROOM_VAULT``.
        key_file: the depositor's file; None for the one that ``STRONGROOM_DEPOSIT_KEY`` names.
        clock_us: µs since 1970 UTC.

    Raises:
        NotFound: no such file, or none was named.
        UnsafePermissions: others could read the file.
        WrongKey: it is not a depositor's file.
        ValueError: the vault is not in a file.
    """

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        key_file: str | os.PathLike[str] | None = None,
        *,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        from strongroom.vault.depositors import INBOX_ENDING
        from strongroom.vault.opening import wall_clock_us

        place = find_location(location)
        if not is_path(place):
            raise ValueError("only a vault in a file has an inbox")
        path = os.environ.get(VARIABLE, "") if key_file is None else os.fspath(key_file)
        if not path:
            raise NotFound("no depositor's file was named", advice=f"set {VARIABLE}=FILE")
        self._inbox = Inbox(place + INBOX_ENDING)
        self._clock_us = clock_us or wall_clock_us
        self._counter = 0
        self._mutex = allocate_lock()
        self._key = read_depositor_file(path)

    def deposit(self, path: str, fields: Mapping[str, FieldValue]) -> str:
        """Leave *fields* as the next version of the item at *path*, whole: nothing is merged.

        Args:
            fields: as `Vault.set` takes them; 1 MiB in all.

        Returns: the deposit's id, 32 hex digits. It is durable then.
        Raises:
            NotFound: the vault has no inbox, or no deposit key lies in it.
            Tampered, RolledBack: the deposit key in the inbox is not the vault's.
            Denied: this user may not write to the inbox.
            Conflict: too much of this user waits there.
            TypeError, ValueError: a path, name or value that cannot be stored.
        """
        from strongroom.crypto.entropy import random_bytes
        from strongroom.items import parse_path
        from strongroom.vault.deposit_records import Deposit, encode_content
        from strongroom.vault.values import to_fields

        parse_path(path)
        content = encode_content(path, to_fields(fields))
        notice = self._inbox.notice()
        if notice is None:
            raise NotFound(
                f"no deposit key lies in {self._inbox.path}",
                advice="the vault's owner makes it: strongroom deposit add-key",
            )
        pinned = self._key.pinned
        version, public = check_notice(notice, pinned)
        with self._mutex:
            # It grows within this process whatever the clock does.
            counter = self._counter = max(self._clock_us(), self._counter + 1)
        deposit_id, depositor_id = random_bytes(16), self._key.depositor_id
        sealed = seal_deposit(
            public, content, deposit_info(pinned.vault_id, version, deposit_id, depositor_id, counter)
        )
        deposit = Deposit(
            vault_id=pinned.vault_id,
            key_version=version,
            deposit_id=deposit_id,
            depositor_id=depositor_id,
            counter=counter,
            sealed=sealed,
            signature=self._key.sign(version, deposit_id, counter, sealed),
        )
        self._inbox.put(deposit_id, deposit.encode())
        return deposit_id.hex()

    async def adeposit(self, path: str, fields: Mapping[str, FieldValue]) -> str:
        """As `deposit`, in a worker thread."""
        import asyncio  # 59 ms

        return await asyncio.to_thread(self.deposit, path, fields)

    def close(self) -> None:
        """Overwrite the key; the object is of no use afterwards."""
        self._key.wipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Depositor {self._key.depositor_id.hex()}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a depositor holds a key and cannot be pickled")


def read_depositor_file(path: str) -> DepositorKey:
    """The key in the depositor's file at *path*, which may begin with ``~``.

    Raises:
        NotFound: there is none.
        UnsafePermissions: the file or its directory is open to others, or a foreign user's.
        WrongKey: it is not a depositor's file, or damaged.
    """
    path = expand_user(path)
    data = files.read_private(path, LENGTH_MAX, "depositor's file")
    try:
        return decode_depositor_key(data)
    except WrongKey as error:
        raise WrongKey(f"{path}: {error.message}", advice=error.advice) from None
    finally:
        wipe(data)


def refuse_existing_file(path: str) -> None:
    """Refuse a path at which something lies.

    Raises: Conflict.
    """
    if os.path.lexists(expand_user(path)):
        raise already_exists(path)


def write_depositor_file(path: str, key: DepositorKey) -> None:
    """Write a new depositor's file, mode 0400.

    Raises:
        Conflict: the path exists.
        UnsafePermissions, StoreUnavailable, NotFound: about its directory.
    """
    data = key.encode()
    try:
        files.create_private(expand_user(path), data, mode=0o400)
    finally:
        wipe(data)
