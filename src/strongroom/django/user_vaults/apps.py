"""The app: it hears of log-ins and log-outs, and sees each save of a user with a new password."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import checks as django_checks


class UserVaultsConfig(AppConfig):  # type: ignore[misc]  # Django carries no types
    """``INSTALLED_APPS = [..., "strongroom.django", "strongroom.django.user_vaults"]``"""

    name = "strongroom.django.user_vaults"
    label = "strongroom_user_vaults"
    verbose_name = "strongroom user vaults"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what has to hear of users."""
        from django.contrib.auth import get_user_model

        from strongroom.django.user_vaults import checks, login_checks, opening, password_hooks, pressure, saving

        user_logged_in.connect(opening.logged_in, dispatch_uid="strongroom.user_vault_logged_in")
        user_logged_out.connect(opening.logged_out, dispatch_uid="strongroom.user_vault_logged_out")
        saving.watch(get_user_model())
        password_hooks.install()
        pressure.connect()
        login_checks.register()
        django_checks.register(checks.check_settings)
