"""The app's name."""

from django.apps import AppConfig


class AlbumsConfig(AppConfig):
    """``INSTALLED_APPS = ["albums", ...]``"""

    name = "albums"
    default_auto_field = "django.db.models.BigAutoField"
