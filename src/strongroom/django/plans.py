"""Looks through what ``manage.py migrate`` is about to do, before it begins.

An ``AlterField`` between a plain and an encrypted field changes the column and not its values: what was
plaintext would stay, and every read would refuse it. `makemigrations` writes one, as it knows no better.
"""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db.migrations import operations

from strongroom.django.fields.base import EncryptedField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.db import models

    Fields = dict[tuple[str, str, str], models.Field]


def before_migrate(*, plan: list[tuple[Any, bool]] | None = None, apps: Any = None, **_signal: object) -> None:
    """Refuse a plan that would leave values as they are in a column that changes its kind.

    Args:
        plan: migrations, and whether each is undone.
        apps: the models as they are before.

    Raises: CommandError: with the migration and the operation to put in place.
    """
    steps = [migration for migration, is_backwards in plan or [] if not is_backwards]
    if not steps:
        return
    fields: Fields = {}
    for model in apps.get_models() if apps is not None else ():
        for field in model._meta.local_fields:
            fields[model._meta.app_label, model._meta.model_name, field.name] = field
    for migration in steps:
        for operation in migration.operations:
            _follow(migration, operation, fields)


def _follow(migration: Any, operation: Any, fields: Fields) -> None:
    label = migration.app_label
    if isinstance(operation, operations.CreateModel):
        for name, field in operation.fields:
            fields[label, operation.name_lower, name] = field
    elif isinstance(operation, operations.RenameModel):
        for key in [key for key in fields if key[:2] == (label, operation.old_name_lower)]:
            fields[label, operation.new_name_lower, key[2]] = fields.pop(key)
    elif isinstance(operation, operations.RenameField):
        before = fields.pop((label, operation.model_name_lower, operation.old_name), None)
        if before is not None:
            fields[label, operation.model_name_lower, operation.new_name] = before
    elif hasattr(operation, "model_name") and hasattr(operation, "field"):
        key = (label, operation.model_name.lower(), operation.name)
        before, after = fields.get(key), operation.field
        fields[key] = after
        if isinstance(operation, operations.AlterField) and before is not None and _needs_moving(before, after):
            raise CommandError(
                f"{migration}: AlterField would leave the values of {label}.{operation.model_name}.{operation.name} as "
                "they are; put strongroom.django.EncryptField with the same arguments in its place, and atomic = False "
                "into the migration"
            )


def _needs_moving(before: models.Field, after: models.Field) -> bool:
    if isinstance(before, EncryptedField) and isinstance(after, EncryptedField):
        said = ("kind", "bind", "searchable", "normalize", "keys_of_users")
        return any(getattr(before, one) != getattr(after, one) for one in said)
    return isinstance(before, EncryptedField) or isinstance(after, EncryptedField)
