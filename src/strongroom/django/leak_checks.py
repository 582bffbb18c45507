"""System checks for what is about an encrypted field and not in it: its admin, error pages, the order of its rows."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP
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
    """Each admin of a model with encrypted fields masks them (E110); none filters, edits or searches by them (E111)."""
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
    yield from _searches(model, model_admin)
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


def _searches(model: Any, model_admin: Any) -> Iterator[checks.CheckMessage]:
    """What its search would ask of ciphertext: each search of a visitor's would be a FieldError."""
    for said in map(str, getattr(model_admin, "search_fields", ())):
        found = _encrypted_on(model, said.removeprefix(said[:1] if said[:1] in "^=@" else ""))
        if found is None:
            continue
        field, lookup = found
        # Of other types Django makes text first, in the database.
        is_text = isinstance(field, models.CharField | models.TextField)
        if not (field.searchable and is_text and lookup == "exact" and said[0] not in "^=@"):
            yield checks.Error(
                f"search_fields names {said}, which is encrypted",
                hint=f"{field.name}__exact finds whole values of text fields with searchable=True",
                obj=type(model_admin), id="strongroom.E111",
            )  # fmt: skip


def _encrypted_on(model: Any, path: str) -> tuple[Any, str] | None:
    """The encrypted field that *path* leads to over relations of *model*, and the look-up behind it."""
    meta, parts = model._meta, path.split(LOOKUP_SEP)
    for place, part in enumerate(parts):
        try:
            field = meta.get_field(part)
        except FieldDoesNotExist:
            return None
        if field in encrypted_fields(meta.model):
            return field, LOOKUP_SEP.join(parts[place + 1 :])
        if not field.is_relation:
            return None
        meta = field.related_model._meta
    return None


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
