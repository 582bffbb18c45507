"""What would leave a value behind when its row's key or owner changes, refused before it is written.

A value is bound to columns that Django updates by themselves as well: ``update(owner=...)``,
``save(update_fields=["owner"])``, ``on_delete=SET_NULL``. The value would then open nowhere.
"""

from __future__ import annotations

from functools import partial

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, Query, UpdateQuery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from strongroom.django.fields.base import EncryptedField


def encrypted_fields(model: type[models.Model]) -> list[EncryptedField]:
    """The encrypted fields of *model*, in the order of its columns."""
    from strongroom.django.fields.base import EncryptedField

    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedField)]


def prepare_model(sender: type[models.Model], **_signal: object) -> None:
    """Watch the columns that values of *sender* are bound to, and add the blind indexes."""
    from strongroom.django.fields.base import EncryptedField
    from strongroom.django.fields.searching import add_index

    meta = sender._meta
    own = [field for field in meta.local_concrete_fields if isinstance(field, EncryptedField)]
    bound: dict[models.Field, list[EncryptedField]] = {}
    by_name = {one.name: one for one in meta.local_concrete_fields}
    for field in own:
        # What is not there is found by the checks, which say it better.
        for column in [*meta.pk_fields, *(by_name[name] for name in field.bind if name in by_name)]:
            bound.setdefault(column, []).append(field)
        if field.searchable and sender.__module__ != "__fake__":
            add_index(field, meta)
    for column, fields in bound.items():
        _watch(column, _check_of(column, fields))
    for field in own:
        _watch(field, partial(_narrow, field))


def _check_of(column: models.Field, fields: list[EncryptedField]) -> Callable[[Any], None]:
    """What is looked at when *column* is written, to which values of *fields* are bound."""

    def check(compiler: Any) -> None:
        query = compiler.query
        if isinstance(query, UpdateQuery):
            written = {field: value for field, _model, value in query.values}
            left = [field for field in fields if field not in written]
            if left and column in written and _changes(column, written[column], compiler):
                raise FieldError(_left_behind(column, left))
        elif isinstance(query, InsertQuery) and query.on_conflict is OnConflict.UPDATE:
            for field in fields:
                _check_upsert(field, set(query.unique_fields), set(query.update_fields))

    return check


def _narrow(field: EncryptedField, compiler: Any) -> None:
    """Have an UPDATE of *field* alone find its row only while that belongs to whom the object says it does.

    ``save(update_fields=["password"])`` of an object that was read before its row's owner changed would write a
    value that opens no more. Django raises DatabaseError when the row is not found.
    """
    query = compiler.query
    if not isinstance(query, UpdateQuery):
        return
    written = {one: value for one, _model, value in query.values}
    instance = getattr(written.get(field), "instance", None)
    for column in () if instance is None else field.row.fields:
        if column not in written and not column.primary_key and column not in field.model._meta.pk_fields:
            said = getattr(instance, column.attname)
            query.add_q(models.Q(**{f"{column.attname}__isnull": True} if said is None else {column.attname: said}))


def _watch(column: models.Field, check: Callable[[Any], None]) -> None:
    """Have *check* look at each statement that may write *column* of a row that is there; see `statements`."""
    column.strongroom_checks = (*getattr(column, "strongroom_checks", ()), check)


def _check_upsert(field: EncryptedField, unique: set[models.Field], updated: set[models.Field]) -> None:
    """Refuse a `bulk_create` that would write a new row's value into a row with another key, or to another owner.

    Which row it meets is known only where the conflict is about the primary key itself.
    """
    keys = set(field.model._meta.pk_fields)
    bound = set(field.row.fields) - keys
    if field in updated:
        fits = keys <= unique and bound <= unique | updated
    else:
        fits = not updated & set(field.row.fields)
    if not fits:
        raise FieldError(
            f"{field.where} is bound to its row, and this bulk_create() may update one that it does not know: "
            "take unique_fields with the primary key, and update_fields with all that the value is bound to; "
            "or look the rows up and take strongroom.django.bulk_update(objects, fields)"
        )


def _changes(column: models.Field, value: Any, compiler: Any) -> bool:
    """Whether a row would get another *value* in *column*: a `save` of what was loaded in part writes it as it is."""
    if hasattr(value, "resolve_expression"):
        return True
    if hasattr(value, "prepare_database_save"):
        value = value.prepare_database_save(column)
    rows = models.QuerySet(compiler.query.model, query=compiler.query.chain(klass=Query), using=compiler.using)
    return bool(rows.exclude(**{column.attname: value}).exists())


def before_save(sender: type[models.Model], instance: models.Model, raw: bool = False, **_signal: object) -> None:
    """Encrypt what a fixture brings: a field's `pre_save` is not asked then."""
    if raw:
        for field in encrypted_fields(sender):
            value = getattr(instance, field.attname)
            encrypted = field.encrypted(value, instance)
            if encrypted is not None:
                encrypted.value = value
            setattr(instance, field.attname, encrypted)


def after_save(sender: type[models.Model], instance: models.Model, raw: bool = False, **_signal: object) -> None:
    """Give a fixture's object its values back."""
    from strongroom.django.fields.messages import Encrypted

    if raw:
        for field in encrypted_fields(sender):
            encrypted = getattr(instance, field.attname)
            if type(encrypted) is Encrypted:
                setattr(instance, field.attname, encrypted.value)


def _left_behind(column: models.Field, fields: list[EncryptedField]) -> str:
    names = ", ".join(field.name for field in fields)
    return (
        f"{column.model._meta.label}.{column.name} cannot change alone: {names} is bound to it and would open no more; "
        f"change it on the object and save() it whole, or with update_fields that name {names} too"
    )
