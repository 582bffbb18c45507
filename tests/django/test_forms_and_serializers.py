"""Django REST framework's serializers read, validate and write encrypted fields as others."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.django import project
from tests.peers import require

project.configure()

try:
    from rest_framework import serializers
except ImportError:
    require(False, "pip install djangorestframework")

from django.contrib.auth.models import User  # noqa: E402 - once Django is configured

from tests.django.shop.models import Account, Everything, Person  # noqa: E402


class AccountSerializer(serializers.ModelSerializer):
    class Meta:
        model = Account
        fields = ("id", "owner", "label", "password", "note")


class EverythingSerializer(serializers.ModelSerializer):
    class Meta:
        model = Everything
        fields = "__all__"


class PersonSerializer(serializers.ModelSerializer):
    class Meta:
        model = Person
        fields = ("id", "email", "number")


@pytest.mark.parametrize("using", ["sqlite"], indirect=True)  # serializers look for relations in the default database
def test_create_update_and_read(using: str, owner: User) -> None:
    """A serializer makes a row, changes a part of it, and gives it out."""
    made = AccountSerializer(data={"owner": owner.pk, "label": "one", "password": "first"})
    assert made.is_valid(), made.errors
    one = made.save()
    changed = AccountSerializer(one, data={"password": "second"}, partial=True)
    assert changed.is_valid(), changed.errors
    changed.save()
    again = AccountSerializer(Account.objects.get(pk=one.pk)).data
    assert again["password"] == "second"
    assert again["note"] is None
    assert again["owner"] == owner.pk


def errors(serializer: Any) -> set[str]:
    serializer.is_valid()
    return set(serializer.errors)


def test_validation(using: str) -> None:
    """Lengths, addresses, URLs and numbers are checked by what the field is."""
    assert "password" in errors(AccountSerializer(data={"password": "x" * 101}))
    assert errors(PersonSerializer(data={"id": 1, "email": "no address", "number": "no number"})) == {"email", "number"}
    assert {"url", "date", "decimal", "boolean"} <= errors(
        EverythingSerializer(data={"url": "x", "date": "x", "decimal": "1.555", "boolean": "x"})
    )


def test_kinds_of_fields(using: str) -> None:
    """Each encrypted field is served by the serializer field of its namesake."""
    kinds = {name: type(field).__name__ for name, field in EverythingSerializer().fields.items()}
    assert kinds["email"] == "EmailField"
    assert kinds["url"] == "URLField"
    assert kinds["json"] == "JSONField"
    assert kinds["integer"] == "IntegerField"
    assert kinds["decimal"] == "DecimalField"
    assert kinds["datetime"] == "DateTimeField"
    assert kinds["boolean"] in ("BooleanField", "NullBooleanField")


def test_all_types(using: str) -> None:
    """What comes in as JSON goes out as the same JSON."""
    data = {
        "char": "a", "text": "", "email": "a@example.org", "url": "https://example.org/", "json": {"a": [None, 1]},
        "integer": 0, "decimal": "1.50", "date": "2026-01-02", "datetime": "2026-01-02T03:04:05Z", "boolean": False,
    }  # fmt: skip
    data.pop("text")
    made = EverythingSerializer(data=data)
    assert made.is_valid(), made.errors
    one = Everything(**made.validated_data)
    one.save(using=using)
    again = dict(EverythingSerializer(Everything.objects.using(using).get(pk=one.pk)).data)
    # Shown in the project's time zone.
    moment = dt.datetime.fromisoformat(str(again.pop("datetime")))
    assert {name: again.get(name) for name in data} == {**data, "datetime": None}
    assert moment == one.datetime == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
