"""Encrypted fields in Django's admin: masked everywhere, and shown by a button that asks and remembers.

    from strongroom.django.admin import MaskedAdmin

    @admin.register(Account)
    class AccountAdmin(MaskedAdmin, admin.ModelAdmin):
        list_display = ["label", "password"]

Forms are masked by themselves (`strongroom.django.forms`); this adds lists and read-only fields, which would show the
value, and the button. Who may press it has the permission ``reveal_account`` beside that to view the object; each
time is an entry in the object's history and a line of the log ``strongroom.django``, written before the value is shown.
"""

from __future__ import annotations

import logging

from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import NotRelationField, get_fields_from_path, quote, unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import router, transaction
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from strongroom.django.forms import MASK, Hidden, MaskedInput
from strongroom.django.guards import encrypted_fields
from strongroom.django.permissions import reveal_codename
from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db import models
    from django.http import HttpRequest, HttpResponse

_log = logging.getLogger("strongroom.django")


class MaskedFields(BaseModelAdmin):  # type: ignore[misc]  # Django carries no types
    """For inlines; `MaskedAdmin` has it already."""

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Sequence[Any]:
        """As Django's, with masks for encrypted fields, and for those that this user may not change."""
        said = list(super().get_readonly_fields(request, obj))
        if not self._may_write(request, obj):
            said += [one.name for one in encrypted_fields(self.model) if one.name not in said]
        return [self._masked(name, request) for name in said]

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[tuple[Any, dict[str, Any]]]:
        """As Django's; an encrypted field that nobody may change here stands as its mask."""
        masked = {one.__name__ for one in self.get_readonly_fields(request, obj) if isinstance(one, _Mask)}

        def shown(names: Sequence[Any]) -> list[Any]:
            found = [shown(name) if isinstance(name, list | tuple) else mask(name) for name in names]
            # Once: without `fields`, Django lists what is read-only beside what the form would have.
            return [name for place, name in enumerate(found) if name not in found[:place]]

        def mask(name: Any) -> Any:
            return self._masked(name, request) if name in masked else name

        fieldsets = super().get_fieldsets(request, obj)
        return [(title, {**options, "fields": shown(options["fields"])}) for title, options in fieldsets]

    def _may_write(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is not None:
            # Not by the permission to add: an inline shows the rows that are there by the same fields.
            return bool(self.has_change_permission(request, obj))
        # An inline is asked about the object that it belongs to.
        about = (obj,) if isinstance(self, admin.options.InlineModelAdmin) else ()
        return bool(self.has_add_permission(request, *about))

    def _masked(self, name: Any, request: HttpRequest) -> Any:
        """A column of the admin that stands for the encrypted field *name*; anything else as it is."""
        if (behind := encrypted_behind(self.model, name)) is not None:
            return self.__dict__.setdefault("_masks", {}).setdefault(name, _Behind(behind, name))
        field = next((one for one in encrypted_fields(self.model) if one.name == name), None)
        if field is None:
            return name
        owner = self.admin_site._registry.get(self.model)
        may = isinstance(owner, MaskedAdmin) and owner.has_reveal_permission(request)
        # The same object each time: Django compares what is read-only with what is in the form.
        masks = self.__dict__.setdefault("_masks", {})
        return masks.setdefault((name, may), _Mask(self.admin_site, field, may))


class MaskedAdmin(MaskedFields):
    """Mixed in front of ``admin.ModelAdmin``."""

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        """As Django's, with masks for encrypted fields."""
        return [self._masked(name, request) for name in super().get_list_display(request)]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, obj: Any = None, **options: Any
    ) -> Any:
        """As Django's, with the button beside what may be changed."""
        if obj is not None and self.has_reveal_permission(request, obj):
            for name, field in context["adminform"].form.fields.items():
                if isinstance(field.widget, MaskedInput):
                    field.widget.reveal_url = _reveal_url(self.admin_site, obj, name)
        return super().render_change_form(request, context, *arguments, obj=obj, **options)

    def get_urls(self) -> list[Any]:
        """As Django's, and the page behind the button."""
        name = _url_name(self.opts)
        view = self.admin_site.admin_view(self.reveal_view)
        return [path("<path:object_id>/reveal/<str:name>/", view, name=name), *super().get_urls()]

    def has_reveal_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether this user may see values of *obj*; override it to ask for more."""
        codename = f"{self.opts.app_label}.{reveal_codename(self.opts)}"
        return self.has_view_permission(request, obj) and bool(request.user.has_perm(codename))

    @method_decorator((never_cache, csrf_protect))  # type: ignore[untyped-decorator]
    def reveal_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask; then write the entry and show the value.

        Raises:
            PermissionDenied: this user may not.
            Http404: no such object or encrypted field.
        """
        field = next((one for one in encrypted_fields(self.model) if one.name == name), None)
        if field is None:
            raise Http404
        # Not self.get_object(): what does not decrypt shall not keep the others from being seen.
        obj = self._find(request, object_id, field)
        if obj is None:
            raise Http404
        if not self.has_reveal_permission(request, obj):
            raise PermissionDenied
        value, failure = None, ""
        if request.method == "POST":
            with transaction.atomic(using=router.db_for_write(admin.models.LogEntry)):
                self.log_change(request, obj, f"Revealed {field.verbose_name}.")
            _log.warning("user %s revealed %s of the row %s", request.user.pk, field.where, obj.pk)
            try:
                found = getattr(obj, field.attname)
                value = Hidden(found.reveal() if field.keys_of_users and found is not None else found)
            except StrongroomError as error:
                failure = str(error)
        change = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": obj, "field": field,
            "title": _("Reveal %s") % field.verbose_name, "value": value, "failure": failure,
            "back": reverse(change, args=[quote(obj.pk)]),
        }  # fmt: skip
        response = TemplateResponse(request, "admin/strongroom/reveal.html", context)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _find(self, request: HttpRequest, object_id: str, field: Any) -> models.Model | None:
        names = [one.name for one in encrypted_fields(self.model)]
        rows = self.get_queryset(request).defer(*names)
        try:
            found: models.Model = rows.get(pk=self.opts.pk.to_python(unquote(object_id)))
        except (self.model.DoesNotExist, ValueError, TypeError):
            return None
        except Exception as error:
            if type(error).__name__ == "ValidationError":
                return None
            raise
        return found


