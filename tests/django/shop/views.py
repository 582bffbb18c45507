"""Views that fail with values at hand, each in another way."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models

from tests.django.shop.models import Account, Plain


def form_of(kind: type[models.Model]) -> type[forms.ModelForm]:
    """A form with the password."""
    return forms.modelform_factory(kind, fields=["label", "password"])


def fails(request: Any, how: str) -> Any:
    """``WAY-MODEL``: the value is in an object, a variable, a list of values, a form, arguments, or the message."""
    way, _, model = how.partition("-")
    kind: Any = {"account": Account, "plain": Plain}[model]
    row = kind.objects.get(label="bank")
    if way == "object":
        computed = row.password
        return fail(computed)
    if way == "values":
        rows = list(kind.objects.values("label", "password"))
        return fail(rows)
    if way == "queryset":
        found = kind.objects.values_list("password", flat=True)
        return fail(found)
    if way == "form":
        form = form_of(kind)(request.POST, instance=row)
        form.is_valid()
        return fail(form.cleaned_data)
    if way == "create":
        return kind.objects.create(id=row.pk, owner=row.owner, label="again", password=row.password)
    if way == "message":
        raise RuntimeError(f"could not log in with {row.password}")
    return fail(request)


def fail(something: object) -> Any:
    """Raise, with *something* at hand."""
    raise RuntimeError("it failed")
