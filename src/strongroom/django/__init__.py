"""The Django door: fields that cannot be swapped, and what a project names in its settings.

    INSTALLED_APPS = [..., "strongroom.django"]

    class Account(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        owner = models.ForeignKey(User, on_delete=models.CASCADE)
        password = EncryptedCharField(max_length=200, bind=("owner",))

Nothing here is imported by another room, and nothing is imported before it is asked for: a
settings module may import this package before Django is set up.
"""

from __future__ import annotations

from strongroom.django.late import late_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.django.fields import (
        EncryptedBinaryField,
        EncryptedBooleanField,
        EncryptedCharField,
        EncryptedDateField,
        EncryptedDateTimeField,
        EncryptedDecimalField,
        EncryptedEmailField,
        EncryptedField,
        EncryptedIntegerField,
        EncryptedJSONField,
        EncryptedTextField,
        EncryptedURLField,
    )
    from strongroom.django.fields.searching import BlindToken
    from strongroom.django.keys import use_vault
    from strongroom.django.operations import EncryptField
    from strongroom.django.random_keys import random_key
    from strongroom.django.settings import fallbacks, secret
    from strongroom.django.updates import bulk_update, update

_HOMES = {
    "strongroom.django.fields": (
        "EncryptedBinaryField EncryptedBooleanField EncryptedCharField EncryptedDateField EncryptedDateTimeField "
        "EncryptedDecimalField EncryptedEmailField EncryptedField EncryptedIntegerField EncryptedJSONField "
        "EncryptedTextField EncryptedURLField"
    ),
    "strongroom.django.fields.searching": "BlindToken",
    "strongroom.django.keys": "use_vault",
    "strongroom.django.operations": "EncryptField",
    "strongroom.django.random_keys": "random_key",
    "strongroom.django.settings": "fallbacks secret",
    "strongroom.django.updates": "bulk_update update",
}

__all__ = [
    "BlindToken",
    "EncryptField",
    "EncryptedBinaryField",
    "EncryptedBooleanField",
    "EncryptedCharField",
    "EncryptedDateField",
    "EncryptedDateTimeField",
    "EncryptedDecimalField",
    "EncryptedEmailField",
    "EncryptedField",
    "EncryptedIntegerField",
    "EncryptedJSONField",
    "EncryptedTextField",
    "EncryptedURLField",
    "bulk_update",
    "fallbacks",
    "random_key",
    "secret",
    "update",
    "use_vault",
]

__getattr__, __dir__ = late_names(globals(), _HOMES)
