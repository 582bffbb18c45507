"""What a model may not say of an encrypted field, found before the first row is written."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models

from strongroom.django.rows import NotBindable, spelling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from strongroom.django.fields.base import EncryptedField


_LOOSE = ("nocase", "rtrim")
"""SQLite's collations that take different texts for equal."""


def check_field(field: EncryptedField, databases: Sequence[str] = ()) -> list[checks.CheckMessage]:
    """All that is wrong with *field* in its model.

    Args:
        databases: which may be asked about their collations.
    """
    found = [*_options(field), *_primary_key(field), *_bound(field), *_not_bound(field), *_meta(field)]
    return found or [*_collations(field, databases)]


def _error(field: EncryptedField, number: int, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, obj=field, id=f"strongroom.E{number:03}")


def _options(field: EncryptedField) -> Iterator[checks.CheckMessage]:
    blind = "searchable=True adds an index for exact and in"
    refused = {
        "primary_key": (field.primary_key, "take a UUID, and keep the value in another column"),
        "unique": (field._unique, "equal values have different ciphertexts; check for one with searchable=True"),
        "db_index": (field.db_index, blind),
        "unique_for_date": (field.unique_for_date, blind),
        "unique_for_month": (field.unique_for_month, blind),
        "unique_for_year": (field.unique_for_year, blind),
        "db_default": (field.has_db_default(), "the database cannot encrypt; say default="),
        "db_collation": (getattr(field, "db_collation", None), "the column holds bytes"),
    }
    for option, (is_set, hint) in refused.items():
        if is_set:
            yield _error(field, 1, f"{option} says nothing of a column of ciphertext", hint)
    if field.searchable and isinstance(field, models.JSONField | models.BooleanField):
        yield _error(field, 2, "values of this type cannot be searchable", "search by a value with one spelling")
    if field.bound_as is not None and not all(field.bound_as.rpartition(".")[::2]):
        yield _error(field, 3, f"bound_as={field.bound_as!r} is no table and column", 'bound_as="table.column"')


def _primary_key(field: EncryptedField) -> Iterator[checks.CheckMessage]:
    hint = (
        "id = models.UUIDField(primary_key=True, default=uuid.uuid4), or in a table that has integers already "
        "id = models.BigIntegerField(primary_key=True, default=strongroom.django.random_key)"
    )
    for key in field.model._meta.pk_fields:
        if isinstance(key, models.AutoField | models.SmallAutoField | models.BigAutoField) or key.has_db_default():
            yield _error(field, 4, f"the key {key.name} is known only after the insert, too late to bind to it", hint)
        else:
            yield from _spelled(field, key)


def _spelled(field: EncryptedField, column: models.Field) -> Iterator[checks.CheckMessage]:
    try:
        spelling(column)
    except NotBindable as error:
        yield _error(field, 5, f"{column.name} is a {error}", "bind to an id")


def _collations(field: EncryptedField, databases: Sequence[str]) -> Iterator[checks.CheckMessage]:
    """A row is found by the column's own idea of equal, and opens by its bytes."""
    for column in field.row.fields:
        target = column
        while target.is_relation:
            target = target.target_field
        name = getattr(target, "db_collation", None)
        if name and (name.lower() in _LOOSE or any(_is_loose(name, alias) for alias in databases)):
            yield _error(
                field, 11, f"the collation {name} of {column.name} takes different texts for equal: saving an object "
                "would write its value into a row that spells itself otherwise, where it opens no more",
                "leave db_collation out, and look up with Lower() or __iexact",
            )  # fmt: skip


def _is_loose(collation: str, alias: str) -> bool:
    """Whether PostgreSQL knows *collation* as one that compares more than bytes."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_collation WHERE collname = %s AND NOT collisdeterministic", [collation])
        return cursor.fetchone() is not None


def _bound(field: EncryptedField) -> Iterator[checks.CheckMessage]:
    meta = field.model._meta
    for name in field.bind:
        try:
            column = meta.get_field(name)
        except FieldDoesNotExist:
            yield _error(field, 6, f"bind names {name}, and there is no such field", "name fields of the same model")
            continue
        if column not in meta.local_concrete_fields or column.primary_key:
            yield _error(field, 6, f"bind names {name}, which is no column of this table or its key", "leave it out")
            continue
        yield from _spelled(field, column)
        on_delete = getattr(column.remote_field, "on_delete", None)
        if getattr(on_delete, "__name__", "") in ("SET_NULL", "SET_DEFAULT", "set_on_delete", "DB_SET_NULL"):
            yield _error(
                field, 7, f"deleting what {name} names would change it, and the value would open no more",
                "on_delete=models.CASCADE or models.PROTECT",
            )  # fmt: skip


def _not_bound(field: EncryptedField) -> Iterator[checks.CheckMessage]:
    for column in field.model._meta.local_concrete_fields:
        remote: Any = column.remote_field
        model: Any = remote.model if remote is not None else None
        is_user = isinstance(model, type) and model._meta.label_lower == settings.AUTH_USER_MODEL.lower()  # type: ignore[attr-defined]
        is_said = column.name in field.bind or column.primary_key or field.not_bound.get(column.name)
        if is_user and not is_said:
            yield _error(
                field, 8, f"{column.name} is a user, and the value is not bound to it: with another user in that "
                "column it would be handed to that one",
                f'bind=("{column.name}",), or not_bound={{"{column.name}": "why not"}}',
            )  # fmt: skip


def _meta(field: EncryptedField) -> Iterator[checks.CheckMessage]:
    meta = field.model._meta
    hint = "the database sees ciphertext, which has no order and is never equal"
    if any(isinstance(one, str) and one.lstrip("-") == field.name for one in meta.ordering or ()):
        yield _error(field, 9, "Meta.ordering names an encrypted field", hint)
    named = [
        ("unique_together", [name for together in meta.unique_together for name in together]),
        ("constraints", [name for one in meta.constraints for name in getattr(one, "fields", ())]),
        ("indexes", [name for one in meta.indexes for name in one.fields]),
    ]
    for where, names in named:
        if field.name in names:
            yield _error(field, 10, f"Meta.{where} names an encrypted field", hint)
