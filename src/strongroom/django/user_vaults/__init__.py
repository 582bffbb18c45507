"""Vaults under each user's own password: values that the site cannot read while their owner is away.

    INSTALLED_APPS = [..., "strongroom.django", "strongroom.django.user_vaults"]
    MIDDLEWARE = [..., "strongroom.django.user_vaults.middleware.UserVaultMiddleware"]  # after authentication
    AUTHENTICATION_BACKENDS = ["strongroom.django.user_vaults.backends.UserVaultBackend"]
    urlpatterns = [path("vault/", include("strongroom.django.user_vaults.urls")), ...]

    class Account(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        owner = models.ForeignKey(User, on_delete=models.CASCADE)
        password = UserEncryptedTextField(owner="owner")

Nothing is imported before it is asked for: a settings module may import this package before Django is set up.
Source: docs/format.md#user-vaults; docs/django-user-vaults.md.
"""

from __future__ import annotations

from strongroom.django.late import late_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.django.user_vaults.fields import (
        UserEncryptedCharField,
        UserEncryptedJSONField,
        UserEncryptedTextField,
    )
    from strongroom.django.user_vaults.handle import UserVaultHandle, user_vault, user_vault_given_up
    from strongroom.django.user_vaults.locked import KeyUnavailable, LockedValue

_HOMES = {
    "strongroom.django.user_vaults.fields": "UserEncryptedCharField UserEncryptedJSONField UserEncryptedTextField",
    "strongroom.django.user_vaults.handle": "UserVaultHandle user_vault user_vault_given_up",
    "strongroom.django.user_vaults.locked": "KeyUnavailable LockedValue",
}

__all__ = [
    "KeyUnavailable",
    "LockedValue",
    "UserEncryptedCharField",
    "UserEncryptedJSONField",
    "UserEncryptedTextField",
    "UserVaultHandle",
    "user_vault",
    "user_vault_given_up",
]

__getattr__, __dir__ = late_names(globals(), _HOMES)