class _Mask:
    """What stands for an encrypted field in lists and read-only forms: a mask, and the button.

    Django calls it with an object and shows what it returns.
    """

    def __init__(self, site: admin.AdminSite, field: Any, may_reveal: bool) -> None:
        self._site = site
        self._field = field
        self._may_reveal = may_reveal
        self.short_description = field.verbose_name
        self.__name__ = field.name

    def __call__(self, obj: models.Model) -> str:
        """The mask; a dash where nothing is stored."""
        if obj.__dict__.get(self._field.attname, MASK) is None:
            return "-"
        if not self._may_reveal:
            return MASK
        where = _reveal_url(self._site, obj, self._field.name)
        return str(format_html('{} <a href="{}">{}</a>', MASK, where, _("Reveal")))


class _Behind:
    """What stands in a list for an encrypted field of another model, such as ``account__password``: a mask alone."""

    def __init__(self, field: Any, path: str) -> None:
        self.short_description = field.verbose_name
        self.__name__ = path

    def __call__(self, _obj: models.Model) -> str:
        """The mask, whether or not something is stored."""
        return MASK


def encrypted_behind(model: type[models.Model], name: object) -> Any:
    """The encrypted field that *name* leads to over a relation of *model*; None for any other name."""
    if not isinstance(name, str) or LOOKUP_SEP not in name:
        return None
    try:
        field = get_fields_from_path(model, name)[-1]
    except (FieldDoesNotExist, NotRelationField):
        return None
    return field if field in encrypted_fields(field.model) else None


def _reveal_url(site: admin.AdminSite, obj: models.Model, name: str) -> str:
    return str(reverse(f"{site.name}:{_url_name(obj._meta)}", args=[quote(obj.pk), name]))


def _url_name(opts: Any) -> str:
    return f"{opts.app_label}_{opts.model_name}_reveal"
