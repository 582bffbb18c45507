"""Updates of many rows at once, for fields that need to know each row: what `QuerySet` cannot do by itself."""

from __future__ import annotations

from django.core.exceptions import FieldError
from django.db import connections, router, transaction
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Cast

from strongroom.django.fields.base import EncryptedField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from django.db import models

_BATCH = 500


class _EncryptedCast(Cast):  # type: ignore[misc]  # Django carries no types
    is_encrypted = True


def update(queryset: models.QuerySet, *, batch_size: int = _BATCH, **values: Any) -> int:
    """``queryset.update(**values)`` for encrypted fields: each row gets the value in a message of its own.

    Rows are locked (on PostgreSQL) and written in batches, all in one transaction; no signals are sent.

    Args:
        queryset: not sliced.
        values: encrypted fields, and others beside them.

    Returns: how many rows were written.
    Raises: FieldError: an expression for an encrypted field.
    """
    model = queryset.model
    alias = queryset.db if not queryset._for_write else queryset._db or router.db_for_write(model)
    for name in values:
        model._meta.get_field(name)
    written = 0
    with transaction.atomic(using=alias):
        rows = queryset.using(alias).order_by("pk")
        if connections[alias].features.has_select_for_update:
            rows = rows.select_for_update(of=("self",))
        # By its columns: Django cannot lock the rows of a query that selects a composite key as one.
        names = [column.attname for column in model._meta.pk_fields]
        keys = list(rows.values_list(*names, flat=len(names) == 1))
        for start in range(0, len(keys), batch_size):
            batch = list(model._base_manager.using(alias).filter(pk__in=keys[start : start + batch_size]))
            for one in batch:
                for name, value in values.items():
                    setattr(one, name, value)
            written += bulk_update(batch, list(values), batch_size=batch_size, using=alias)
    return written


def bulk_update(
    objects: Iterable[models.Model], fields: Sequence[str], *, batch_size: int = _BATCH, using: str | None = None
) -> int:
    """``QuerySet.bulk_update`` for models with encrypted fields.

    Args:
        objects: of one model, with primary keys.
        fields: what to write. What an encrypted field is bound to is compared with the database, and a row
            that has become somebody else's is left alone; to change it, `save` the object.

    Returns: how many rows were written.
    Raises:
        FieldError: *fields* name a column that values are bound to.
        ValueError: an object without a key, or a row whose bound columns are not what the object says.
    """
    found = list(objects)
    if not found:
        return 0
    model = type(found[0])
    columns = [model._meta.get_field(name) for name in fields]
    bound = {one.attname for column in columns if isinstance(column, EncryptedField) for one in column.row.fields}
    if any(one.pk is None for one in found):
        raise ValueError("all objects must have a primary key")
    if named := sorted(bound & {column.attname for column in columns}):
        raise FieldError(f"{named[0]} is what values are bound to; change it on each object, and save() it")
    alias = using or router.db_for_write(model)
    written = 0
    with transaction.atomic(using=alias):
        # SQLite takes a condition of at most 1,000 parts.
        for start in range(0, len(found), min(batch_size, _BATCH)):
            batch = found[start : start + min(batch_size, _BATCH)]
            written += _write(model, batch, columns, sorted(bound), alias)
        if written != len(found):
            raise ValueError(
                f"{len(found) - written} of {len(found)} rows are gone, or belong to another owner than their objects "
                "say; nothing was written: read them again"
            )
    return written


def _write(
    model: type[models.Model], batch: list[models.Model], columns: list[models.Field], bound: list[str], alias: str
) -> int:
    _lock_for_users(batch, columns)
    same = {one.pk: {name: getattr(one, name) for name in bound} for one in batch}
    cases = {}
    for column in columns:
        whens = []
        for one in batch:
            value = column.pre_save(one, False)
            then = value if hasattr(value, "resolve_expression") else Value(value, output_field=column)
            whens.append(When(pk=one.pk, then=then))
        # A row that the filter below lets through has its object in the batch.
        # PostgreSQL takes a literal in a CASE for text.
        cast = _EncryptedCast if isinstance(column, EncryptedField) else Cast
        cases[column.attname] = cast(Case(*whens, output_field=column), output_field=column)
    rows = model._base_manager.using(alias).filter(_matching(same))
    return int(rows.update(**cases))


def _lock_for_users(batch: list[models.Model], columns: list[models.Field]) -> None:
    """Encrypt what is under a user's key, and hold that user's vault once for all rows."""
    private = [column for column in columns if getattr(column, "keys_of_users", False)]
    if private:
        from strongroom.django.user_vaults.storing import hold, is_any_fresh

        if any(is_any_fresh(one, private) for one in batch):
            hold()
        for one in batch:
            for column in private:
                column.lock(one)


def _matching(same: dict[Any, dict[str, Any]]) -> Q:
    found = Q()
    for key, values in same.items():
        said = {f"{name}__isnull" if value is None else name: value is None or value for name, value in values.items()}
        found |= Q(**{"pk": key, **said})
    return found
