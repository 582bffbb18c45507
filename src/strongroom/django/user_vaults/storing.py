"""Values on their way into the database, under a vault that cannot be given up before they are there.

A request has the key of its vault for as long as it lasts, and another one may give the vault up meanwhile: what were
stored under that key then would never open again, and nobody would have heard of it.
"""

from __future__ import annotations

from functools import wraps

from django.db import connections, router, transaction
from django.db.models import F

from strongroom.django.user_vaults.current import in_use
from strongroom.django.user_vaults.locked import KeyUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from django.db import models

    from strongroom.django.user_vaults.fields import UserEncryptedField


def watch(model: type[models.Model]) -> None:
    """Have each save of *model* encrypt its values first, and hold the vault until they are committed; once."""
    before = model.save_base
    if getattr(before, "holds", False):
        return

    @wraps(before)
    def save_base(self: models.Model, *args: Any, **options: Any) -> None:
        fields = [] if options.get("raw") else _written(self, options.get("update_fields"))
        if not is_any_fresh(self, fields):
            before(self, *args, **options)
            return
        using = options.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using), transaction.atomic(using=_alias()):
            # The vault first: an object whose value is locked under one that has gone would be saved next time.
            hold()
            for field in fields:
                field.lock(self)
            before(self, *args, **options)

    save_base.holds = True  # type: ignore[attr-defined]
    model.save_base = save_base


def is_any_fresh(instance: models.Model, fields: Iterable[UserEncryptedField]) -> bool:
    """Whether *instance* has a value in one of *fields* that is to be encrypted."""
    return any(field.is_fresh(instance) for field in fields)


def hold() -> None:
    """Keep the vault in use from being given up until the transaction ends that is under way in its database.

    Without a vault in use nothing happens: what encrypts says so.

    Raises: KeyUnavailable: it is locked, or has been given up already.
    """
    from strongroom.django.user_vaults.models import UserVault

    handle = in_use.get()
    if handle is None:
        return
    database = connections[_alias()]
    rows = UserVault.objects.using(database.alias).filter(pk=handle.unlocked().vault_id)
    if database.features.has_select_for_update:
        rows = rows.select_for_update(no_key=database.features.has_select_for_no_key_update)
        is_there = bool(list(rows.values_list("pk", flat=True)))
    else:
        # SQLite knows no lock of a row, and who reads before he writes may have to start again.
        is_there = bool(rows.update(generation=F("generation")))
    if not is_there:
        raise KeyUnavailable(
            "the user vault was given up: nothing can be stored in it", reason="locked", advice="log in once more"
        )


def _alias() -> str:
    # The models that this module looks after are made before those of the vaults may be.
    from strongroom.django.user_vaults import vaults

    handle = in_use.get()
    return vaults.alias(None if handle is None else handle.user)


def _written(instance: models.Model, update_fields: Any) -> list[UserEncryptedField]:
    return [
        field
        for field in instance._meta.concrete_fields
        if getattr(field, "keys_of_users", False)
        and field.attname in instance.__dict__
        and (update_fields is None or field.name in update_fields)
    ]
