"""The app: it holds the keys of this process, and looks at every save on its way."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.signals import setting_changed
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, post_save, pre_migrate, pre_save

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.django.keys import FieldKeys


class StrongroomConfig(AppConfig):  # type: ignore[misc]  # Django carries no types
    """``INSTALLED_APPS = [..., "strongroom.django"]``

    Attributes:
        field_keys: opened when the first value is read or written; `strongroom.django.keys` has the way there.
    """

    name = "strongroom.django"
    label = "strongroom"
    verbose_name = "strongroom"
    field_keys: FieldKeys | None = None

    def ready(self) -> None:
        """Connect what has to see each save, and the checks."""
        from strongroom.django import (
            canary,
            checks,
            dumps,
            guards,
            leak_checks,
            permissions,
            plans,
            querysets,
            statements,
        )
        from strongroom.django.keys import forget

        pre_save.connect(dumps.before_save, dispatch_uid="strongroom.open_fixture")
        pre_save.connect(guards.before_save, dispatch_uid="strongroom.before_save")
        post_save.connect(guards.after_save, dispatch_uid="strongroom.after_save")
        setting_changed.connect(forget, dispatch_uid="strongroom.forget")
        connection_created.connect(canary.look_once, dispatch_uid="strongroom.look_once")
        pre_migrate.connect(plans.before_migrate, dispatch_uid="strongroom.before_migrate")
        post_migrate.connect(permissions.create_permissions, dispatch_uid="strongroom.create_permissions")
        querysets.install()
        statements.install()
        checks.register()
        leak_checks.register()
