"""Moves the values of a column into another one beside it, row by row, and then puts that one in its place.

    1  a column beside the old one, empty, and a trigger that empties it again where the old one changes
    2  batches, each a transaction: lock rows, make the new values, write them, read them back
    3  one transaction under a lock on the table: the last rows, then the columns change places

Every step looks first whether it was done, so a move that was killed goes on when it is run again.
"""

from __future__ import annotations

from django.db import connections, transaction
from django.db.backends.utils import names_digest
from django.db.migrations.operations import AddField, AlterField, RemoveField, RenameField

from strongroom.crypto.columns import TOKEN_BYTES
from strongroom.django.fields.base import EncryptedField
from strongroom.django.fields.messages import HEAD_BYTES, MAGIC, MAGIC_INDEXED
from strongroom.django.fields.searching import BlindToken
from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db import models

_LOOKED_AT = 1_000
"""How many values are asked whether a move was done already: they all change in one transaction."""

_POSTGRES_TRIGGER = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.{beside} := NULL; RETURN NEW; END $$;
DROP TRIGGER IF EXISTS {name} ON {table};
CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {name}();
"""
_SQLITE_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {name} AFTER UPDATE ON {table} FOR EACH ROW WHEN NEW.{beside} IS NOT NULL AND ({changed})
BEGIN UPDATE {table} SET {beside} = NULL WHERE rowid = NEW.rowid; END;
"""


class _Head(BlindToken):
    """Magic, version and blind index of a stored value."""

    template = f"SUBSTR(%(expressions)s, 1, {HEAD_BYTES + TOKEN_BYTES})"


