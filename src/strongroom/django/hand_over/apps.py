"""The app of its own, for those who want its table."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class HandOverConfig(AppConfig):  # type: ignore[misc]  # Django carries no types
    """``INSTALLED_APPS = [..., "strongroom.django.hand_over"]``"""

    name = "strongroom.django.hand_over"
    label = "strongroom_hand_over"
    verbose_name = "credentials handed over"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A row that goes, as with its user, takes its credential with it."""
        from strongroom.django.hand_over.deposits import before_delete

        pre_delete.connect(before_delete, sender="strongroom_hand_over.HandedOver", dispatch_uid="strongroom.withdraw")
