"""Encrypted forms of Django's fields: each takes its namesake's arguments, and those of `EncryptedField`.

Values come back as they were: 0, False, "", and JSON's null, true and numbers with their types.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.backends.utils import format_number
from django.utils import timezone

from strongroom.django.fields.base import EncryptedField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "EncryptedBinaryField",
    "EncryptedBooleanField",
    "EncryptedCharField",
    "EncryptedDateField",
    "EncryptedDateTimeField",
    "EncryptedDecimalField",
    "EncryptedEmailField",
    "EncryptedField",
    "EncryptedIntegerField",
    "EncryptedJSONField",
    "EncryptedTextField",
    "EncryptedURLField",
]


class _Text(EncryptedField):
    kind = 1
    usual_type = str

    def to_bytes(self, value: Any) -> bytes:
        """UTF-8."""
        text: str = value if type(value) is str else self.get_prep_value(value)
        return text.encode("utf-8")

    def from_bytes(self, data: bytes) -> str:
        """The text."""
        return data.decode("utf-8")


class EncryptedCharField(_Text, models.CharField):  # type: ignore[misc]
    """Text; ``max_length`` is held by forms and `full_clean`, the column has none."""


class EncryptedTextField(_Text, models.TextField):  # type: ignore[misc]
    """Text of any length."""


class EncryptedEmailField(_Text, models.EmailField):  # type: ignore[misc]
    """An email address."""


class EncryptedURLField(_Text, models.URLField):  # type: ignore[misc]
    """A URL."""


class EncryptedBinaryField(EncryptedField, models.BinaryField):  # type: ignore[misc]
    """Bytes; always read as ``bytes``."""

    kind = 2

    def to_bytes(self, value: Any) -> bytes:
        """As they are."""
        return bytes(memoryview(value))

    def from_bytes(self, data: bytes) -> bytes:
        """As they were."""
        return data


class EncryptedIntegerField(EncryptedField, models.IntegerField):  # type: ignore[misc]
    """An integer of any size: no column limits it."""

    kind = 3

    @cached_property
    def validators(self) -> list[Any]:
        """The given ones; the database has no range of its own."""
        return [*self.default_validators, *self._validators]

    def to_bytes(self, value: Any) -> bytes:
        """Decimal digits."""
        return str(self.get_prep_value(value)).encode("ascii")

    def from_bytes(self, data: bytes) -> int:
        """The number."""
        return int(data)


class EncryptedDecimalField(EncryptedField, models.DecimalField):  # type: ignore[misc]
    """A decimal number with ``decimal_places`` places."""

    kind = 4

    def to_bytes(self, value: Any) -> bytes:
        """Decimal digits, rounded to the field's places as a column of numbers does it."""
        text: str = format_number(self.to_python(value), self.max_digits, self.decimal_places)
        return text.encode("ascii")

    def from_bytes(self, data: bytes) -> Decimal:
        """The number, with its places."""
        return Decimal(data.decode("ascii"))


class EncryptedDateField(EncryptedField, models.DateField):  # type: ignore[misc]
    """A date."""

    kind = 5

    def to_bytes(self, value: Any) -> bytes:
        """ISO 8601."""
        day: date = self.to_python(value)
        return day.isoformat().encode("ascii")

    def from_bytes(self, data: bytes) -> date:
        """The date."""
        return date.fromisoformat(data.decode("ascii"))


class EncryptedDateTimeField(EncryptedField, models.DateTimeField):  # type: ignore[misc]
    """A moment; aware and UTC with ``USE_TZ``, naive without."""

    kind = 6

    def to_bytes(self, value: Any) -> bytes:
        """ISO 8601, with an offset if the moment is aware."""
        moment: datetime = self.to_python(value)
        if settings.USE_TZ and timezone.is_naive(moment):
            moment = timezone.make_aware(moment, timezone.get_default_timezone())
        if not settings.USE_TZ and timezone.is_aware(moment):
            raise ValueError("an aware time, and USE_TZ is off")
        return (moment.astimezone(UTC) if settings.USE_TZ else moment).isoformat().encode("ascii")

    def from_bytes(self, data: bytes) -> datetime:
        """The moment, whatever USE_TZ was when it was written."""
        moment = datetime.fromisoformat(data.decode("ascii"))
        if timezone.is_aware(moment) == settings.USE_TZ:
            return moment
        if settings.USE_TZ:
            aware: datetime = timezone.make_aware(moment, timezone.get_default_timezone())
            return aware.astimezone(UTC)
        naive: datetime = timezone.make_naive(moment, timezone.get_default_timezone())
        return naive


class EncryptedBooleanField(EncryptedField, models.BooleanField):  # type: ignore[misc]
    """True or False."""

    kind = 7

    def to_bytes(self, value: Any) -> bytes:
        """1 or 0."""
        return b"1" if self.to_python(value) else b"0"

    def from_bytes(self, data: bytes) -> bool:
        """The value."""
        return data == b"1"


class EncryptedJSONField(EncryptedField, models.JSONField):  # type: ignore[misc]
    """What JSON can say. None is NULL; JSON's own null at the top is ``Value(None, JSONField())`` and reads as None."""

    kind = 8

    def to_bytes(self, value: Any) -> bytes:
        """JSON text in UTF-8."""
        return json.dumps(value, cls=self.encoder).encode("utf-8")

    def from_bytes(self, data: bytes) -> Any:
        """The value."""
        return json.loads(data, cls=self.decoder)

    def _plain(self, value: Any) -> bytes:
        if isinstance(value, models.Value) and value.value is None:
            return b"null"
        return super()._plain(value)
