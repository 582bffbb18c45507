"""System checks for what is about an encrypted field and not in it: its admin, error pages, the order of its rows."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from strongroom.django.guards import encrypted_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_REPORTER = "strongroom.django.reports.ExceptionReporter"


def register() -> None:
    """Have Django run these checks."""
    checks.register(check_admin, checks.Tags.admin)
    checks.register(check_reporter, checks.Tags.security)
    checks.register(check_ordering, checks.Tags.models)


def check_admin(**_options: Any) -> list[checks.CheckMessage]:
    """Each admin of a model with encrypted fields masks them (E110), and filters or edits no list by them (E111)."""
    if not apps.is_installed("django.contrib.admin"):
        return []
    from django.contrib.admin.sites import all_sites

    found: list[checks.CheckMessage] = []
    for site in all_sites:
        for model, model_admin in site._registry.items():
            found += _check_one(model, model_admin, "MaskedAdmin")
            for inline in model_admin.inlines:
                found += _check_one(inline.model, inline(model, site), "MaskedFields")
    return found


def _check_one(model: Any, model_admin: Any, mixin: str) -> Iterator[checks.CheckMessage]:
    from strongroom.django import admin

    if not isinstance(model_admin, admin.MaskedAdmin):
        for name in getattr(model_admin, "list_display", ()):
            if admin.encrypted_behind(model, name) is not None:
                yield checks.Error(
                    f"list_display of {type(model_admin).__name__} would show {name}, which is encrypted",
                    hint=f"class {type(model_admin).__name__}(strongroom.django.admin.MaskedAdmin, ...)",
                    obj=type(model_admin),
                    id="strongroom.E110",
                )
    names = {field.name for field in encrypted_fields(model)}
    if not names:
        return
    if not isinstance(model_admin, getattr(admin, mixin)):
        yield checks.Error(
            f"{type(model_admin).__name__} would show the encrypted fields of {model._meta.label}",
            hint=f"class {type(model_admin).__name__}(strongroom.django.admin.{mixin}, ...)",
            obj=type(model_admin),
            id="strongroom.E110",
        )
    for option in ("list_filter", "list_editable", "date_hierarchy"):
        said = getattr(model_admin, option, None) or ()
        for one in (said,) if isinstance(said, str) else said:
            name = one[0] if isinstance(one, list | tuple) else one
            if name in names:
                yield checks.Error(
                    f"{option} names {name}, which is encrypted", obj=type(model_admin), id="strongroom.E111"
                )


def check_reporter(**_options: Any) -> list[checks.CheckMessage]:
    """Error pages and mails to admins are masked (W112)."""
    from strongroom.django.reports import ExceptionReporter

    if not any(map(encrypted_fields, apps.get_models())):
        return []
    if issubclass(import_string(settings.DEFAULT_EXCEPTION_REPORTER), ExceptionReporter):
        return []
    return [
        checks.Warning(
            "error pages and mails to admins may show values of encrypted fields",
            hint=f'DEFAULT_EXCEPTION_REPORTER = "{_REPORTER}"',
            id="strongroom.W112",
        )
    ]


def check_ordering(**_options: Any) -> list[checks.CheckMessage]:
    """No model sorts its rows by ciphertext (E113): each of its queries would raise FieldError."""
    return [
        checks.Error(f"Meta.ordering names {name}, which is encrypted", obj=model, id="strongroom.E113")
        for model in apps.get_models()
        for name in model._meta.ordering
        if isinstance(name, str) and name.lstrip("-") in {field.name for field in encrypted_fields(model)}
    ]
