"""What stands in an encrypted column, from a value and back: one function for each way and column, made once.

They are on the path of every value of every row, so that what does not change from row to row is worked out
before: the head, the keys, how a row is spelled. Source: docs/format.md#columns.
"""

from __future__ import annotations

from contextvars import ContextVar
from struct import Struct

from strongroom.crypto.columns import OVERHEAD_BYTES, TOKEN_BYTES
from strongroom.django.rows import END, NoRow
from strongroom.errors import StrongroomError, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.db import models

    from strongroom.crypto.columns import ColumnKey, Draws
    from strongroom.django.fields.base import EncryptedField
    from strongroom.django.keys import Column

    Sealer = Callable[[Any, models.Model], "Encrypted"]
    Opener = Callable[[Any, object, object], Any]

MAGIC = b"srf\x01"
MAGIC_INDEXED = b"srf\x02"
_HEAD = Struct(">4sI")
HEAD_BYTES = _HEAD.size
_LEAST = HEAD_BYTES + OVERHEAD_BYTES + 1


draws_here: ContextVar[Draws | None] = ContextVar("strongroom_draws", default=None)
"""For the statement that is being put together here, and in no other thread or task; see `statements`."""


class Encrypted(bytes):
    """A value as it goes into its column: made for one row, and not shown.

    Attributes:
        value: what it was before, where a caller needs it back.
        instance: whose value it is, while that is saved.
    """

    value: object = None
    instance: models.Model | None = None

    def __repr__(self) -> str:
        return f"<{len(self)} encrypted bytes>"

    __str__ = __repr__


def head_of(field: EncryptedField, number: int) -> bytes:
    """How values of *field* begin under version *number* of the key, up to the blind index."""
    return _HEAD.pack(MAGIC_INDEXED if field.searchable else MAGIC, number)


def number_of(stored: bytes) -> int:
    """The version of the key that a stored value names.

    Raises: Tampered: it is no encrypted value.
    """
    if len(stored) < _LEAST:
        raise Tampered("it holds no encrypted value")
    magic, number = _HEAD.unpack_from(stored)
    if magic not in (MAGIC, MAGIC_INDEXED):
        raise Tampered("it holds no encrypted value")
    return int(number)


def token_of(stored: bytes) -> bytes:
    """The blind index of a stored value; empty when it has none."""
    return stored[HEAD_BYTES : HEAD_BYTES + TOKEN_BYTES] if stored.startswith(MAGIC_INDEXED) else b""


def sealer(field: EncryptedField, column: Column) -> Sealer:
    """What encrypts a value, which is not None, for the row of an instance."""
    head, kind, encrypt = head_of(field, column.number), bytes((field.kind,)), column.primary.encrypt
    row_of, plain, searched = field.row.of, field._plain, field._searched
    to_bytes, usual = field.to_bytes, field.usual_type
    token = column.primary.token if field.searchable else None
    after_row = END + head
    draws = draws_here.get

    def seal(value: Any, instance: models.Model) -> Encrypted:
        try:
            data = kind + (to_bytes(value) if type(value) is usual else plain(value))
            row = row_of(instance)
        except NoRow as error:
            raise NoRow(f"{field.where}: {error}") from None
        except UnicodeEncodeError:
            # `from None`: it holds the value.
            raise ValueError(f"{field.where} cannot hold this str") from None
        if token is None:
            return Encrypted(head + encrypt(data, row + after_row, draws()))
        found = token(searched(value))
        return Encrypted(head + found + encrypt(data, row + after_row + found, draws()))

    return seal


def opener(field: EncryptedField, column: Column) -> Opener:
    """What turns ``row ":" stored``, which the database gives, into the value."""
    usual = head_of(field, column.number)
    before_message = HEAD_BYTES + (TOKEN_BYTES if field.searchable else 0)
    decrypt_after, kind, from_bytes = column.primary.decrypt_after, field.kind, field.from_bytes

    def open_value(said: Any, _expression: object, _connection: object) -> Any:
        if said is None:
            return None
        if type(said) is not bytes:
            said = bytes(said)
        # Without an end of the row: from 0, and no value was made for no row.
        start = said.find(END) + 1
        try:
            if said.startswith(usual, start):
                data = decrypt_after(said, start + before_message)
            else:
                stored = said[start:]
                data = open_stored(column.key(number_of(stored)), stored, said[: max(start - 1, 0)])
            if data[0] != kind:
                raise Tampered("it is a value of another type")
            return from_bytes(data[1:])
        except StrongroomError as error:
            raise field._named(error, said[: max(start - 1, 0)]) from None

    return open_value


def open_stored(key: ColumnKey, stored: bytes, row: bytes) -> bytes:
    """The kind and the value of what stands in a column, whatever its form.

    Raises: Tampered: it was not made for *row* under *key*.
    """
    said = row + END + stored
    return key.decrypt_after(said, len(said) - len(stored) + HEAD_BYTES + len(token_of(stored)))
