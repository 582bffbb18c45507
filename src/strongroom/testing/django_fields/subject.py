"""A table of two encrypted columns and an owner, reached through the ORM and below it."""

from __future__ import annotations

import uuid

from django.apps.registry import Apps
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import OperationalError, connections, models

from strongroom.testing.django_fields.kinds import Kind, is_same, kinds, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

RAISES = "raises"
DECRYPTS = "decrypts"
STORED = "hands out the stored bytes"
NOTHING = "None"
ANOTHER = "another value"
# The worst last: one way of reading that does not refuse is enough.
_BADNESS = (RAISES, NOTHING, ANOTHER, STORED, DECRYPTS)


class Subject:
    """What is attacked; a context manager that makes its table and drops it.

    Args:
        make: makes the field, of ``null``, ``blank`` and what its kind needs.
        kind: of `kinds.kinds`.
        name: of the model, CamelCase; two processes that look at one table take the same.
        using: the database's alias.
        keep: leave the table in place, or take one over that was left.
    """

    def __init__(
        self, make: Callable[..., models.Field], kind: str, *, name: str, using: str = "default", keep: bool = False
    ) -> None:
        self.kind: Kind = kinds()[kind]
        self.kind_name = kind
        self.using = using
        self._keep = keep
        options = {"null": True, "blank": True, **self.kind.options}
        meta = type("Meta", (), {"app_label": "attacked", "apps": Apps()})
        members = {
            "Meta": meta, "__module__": __name__,
            "id": models.UUIDField(primary_key=True, default=uuid.uuid4),
            "owner": models.IntegerField(default=1),
            "number": models.UUIDField(unique=True, default=uuid.uuid4),
            "a": make(**options), "b": make(**options),
        }  # fmt: skip
        self.model: type[models.Model] = type(name, (models.Model,), members)
        self.connection = connections[using]
        self.first, self.second = self.kind.secrets

    def __enter__(self) -> Self:
        if self.model._meta.db_table not in self.connection.introspection.table_names():
            with self.connection.schema_editor() as editor:
                editor.create_model(self.model)
        return self

    def __exit__(self, *_exc: object) -> None:
        if not self._keep:
            with self.connection.schema_editor() as editor:
                editor.delete_model(self.model)

    @property
    def rows(self) -> models.QuerySet:
        """All rows, through the ORM."""
        return self.model._default_manager.using(self.using)

    def add(self, a: object, b: object = None, **more: object) -> models.Model:
        """A new row through ``save()``."""
        row = self.model(a=a, b=b, **more)
        row.save(using=self.using)
        return row

    def pair(self) -> models.Model:
        """A new row with both secrets."""
        return self.add(self.first, self.second)

    def stored(self, row: models.Model, column: str = "a") -> object:
        """What lies in the column: str, bytes or None."""
        quote = self.connection.ops.quote_name
        name = quote(self._column(column))
        for expression in (name, f"CAST({name} AS BLOB)"):
            try:
                with self.connection.cursor() as cursor:
                    cursor.execute(
                        f"SELECT {expression} FROM {quote(self._table)} WHERE id = %s",  # noqa: S608
                        [self._key(row)],
                    )
                    value = cursor.fetchone()[0]
            except OperationalError:
                continue  # SQLite took bytes for text, as UPPER() does
            return bytes(value) if isinstance(value, memoryview) else value
        raise AssertionError(f"{column} cannot be read below the ORM")

    def store(self, row: models.Model, column: str, value: object) -> None:
        """Write below the ORM, as somebody with the database can."""
        quote = self.connection.ops.quote_name
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {quote(self._table)} SET {quote(self._column(column))} = %s WHERE id = %s",  # noqa: S608
                [value, self._key(row)],
            )

    def read(self, row: models.Model, foreign: object, column: str = "a") -> str:
        """What reading the column gives, by the worse of two ways.

        Args:
            foreign: the value that must not come out.
        """
        stored = self.stored(row, column)
        words = [
            self._word(lambda: getattr(self.rows.get(pk=row.pk), column), foreign, stored),
            self._word(lambda: self.rows.values_list(column, flat=True).get(pk=row.pk), foreign, stored),
        ]
        return max(words, key=lambda word: _BADNESS.index(word.split(" ")[0] if word.startswith(RAISES) else word))

    def _word(self, look: Callable[[], object], foreign: object, stored: object) -> str:
        try:
            value = look()
        except (ObjectDoesNotExist, FieldDoesNotExist):
            raise  # the attack itself is wrong
        except Exception as error:
            return f"{RAISES} {type(error).__name__}"
        if is_same(value, foreign):
            return DECRYPTS
        if value is None:
            return NOTHING
        return STORED if shown(value) == shown(stored) else ANOTHER

    def _column(self, name: str) -> str:
        return str(self.model._meta.get_field(name).column)

    @property
    def _table(self) -> str:
        return str(self.model._meta.db_table)

    def _key(self, row: models.Model) -> object:
        return self.model._meta.pk.get_db_prep_value(row.pk, self.connection)
