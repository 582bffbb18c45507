"""What happens to a user's vault when its owner logs in and out."""

from __future__ import annotations

import logging

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from strongroom.django.user_vaults import vaults
from strongroom.django.user_vaults.requests import attach, detached
from strongroom.errors import NotFound, StrongroomError, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from strongroom.django.user_vaults.unlocked import UnlockedVault
    from strongroom.secret import SecretStr

_log = logging.getLogger("strongroom.django")


@sensitive_variables("password")  # type: ignore[untyped-decorator]
def open_at_login(user: Any, password: str | SecretStr) -> None:
    """Open the vault of *user*, who has just proved to know *password*, or make it; leave it on the user.

    A vault that this password does not open stays locked: it was set without the old one, and the recovery page helps.
    One whose rows were changed stays locked too, and the log says so; the log-in itself is Django's to decide.
    """
    try:
        attach(user, _opened(user, password))
    except WrongKey:
        _log.info("the user vault of user %s does not open with the password of the log-in", user.pk)
    except ValueError:
        _log.warning("the password of user %s cannot open a vault: too long, or with a NUL", user.pk)
    except (StrongroomError, ImproperlyConfigured) as error:
        # Without the escrow that the settings name no vault is made, and the site is not shut either: a check says it.
        _log.error("the user vault of user %s does not open: %s", user.pk, error)


def logged_in(sender: object, request: Any, user: Any, **_signal: object) -> None:
    """Put what the backend opened into the session of *request*."""
    vault = getattr(request, "user_vault", None)
    if vault is not None:
        vault.logged_in(user)
        return
    attached = detached(user)
    if attached is not None:
        attached.wipe()


def logged_out(sender: object, request: Any, user: Any, **_signal: object) -> None:
    """Drop the key."""
    vault = getattr(request, "user_vault", None)
    if vault is not None:
        vault.forget()


def _opened(user: Any, password: str | SecretStr) -> UnlockedVault:
    try:
        unlocked = vaults.open_with_password(user, password)
    except NotFound:
        return vaults.create(user, password)
    try:
        vaults.keep_up(user, unlocked, password)
    except ImproperlyConfigured as error:
        # A check says it too; who has a vault goes on with it as it is.
        _log.error("the user vault of user %s is not kept up: %s", user.pk, error)
    except BaseException:
        unlocked.wipe()
        raise
    return unlocked
