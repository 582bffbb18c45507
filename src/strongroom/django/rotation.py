"""Encrypting columns again under a new version of their key, and verifying every value.

`manage.py strongroom rotate` and `verify` print what this does. What is under the current version
already is left alone, so a rotation that was interrupted goes on where it was; a batch is one
transaction, a value is replaced only if nobody wrote it meanwhile, and no signal is sent.
"""

from __future__ import annotations

from django.db import transaction

from strongroom.django.fields.messages import open_stored
from strongroom.django.rows import END
from strongroom.errors import Denied, StrongroomError, Tampered, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.django.keys import Column
    from strongroom.django.stored_values import Stored, StoredValues

SHOWN = 20
"""How many failures a tally keeps by their message; it counts all of them."""


class Tally:
    """What came of a column so far.

    Attributes:
        done: values that were encrypted again, or verified.
        overtaken: values that somebody wrote meanwhile.
        failed: values that do not decrypt; they are left as they are.
        failures: the first of them, a line each, without any value.
        is_tampered: whether one of them is what nobody with the key wrote.
    """

    __slots__ = ("done", "failed", "failures", "is_tampered", "overtaken")

    def __init__(self) -> None:
        self.done = self.overtaken = self.failed = 0
        self.failures: list[str] = []
        self.is_tampered = False

    def fail(self, values: StoredValues, stored: Stored, error: StrongroomError) -> None:
        """Count a value that does not decrypt."""
        self.failed += 1
        self.is_tampered = self.is_tampered or isinstance(error, Tampered)
        if len(self.failures) < SHOWN:
            row = stored.row.decode("ascii", "replace")
            self.failures.append(f"{values.field.where} of the row {row}: {error.message}")


def rotate(values: StoredValues, *, batch_size: int, using: str, dry_run: bool = False) -> Iterator[Tally]:
    """Encrypt again what is not under the current version; the tally so far after each batch.

    Args:
        batch_size: values in one transaction.
        dry_run: do everything but write.

    Raises:
        WrongKey: more than half of a batch does not decrypt, and nothing of the column did before.
        Denied: a version of the key that values need is disabled.
    """
    tally = Tally()
    is_right = _is_right_key(values, batch_size)
    for batch in values.batches(batch_size, without=values.head):
        column = values.field.column_keys()
        failed = tally.failed
        replacing = [(one, new) for one in batch if (new := _again(values, column, one, tally)) is not None]
        failed = tally.failed - failed
        if failed * 2 > len(batch) and not is_right:
            raise wrong_key(values, failed, len(batch))
        is_right = is_right or failed * 2 <= len(batch)
        if dry_run:
            tally.done += len(replacing)
        else:
            with transaction.atomic(using=using):
                written = [values.replace(one, new) for one, new in replacing]
            tally.done += sum(written)
            tally.overtaken += len(written) - sum(written)
        yield tally


def verify(values: StoredValues, *, batch_size: int) -> Iterator[Tally]:
    """Decrypt every value and look at its blind index; the tally so far after each batch. Nothing is written.

    Raises:
        WrongKey: at the end, when more than half of them do not decrypt.
        Denied: as `rotate`.
    """
    tally = Tally()
    for batch in values.batches(batch_size):
        column = values.field.column_keys()
        for stored in batch:
            try:
                _check(values, column, stored)
            except (Tampered, WrongKey) as error:
                tally.fail(values, stored, error)
            else:
                tally.done += 1
        yield tally
    if tally.failed > tally.done:
        raise wrong_key(values, tally.failed, tally.failed + tally.done)


def _again(values: StoredValues, column: Column, stored: Stored, tally: Tally) -> bytes | None:
    """The value under the primary version, read back before anybody relies on it; None when it does not decrypt."""
    try:
        data = _opened(values, column, stored)
    except (Tampered, WrongKey) as error:
        tally.fail(values, stored, error)
        return None
    key, head = column.primary, values.head
    if values.field.searchable:
        head += key.token(values.field._searched(values.field.from_bytes(data[1:])))
    new = head + key.encrypt(data, stored.row + END + head)
    if open_stored(key, new, stored.row) != data:
        raise StrongroomError(f"{values.field.where}: what was just encrypted does not decrypt; nothing was written")
    return new


def _opened(values: StoredValues, column: Column, stored: Stored) -> bytes:
    try:
        data = stored.open(column)
    except Denied as error:
        # Every value under that version says so, and none of them is bad.
        raise Denied(
            f"{values.field.where}: {error.message}, and values are still encrypted with it",
            advice="enable it until they are rotated: strongroom key enable NAME --version N",
        ) from None
    if data[0] != values.field.kind:
        raise Tampered("it is a value of another type")
    return data


def _check(values: StoredValues, column: Column, stored: Stored) -> None:
    value = values.field.from_bytes(_opened(values, column, stored)[1:])
    if values.field.searchable:
        key = column.keys[stored.number]
        if stored.token != key.token(values.field._searched(value)):
            raise WrongKey(
                "another normalize= made its blind index" if stored.token else "it has no blind index",
                advice="rotate the key, then: manage.py strongroom rotate",
            )


def _is_right_key(values: StoredValues, size: int) -> bool:
    """Whether values that are under the current version decrypt; False when there are none.

    Then the failures of a batch, however many, are rows that somebody damaged.
    """
    column = values.field.column_keys()
    sample = next(values.batches(size, only=values.head), [])
    failed = 0
    for stored in sample:
        try:
            _opened(values, column, stored)
        except (Tampered, WrongKey):
            failed += 1
    if failed * 2 > len(sample):
        raise wrong_key(values, failed, len(sample))
    return bool(sample)


def wrong_key(values: StoredValues, failed: int, of: int) -> WrongKey:
    """The error for more failures than successes."""
    return WrongKey(
        f"{failed} of {of} values of {values.field.where} do not decrypt: it is the wrong key, and not bad rows",
        advice="look at STRONGROOM in the settings: is it another vault, another key name? "
        "A table or column that was renamed needs bound_as= on its field",
    )
