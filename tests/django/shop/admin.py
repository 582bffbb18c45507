"""The shop's admin: masked, and one that is plain for comparison."""

from __future__ import annotations

from django.contrib import admin

from strongroom.django.admin import MaskedAdmin, MaskedFields
from tests.django.shop.models import Account, Person, Plain


class PersonInline(MaskedFields, admin.TabularInline):
    """People of an account."""

    model = Person
    extra = 0
    readonly_fields = ("number",)


@admin.register(Account)
class AccountAdmin(MaskedAdmin, admin.ModelAdmin):
    """Encrypted."""

    list_display = ("label", "password", "note")
    readonly_fields = ("note",)
    inlines = (PersonInline,)


@admin.register(Plain)
class PlainAdmin(admin.ModelAdmin):
    """What the same shows without."""

    list_display = ("label", "password")