class Moving:
    """One move of one column of one database.

    Args:
        schema_editor: of a migration that is not atomic.
        from_state, to_state: of the project, with the old field and with the new one.
        batch_size: rows in one transaction.
    """

    def __init__(
        self,
        app_label: str,
        model_name: str,
        name: str,
        schema_editor: Any,
        from_state: Any,
        to_state: Any,
        batch_size: int,
    ) -> None:
        self._app_label = app_label
        self._model_name = model_name
        self._name = name
        self._editor = schema_editor
        self._alias: str = schema_editor.connection.alias
        self._batch_size = batch_size
        self._from_state = from_state
        self._old = from_state.apps.get_model(app_label, model_name)._meta.get_field(name)
        self._new = to_state.apps.get_model(app_label, model_name)._meta.get_field(name)
        self._table: str = self._old.model._meta.db_table
        self._beside = f"{name}_{names_digest(self._table, self._new.column, length=6)}"
        self._add = AddField(model_name, self._beside, self._beside_field())
        self._middle_state = self._after(from_state, self._add)
        self._model = self._middle_state.apps.get_model(app_label, model_name)

    def run(self) -> None:
        """Move everything that is not moved yet."""
        if not self._has_begun():
            if self._is_done():
                return
            with transaction.atomic(using=self._alias):
                self._apply(self._add, self._from_state, self._middle_state)
                self._watch()
        while self._pass() > self._batch_size:
            # What was written meanwhile; the last of it is moved under the lock.
            continue
        self._finish()

    # The column beside.

    def _beside_field(self) -> models.Field:
        # What the database would fill in or index belongs to the column that is complete.
        field = _without(self._new, "default", "blank", "unique", "db_index", "db_column", "db_default")
        field.null = True
        if isinstance(field, EncryptedField):
            # Its values are made for the place that they will have.
            field.bound_as = ".".join(self._new.place)
        return field

    def _has_begun(self) -> bool:
        return self._column(self._beside) is not None

    def _is_done(self) -> bool:
        """Whether the column is what it is to become: by its type, or by its values where both are bytes."""
        connection = connections[self._alias]
        if self._old.db_type(connection) != self._new.db_type(connection):
            return not self._has_type_of(self._old)
        quote = connection.ops.quote_name
        column = quote(self._new.column)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM {quote(self._table)} WHERE {column} IS NOT NULL")  # noqa: S608
            stored = [bytes(row[0]) for row in cursor.fetchmany(_LOOKED_AT)]
        encrypted = [data[: len(MAGIC)] in (MAGIC, MAGIC_INDEXED) for data in stored]
        is_encrypted = bool(encrypted) and all(encrypted)
        if is_encrypted and isinstance(self._old, EncryptedField) and isinstance(self._new, EncryptedField):
            return self._fits(self._new)
        return is_encrypted == isinstance(self._new, EncryptedField)

    def _fits(self, field: EncryptedField) -> bool:
        """Whether all values are bound, typed and indexed as *field* says: nothing else shows it."""
        rows = field.model._base_manager.using(self._alias).filter(**{f"{self._name}__isnull": False})
        magic, end = MAGIC_INDEXED if field.searchable else MAGIC, HEAD_BYTES + TOKEN_BYTES
        try:
            for value, head in rows.annotate(head=_Head(self._name)).values_list(self._name, "head").iterator():
                token = bytes(head)[HEAD_BYTES:end]
                if not bytes(head).startswith(magic) or (field.searchable and token not in field.tokens(value)):
                    return False
        except Tampered:
            return False
        return True

    def _has_type_of(self, field: models.Field) -> bool:
        """Whether the column in the database is as *field* makes it."""
        is_bytes = isinstance(field, EncryptedField) or field.get_internal_type() == "BinaryField"
        description = self._column(self._new.column)
        said = str(description.data_type if hasattr(description, "data_type") else description.type_code)
        # What SQLite calls it, and PostgreSQL's number of bytea.
        return (said.upper() in ("BLOB", "17")) == is_bytes

    def _column(self, name: str) -> Any:
        connection = connections[self._alias]
        with connection.cursor() as cursor:
            found = connection.introspection.get_table_description(cursor, self._table)
        return next((one for one in found if one.name == name), None)

    # The trigger: whoever goes on writing the old column has the row moved again.

    def _watch(self) -> None:
        connection = connections[self._alias]
        quote = connection.ops.quote_name
        encrypted = [field for field in (self._old, self._new) if isinstance(field, EncryptedField)]
        columns = {self._old.column, *(column.column for field in encrypted for column in field.row.fields)}
        is_postgres = connection.vendor == "postgresql"
        differs = "IS DISTINCT FROM" if is_postgres else "IS NOT"
        changed = " OR ".join(f"NEW.{quote(one)} {differs} OLD.{quote(one)}" for one in sorted(columns))
        self._execute(_POSTGRES_TRIGGER if is_postgres else _SQLITE_TRIGGER, changed=changed)

    def _unwatch(self) -> None:
        if connections[self._alias].vendor == "postgresql":
            self._execute("DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}()")
        else:
            self._execute("DROP TRIGGER IF EXISTS {name}")

    def _execute(self, sql: str, **parts: str) -> None:
        connection = connections[self._alias]
        quote = connection.ops.quote_name
        names = {"name": f"strongroom_{self._beside}"[:60], "table": self._table, "beside": self._beside}
        names = {key: quote(name) for key, name in names.items()}
        with connection.cursor() as cursor:
            cursor.execute(sql.format(**names, **parts))

    # The rows.

    def _pass(self) -> int:
        """Go once through the table; how many rows were moved."""
        moved, last = 0, None
        while True:
            with transaction.atomic(using=self._alias):
                self._lock_rows()
                last, count = self._batch(last)
            moved += count
            if count < self._batch_size:
                return moved

    def _lock_rows(self) -> None:
        """On SQLite, whose one lock is taken by the first write: a transaction that only read would lose it."""
        if connections[self._alias].vendor != "postgresql":
            self._execute("UPDATE {table} SET {beside} = {beside} WHERE 0 = 1")

    def _left(self) -> Any:
        rows = self._model._base_manager.using(self._alias)
        return rows.filter(**{f"{self._name}__isnull": False, f"{self._beside}__isnull": True})

    def _batch(self, last: Any) -> tuple[Any, int]:
        rows = self._left().order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        if connections[self._alias].features.has_select_for_update:
            rows = rows.select_for_update(of=("self",))
        found = list(rows.defer(self._beside)[: self._batch_size])
        if not found:
            return last, 0
        self._write(found)
        self._read_back(found)
        return found[-1].pk, len(found)

    def _write(self, found: Sequence[models.Model]) -> None:
        connection = connections[self._alias]
        quote = connection.ops.quote_name
        beside = self._model._meta.get_field(self._beside)
        keys = self._model._meta.pk_fields
        rows = []
        for one in found:
            value = getattr(one, self._old.attname)
            stored = beside.encrypted(value, one) if isinstance(beside, EncryptedField) else value
            parts = [(beside, stored), *((key, getattr(one, key.attname)) for key in keys)]
            rows.append([field.get_db_prep_save(said, connection) for field, said in parts])
        where = " AND ".join(f"{quote(key.column)} = %s" for key in keys)
        with connection.cursor() as cursor:
            # Names of the models' own, quoted by Django.
            sql = f"UPDATE {quote(self._table)} SET {quote(self._beside)} = %s WHERE {where}"  # noqa: S608
            cursor.executemany(sql, rows)

    def _read_back(self, found: Sequence[models.Model]) -> None:
        """Compare what the database has now with what it had: no value is given up for one that does not open."""
        rows = self._model._base_manager.using(self._alias).filter(pk__in=[one.pk for one in found])
        written = dict(rows.values_list("pk", self._beside))
        beside = self._model._meta.get_field(self._beside)
        for one in found:
            if written[one.pk] != beside.to_python(getattr(one, self._old.attname)):
                raise ValueError(
                    f"{self._old.model._meta.label}.{self._name} of {one.pk} is not the same in a "
                    f"{type(self._new).__name__}; nothing of this batch was kept"
                )

    # The change.

    def _finish(self) -> None:
        steps = (
            RemoveField(self._model_name, self._name),
            RenameField(self._model_name, self._beside, self._name),
            AlterField(self._model_name, self._name, self._final_field()),
        )
        with transaction.atomic(using=self._alias):
            if connections[self._alias].vendor == "postgresql":
                self._execute("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            else:
                self._lock_rows()
            last, count = self._batch(None)
            while count:
                last, count = self._batch(last)
            self._unwatch()
            state = self._middle_state
            for step in steps:
                after = self._after(state, step)
                self._apply(step, state, after)
                state = after

    def _final_field(self) -> models.Field:
        # A value that Django would fill in knows no row, and there is none to fill.
        return _without(self._new, "default", "blank") if isinstance(self._new, EncryptedField) else self._new.clone()

    def _after(self, state: Any, step: Any) -> Any:
        after = state.clone()
        step.state_forwards(self._app_label, after)
        return after

    def _apply(self, step: Any, before: Any, after: Any) -> None:
        step.database_forwards(self._app_label, self._editor, before, after)


def _without(field: models.Field, *options: str) -> models.Field:
    _name, _path, args, kwargs = field.deconstruct()
    return type(field)(*args, **{key: value for key, value in kwargs.items() if key not in options})
