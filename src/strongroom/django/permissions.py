"""The permission to see values of encrypted fields in the admin: ``reveal_account`` beside ``view_account``.

It is made after each ``migrate``, as Django makes its own four, and needs no migration of the project's.
"""

from __future__ import annotations

from django.apps import apps as every_app
from django.db import router

from strongroom.django.guards import encrypted_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def reveal_codename(opts: Any) -> str:
    """The permission's code name for a model."""
    return f"reveal_{opts.model_name}"


def create_permissions(app_config: Any, using: str, apps: Any = every_app, **_signal: object) -> None:
    """Make the permissions of one app's models that are missing; nothing without ``django.contrib.auth``."""
    if not every_app.is_installed("django.contrib.auth"):
        return
    # The app's own models: those of a migration have no field classes that could be asked.
    models = [model for model in app_config.get_models() if encrypted_fields(model)]
    permission, content_type = apps.get_model("auth", "Permission"), apps.get_model("contenttypes", "ContentType")
    if not models or not router.allow_migrate_model(using, permission):
        return
    for model in models:
        opts = model._meta
        kind, _ = content_type.objects.db_manager(using).get_or_create(
            app_label=opts.app_label, model=opts.model_name
        )  # fmt: skip
        permission.objects.db_manager(using).get_or_create(
            content_type=kind,
            codename=reveal_codename(opts),
            defaults={"name": f"Can reveal {opts.verbose_name_raw}"[:255]},
        )
