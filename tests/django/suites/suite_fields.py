"""What the models of Django's suites get: encrypted fields that can be looked up by value, and keys that are known."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.db import models

from strongroom import django as ours

KINDS = ("Char", "Text", "Email", "URL", "JSON", "Binary", "Integer", "Decimal", "Date", "DateTime", "Boolean")
# What our fields do not have: the column is not the database's to judge.
NOT_OURS = ("unique", "primary_key", "db_index", "db_collation", "db_default", "db_comment")


class CountedKey(models.BigAutoField):
    """An auto key that Python counts, so that values can be bound to it before the row is inserted.

    Django's suites expect the numbers 1, 2, 3.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._numbers = count(1)
        self.default = self._next

    def _next(self) -> int:
        return next(self._numbers)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        return name, "suite_fields.CountedKey", args, kwargs


class Face:
    """One of Django's field classes: called, it makes ours where that can be; a class may build on Django's."""

    def __init__(self, plain: Any, encrypted: Any) -> None:
        self._plain = plain
        self._encrypted = encrypted

    def __call__(self, *args: Any, **options: Any) -> Any:
        if any(options.get(one) for one in NOT_OURS):
            return self._plain(*args, **options)
        return self._encrypted(*args, searchable=True, **options)

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self._plain,)


class Encrypted:
    """In the place of ``django.db.models`` in a models module."""

    def __getattr__(self, name: str) -> Any:
        plain = getattr(models, name)
        if name.endswith("Field") and name.removesuffix("Field") in KINDS:
            return Face(plain, getattr(ours, f"Encrypted{name}"))
        return plain
