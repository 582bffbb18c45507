"""A new password of a user, seen where it is saved: the vault's slot changes in the same transaction.

``set_password`` leaves the password on the object until `save` has written its hash. Where the user's key is at hand
the user key is wrapped under it; where it is not (a reset by mail, the admin, ``changepassword``) the old slot stays,
and the vault is locked until its owner comes with the recovery code or the old password.
"""

from __future__ import annotations

import logging
from functools import wraps

from django.db import router, transaction
from django.views.decorators.debug import sensitive_variables

from strongroom.django.user_vaults import vaults
from strongroom.django.user_vaults.current import in_use
from strongroom.django.user_vaults.locked import KeyUnavailable
from strongroom.django.user_vaults.pressure import password_work
from strongroom.django.user_vaults.requests import RequestVault
from strongroom.errors import NotFound, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from strongroom.django.user_vaults.models import VaultSlot
    from strongroom.django.user_vaults.unlocked import UnlockedVault

_log = logging.getLogger("strongroom.django")


def watch(model: Any) -> None:
    """Have each save of *model* looked at, once.

    Not by signals: with auto-commit `pre_save` comes before the transaction of a save, and `post_save` after it.
    """
    before = model.save_base
    if getattr(before, "watches", False):
        return

    @wraps(before)
    @sensitive_variables("password")  # type: ignore[untyped-decorator]
    def save_base(self: Any, *args: Any, **options: Any) -> None:
        password = getattr(self, "_password", None)
        unlocked = _at_hand(self) if password is not None and _writes(options) else None
        if unlocked is None or password is None:
            before(self, *args, **options)
            return
        # The derivation comes first: no row is held while it takes its time.
        with password_work(None, self.get_username()) as attempt:
            slot = vaults.new_password_slot(self, unlocked, password)
            attempt.succeeded()
        using = options.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using), transaction.atomic(using=vaults.alias(self)):
            before(self, *args, **options)
            _put(self, unlocked, slot)
        handle = in_use.get()
        if isinstance(handle, RequestVault):
            handle.bound_anew()

    save_base.watches = True  # type: ignore[attr-defined]
    model.save_base = save_base


def _put(user: Any, unlocked: UnlockedVault, slot: VaultSlot) -> None:
    """Change the slot; a vault that somebody has tampered with does not keep its owner from a new password."""
    try:
        with transaction.atomic(using=vaults.alias(user)):
            vaults.put_password_slot(user, unlocked, slot)
    except (NotFound, Tampered) as error:
        _log.error("the user vault of user %s stays under the old password: %s", user.pk, error.message)


def _writes(options: dict[str, Any]) -> bool:
    fields = options.get("update_fields")
    return not options.get("raw") and (fields is None or "password" in fields)


def _at_hand(user: Any) -> UnlockedVault | None:
    handle = in_use.get()
    if handle is None or user.pk is None:
        return None
    try:
        unlocked = handle.unlocked()
    except KeyUnavailable:
        return None
    return unlocked if unlocked.user == str(user.pk) else None
