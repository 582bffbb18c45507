"""What is stored in a field while it is attacked: two secrets of each kind, and values that get lost easily."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

from django.conf import settings
from django.db import models

_TEXTS = ("", "0", "False", "None", "null", "true", " padded ", "Ünïcödé 🔑", None)
_DECIMALS = {"max_digits": 12, "decimal_places": 2}


class Kind:
    """One kind of field.

    Attributes:
        secrets: two values that are easily recognised.
        fresh: a third one, of which nothing is stored before.
        values: what must come back as it was, with its type.
        options: what the field's class needs beside ``null`` and ``blank``.
        plain: Django's own class.
    """

    __slots__ = ("fresh", "options", "plain", "secrets", "values")

    def __init__(
        self, plain: type[models.Field], secrets: tuple[object, ...], values: tuple[object, ...], **options: int
    ) -> None:
        self.plain = plain
        self.secrets = secrets[:2]
        self.fresh = secrets[2]
        self.values = values
        self.options = options


def _moments() -> tuple[datetime.datetime, ...]:
    zone = datetime.UTC if settings.USE_TZ else None
    return tuple(
        datetime.datetime(year, 12, 31, 23, 59, 58, micros, tzinfo=zone)
        for year, micros in ((1973, 1), (2031, 500_000), (1999, 0), (2999, 999_999))
    )


def kinds() -> dict[str, Kind]:
    """All of them by name; asked for when settings are there, as times depend on ``USE_TZ``."""
    moments = _moments()
    texts = ("velvet-quarter-9317", "copper-lantern-4402", "marble-thicket-7056")
    return {
        "char": Kind(models.CharField, texts, _TEXTS, max_length=255),
        "text": Kind(models.TextField, texts, (*_TEXTS, "two\nlines", "x" * 10_000)),
        "email": Kind(models.EmailField, ("velvet@example.org", "copper@example.org", "x@example.org"), ("", None)),
        "url": Kind(models.URLField, ("https://velvet.example", "https://copper.example", "https://x.org"), ("", None)),
        "integer": Kind(models.IntegerField, (73_055_129, 91_827_364, 55_018_273), (0, 1, -1, 2**31 - 1, None)),
        "boolean": Kind(models.BooleanField, (True, False, True), (False, True, None)),
        "decimal": Kind(
            models.DecimalField, (Decimal("730551.29"), Decimal("918273.64"), Decimal("550182.73")),
            (Decimal("0.00"), Decimal("-0.01"), Decimal("1.50"), None), **_DECIMALS,
        ),
        "date": Kind(
            models.DateField, (datetime.date(1973, 5, 17), datetime.date(1991, 8, 27), datetime.date(2031, 1, 2)),
            (datetime.date(1970, 1, 1), datetime.date(9999, 12, 31), None),
        ),
        "datetime": Kind(models.DateTimeField, moments[:3], (*moments, None)),
        "json": Kind(
            models.JSONField, ({"pin": "velvet-9317"}, {"pin": "copper-4402"}, {"pin": "marble-7056"}),
            (0, 1, False, True, "", "0", "null", "true", [], {}, {"a": [0, False, "", None, 1.5]}, None),
        ),
        "binary": Kind(
            models.BinaryField, (b"velvet-\x00-9317", b"copper-\xff-4402", b"marble-\n-7056"),
            (b"", b"\0", b"0", bytes(range(256)), None),
        ),
    }  # fmt: skip


def kind_of(field_class: type[models.Field]) -> str:
    """The kind whose plain class *field_class* builds on; ``text`` for a class of its own."""
    # The most special first: an EmailField is a CharField, a DateTimeField a DateField.
    order = ("email", "url", "char", "json", "binary", "boolean", "decimal", "datetime", "date", "integer")
    known = kinds()
    return next((name for name in order if issubclass(field_class, known[name].plain)), "text")


def is_same(one: object, other: object) -> bool:
    """Whether the types are equal too, of JSON all the way down; a memoryview is bytes."""
    one, other = (bytes(value) if isinstance(value, memoryview) else value for value in (one, other))
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict | list):
        return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    return True


def shown(value: object) -> str:
    """The text by which *value* would be recognised where it lies open."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, dict):
        return shown(next(iter(value.values())))
    return str(value)
