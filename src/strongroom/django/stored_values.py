"""The values of one encrypted column as they lie in the database, batch by batch, below querysets and signals.

What `rotation` works on. Rows come in the order of their primary key, each with its own spelling of
itself (`rows`), so that what is decrypted here is what a query would decrypt. The statements are made of
quoted names of the models; values are parameters.
"""

from __future__ import annotations

from django.db import connections

from strongroom.django.fields.messages import (
    HEAD_BYTES,
    MAGIC,
    MAGIC_INDEXED,
    head_of,
    number_of,
    open_stored,
    token_of,
)
from strongroom.django.guards import encrypted_fields
from strongroom.django.rows import END

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from django.db import models

    from strongroom.django.fields.base import EncryptedField
    from strongroom.django.keys import Column

    Key = tuple[Any, ...]

_NUMBER_AT = len(MAGIC)


class Stored:
    """One value: where it stands, and its bytes.

    Attributes:
        key: the row's primary key, as the database gives it.
        row: what the value is bound to.
        message: what lies in the column, head and all.
    """

    __slots__ = ("key", "message", "row")

    def __init__(self, key: Key, said: bytes) -> None:
        self.key = key
        self.row, _, self.message = said.partition(END)

    @property
    def number(self) -> int:
        """The version of the key that it names.

        Raises: Tampered: it is no encrypted value.
        """
        return number_of(self.message)

    @property
    def token(self) -> bytes:
        """Its blind index; empty when it has none."""
        return token_of(self.message)

    def open(self, column: Column) -> bytes:
        """The kind and the value, without noting down that an older version was needed.

        Raises: Tampered, WrongKey, Denied: as reading it through a queryset.
        """
        number = self.number
        return open_stored(column.keys.get(number) or column.key(number), self.message, self.row)


class StoredValues:
    """All values of *field* in the database *using*; NULL is none."""

    def __init__(self, field: EncryptedField, using: str) -> None:
        self.field = field
        self._connection = connections[using]
        quote = self._connection.ops.quote_name
        meta = field.model._meta
        self._table = quote(meta.db_table)
        self._column = quote(field.column)
        self._keys = [quote(one.column) for one in meta.pk_fields]
        self._is_sqlite = self._connection.vendor == "sqlite"
        # In a column of SQLite's a value may lie as text, which is counted and compared otherwise.
        self._bytes = f"CAST({self._column} AS BLOB)" if self._is_sqlite else self._column
        self._said = field.row.sql(self._column, lambda one: quote(one.column), self._connection.vendor)

    @property
    def head(self) -> bytes:
        """How values begin that are written today; see docs/format.md#columns."""
        return head_of(self.field, self.field.column_keys().number)

    def counts(self) -> dict[int | None, int]:
        """How many values name each version of the key; None for what is no encrypted value."""
        where = f"SELECT SUBSTR({self._bytes}, 1, {HEAD_BYTES}), COUNT(*) FROM {self._table}"  # noqa: S608
        found: dict[int | None, int] = {}
        for head, count in self._fetch(f"{where} WHERE {self._column} IS NOT NULL GROUP BY 1", []):
            start = bytes(head)
            is_one = start[:_NUMBER_AT] in (MAGIC, MAGIC_INDEXED) and len(start) == HEAD_BYTES
            number = int.from_bytes(start[_NUMBER_AT:], "big") if is_one else None
            found[number] = found.get(number, 0) + count
        return found

    def batches(self, size: int, *, without: bytes | None = None, only: bytes | None = None) -> Iterator[list[Stored]]:
        """Lists of up to *size* values.

        Args:
            without: leave out what begins so.
            only: take nothing else than what begins so.
        """
        after: Key | None = None
        while True:
            conditions, params = [f"{self._column} IS NOT NULL"], []
            for head, sign in ((without, "<>"), (only, "=")):
                if head is not None:
                    conditions.append(f"SUBSTR({self._bytes}, 1, {HEAD_BYTES}) {sign} %s")
                    params.append(self._connection.Database.Binary(head))
            if after is not None:
                conditions.append(f"({', '.join(self._keys)}) > ({', '.join(map(_placeholder, after))})")
                params += after
            keys, where = ", ".join(self._keys), " AND ".join(conditions)
            rows = self._fetch(
                f"SELECT {keys}, {self._said} FROM {self._table} WHERE {where} ORDER BY {keys} LIMIT {int(size)}",  # noqa: S608
                params,
            )
            if not rows:
                return
            yield [Stored(row[:-1], bytes(row[-1])) for row in rows]
            after = rows[-1][:-1]

    def replace(self, stored: Stored, data: bytes) -> bool:
        """Write *data* in its place; False when somebody else wrote meanwhile, whose value then stays."""
        binary = self._connection.Database.Binary
        same = " AND ".join(f"{key} = {_placeholder(said)}" for key, said in zip(self._keys, stored.key, strict=True))
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self._table} SET {self._column} = %s WHERE {same} AND {self._bytes} = %s",  # noqa: S608
                [binary(data), *stored.key, binary(stored.message)],
            )
            return bool(cursor.rowcount)

    def _fetch(self, sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            driver = self._connection.connection
            before = driver.text_factory if self._is_sqlite else None
            if self._is_sqlite:
                # SQLite's text need not be UTF-8, and its driver gives no row then.
                driver.text_factory = _Text
            try:
                cursor.execute(sql, params)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
            finally:
                if self._is_sqlite:
                    driver.text_factory = before
        return rows


class _Text(bytes):
    """A key that is text, as SQLite has it."""


def _placeholder(key: Any) -> str:
    return "CAST(%s AS TEXT)" if type(key) is _Text else "%s"


def columns_of(models_of: list[type[models.Model]], using: str) -> list[StoredValues]:
    """The encrypted columns of *models_of* that have a table of their own in the database *using*."""
    from django.db import router

    return [
        StoredValues(field, using)
        for model in models_of
        if not model._meta.proxy and not model._meta.swapped and router.allow_migrate_model(using, model)
        for field in encrypted_fields(model)
        # What is under its owner's key is no business of the process's key.
        if field.model is model and not field.keys_of_users
    ]
