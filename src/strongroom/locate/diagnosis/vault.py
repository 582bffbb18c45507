"""The vault itself: what its file says without a key, what this user knows of it, and what an open one adds."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from strongroom.errors import NotFound, StrongroomError, Tampered
from strongroom.keys.format import Header, SlotRecord
from strongroom.keys.slots import registry
from strongroom.locate.anchor import FileAnchor
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.locate.diagnosis.machine import judge_clock
from strongroom.locate.places import Places
from strongroom.locate.state_directory import is_foreign, state_directory
from strongroom.stores.interface import Store, blob
from strongroom.stores.schema import HEADER
from strongroom.vault.opening import slot_records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.locate.anchor_record import AnchorRecord
    from strongroom.vault.vault import Vault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def check_store(store: Store, *, now: datetime, backup_days: int) -> Iterator[Finding]:
    """What can be seen of a vault without a key; none of it is authenticated.

    Args:
        now: aware.
        backup_days: how old the last backup may be.
    """
    try:
        records = slot_records(store)
        with store.reading() as rows:
            row = rows.get(HEADER, 1)
        vault_id = b"" if row is None else Header.decode(blob(row, 1)).vault_id
    except StrongroomError as error:
        yield from_error("vault", error, "strongroom verify")
        return
    yield from judge_slots(records)
    if records:
        newest = _EPOCH + timedelta(microseconds=max(record.created_us for record in records))
        yield from judge_clock(newest, now, "a key slot")
    yield from _check_anchor(store.location, vault_id, now=now, backup_days=backup_days)


def judge_slots(records: list[SlotRecord]) -> Iterator[Finding]:
    """Key derivations below today's, and a vault that one loss would close for ever."""
    for record in records:
        if registry.is_outdated(record):
            short = record.slot_id.hex()[:8]
            yield Finding(
                "key derivation",
                f"key slot {short} costs a guesser less than a new one would: {registry.describe(record)}",
                f"open the vault once with its passphrase, or: strongroom slot change {short}",
            )
    if len(records) == 1:
        kind = registry.kind_name(records[0].kind)
        yield Finding(
            "key slots",
            f"there is one key slot, of the kind {kind}: when that is lost, the vault is",
            "strongroom slot add recovery-code",
        )


def check_open(vault: Vault, *, now: datetime) -> Iterator[Finding]:
    """What only an open vault tells.

    Args:
        now: aware.
    """
    newest = vault.last_commit
    if newest is not None:
        yield from judge_clock(newest, now, "the newest commit")
    expired = vault.expiring(timedelta(0))
    if expired:
        yield Finding(
            "expired",
            f"{len(expired)} of the items are past their date, and reading them fails",
            "strongroom ls --expiring 1s",
        )


def _check_anchor(location: str, vault_id: bytes, *, now: datetime, backup_days: int) -> Iterator[Finding]:
    try:
        directory = state_directory()
    except NotFound as error:
        yield _no_anchor(error.message)
        return
    if is_foreign(directory):
        yield _no_anchor(f"{directory} is another user's")
        return
    remarks: list[str] = []
    try:
        record = FileAnchor(directory, vault_id, tell=remarks.append).read()
        other = Places(directory, location).is_foreign(vault_id)
    except StrongroomError as error:
        yield from_error("anchor", error, f"ls -la {directory}")
        return
    if other is not None:
        stranger = Tampered(f"another vault lies here (id {vault_id.hex()}) than was seen before (id {other.hex()})")
        yield from_error("anchor", stranger, "strongroom status --accept-vault")
    if not _is_writable(directory):
        yield _no_anchor(f"{directory} cannot be written")
    elif record is None:
        yield Finding(
            "anchor",
            "this machine has never seen this vault, and would not notice an older copy of it",
            "strongroom status",
        )
    yield from judge_backup(record, now=now, days=backup_days)


def _is_writable(directory: str) -> bool:
    while not os.path.isdir(directory):
        above = os.path.dirname(directory)
        if above == directory or os.path.lexists(directory):
            return False
        directory = above
    return os.access(directory, os.W_OK | os.X_OK)


def _no_anchor(why: str) -> Finding:
    return Finding(
        "anchor",
        f"no anchor can be kept, and an older copy of the vault would not be noticed: {why}",
        "name the newest commit that you know of: --expect-counter N",
    )


def judge_backup(record: AnchorRecord | None, *, now: datetime, days: int) -> Iterator[Finding]:
    """Whether the last backup that was made here is recent.

    Args:
        record: what this machine remembers; None for nothing.
        now: aware.
        days: how old it may be.
    """
    made_us = 0 if record is None else record.backup[0]
    if record is None or not made_us:
        yield Finding("backup", "no backup was made here", "strongroom backup FILE")
        return
    age = now - (_EPOCH + timedelta(microseconds=made_us))
    behind = record.counter - record.backup[1]
    if age > timedelta(days=days) and behind > 0:
        yield Finding(
            "backup",
            f"the last backup made here is {age.days} days old, and {behind} commits behind",
            "strongroom backup FILE",
        )
