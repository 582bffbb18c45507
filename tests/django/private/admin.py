"""Log-ins in the admin."""

from __future__ import annotations

from django.contrib import admin

from strongroom.django.admin import MaskedAdmin
from tests.django.private.models import Login


@admin.register(Login)
class LoginAdmin(MaskedAdmin, admin.ModelAdmin):
    """Masked."""

    list_display = ("label", "password")
