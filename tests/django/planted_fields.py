"""Fields with one fault each, of the kinds that libraries have, for the attacks to find."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.fernet import Fernet, InvalidToken
from django.db import models

KEYS = [Fernet(base64.urlsafe_b64encode(b"1" * 32)), Fernet(base64.urlsafe_b64encode(b"2" * 32))]


class FernetField(models.TextField):
    """Bound to nothing, and otherwise as careful as Fernet."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else KEYS[0].encrypt(str(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return None if value is None else self.opened(value)

    def opened(self, value: str) -> str:
        return KEYS[0].decrypt(value.encode()).decode()

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError("not dumped")


class ForgivingField(FernetField):
    """What does not decrypt is taken for plaintext."""

    def opened(self, value: str) -> str:
        try:
            return super().opened(value)
        except InvalidToken:
            return value


class SilentField(FernetField):
    """What does not decrypt is None."""

    def opened(self, value: str) -> str | None:
        try:
            return super().opened(value)
        except InvalidToken:
            return None


class TwiceField(ForgivingField):
    """What is ciphertext already is stored as it is."""

    def get_prep_value(self, value: str | None) -> str | None:
        return value if value and value.startswith("gAAAA") else super().get_prep_value(value)


class EmptyField(FernetField):
    """Takes every falsy value for nothing."""

    def get_prep_value(self, value: str | None) -> str | None:
        return super().get_prep_value(value) if value else None


class EqualField(models.TextField):
    """Equal values are stored alike, base64 instead of encryption."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else base64.b64encode(str(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return None if value is None else base64.b64decode(value).decode()




@contextmanager
def other_key() -> Iterator[None]:
    """The second key in the place of the first."""
    KEYS.reverse()
    try:
        yield
    finally:
        KEYS.reverse()
