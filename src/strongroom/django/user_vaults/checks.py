"""What a model may not say of a field under its owner's key."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from strongroom.django.user_vaults.fields import UserEncryptedField


def check_settings(**_options: Any) -> list[checks.CheckMessage]:
    """Whether what the settings say of user vaults can be used."""
    from strongroom.django.user_vaults import escrow, options

    found: list[checks.CheckMessage] = []
    for ask in (options.profile, escrow.public_key):
        try:
            ask()
        except ImproperlyConfigured as error:
            found.append(checks.Error(str(error), id="strongroom.E125"))
    return found


def check_owner(field: UserEncryptedField) -> Iterator[checks.CheckMessage]:
    """Whether *owner* is a foreign key to the primary key of the project's users."""
    try:
        column: Any = field.model._meta.get_field(field.owner)
    except FieldDoesNotExist:
        return  # `bind` says it already
    remote = column.remote_field
    model: Any = remote.model if remote is not None else None
    is_user = isinstance(model, type) and model._meta.label_lower == settings.AUTH_USER_MODEL.lower()  # type: ignore[attr-defined]
    if not is_user or not column.target_field.primary_key or column.null:
        yield checks.Error(
            f"owner={field.owner!r} does not say whose vault it is",
            hint="name a ForeignKey(settings.AUTH_USER_MODEL) to the primary key, without null=True",
            obj=field,
            id="strongroom.E020",
        )
