"""The libraries of encrypted Django fields that are attacked: their versions, their settings, their fields.

The keys are for tests alone; a second process is started with another number, and so with another key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

FACE = {"char": "EncryptedCharField", "integer": "EncryptedIntegerField", "boolean": "EncryptedBooleanField",
        "date": "EncryptedDateField", "json": "EncryptedJSONField"}  # fmt: skip


def key(number: int) -> str:
    """A Fernet key, the same in each process."""
    return base64.urlsafe_b64encode(bytes([number]) * 32).decode()


def from_module(name: str, names: Mapping[str, str] = FACE) -> Callable[[], dict[str, Callable[..., Any]]]:
    """The fields by kind, as far as the module has them."""

    def load() -> dict[str, Callable[..., Any]]:
        module = import_module(name)
        return {kind: getattr(module, one) for kind, one in names.items() if hasattr(module, one)}

    return load


def wrapped() -> dict[str, Callable[..., Any]]:
    """django-cryptography wraps any field."""
    from django.db import models

    encrypt = import_module("django_cryptography.fields").encrypt
    plain = {"char": models.CharField, "integer": models.IntegerField, "boolean": models.BooleanField,
             "date": models.DateField, "json": models.JSONField}  # fmt: skip
    return {kind: lambda of=of, **options: encrypt(of(**options)) for kind, of in plain.items()}


def only_text() -> dict[str, Callable[..., Any]]:
    """django-encrypted-field has one field."""
    return {"char": import_module("encrypted_field").EncryptedField}


@dataclass(frozen=True)
class Library:
    """One of them.

    Attributes:
        pins: what is installed for it, without what it depends on beside Django and cryptography.
        settings: of Django, made of a number that stands for the key.
        apps: further INSTALLED_APPS.
        fields: kind -> what makes a field.
        cipher: for the table.
    """

    pins: tuple[str, ...]
    cipher: str
    fields: Callable[[], dict[str, Callable[..., Any]]]
    settings: Callable[[int], dict[str, object]]
    apps: tuple[str, ...] = ()


LIBRARIES = {
    "django-cryptography 1.1": Library(
        ("django-cryptography==1.1", "django-appconf"), "AES-CBC, HMAC, pickle", wrapped,
        lambda number: {"CRYPTOGRAPHY_KEY": key(number)},
    ),
    "django-cryptography-5 2.0.3": Library(
        ("django-cryptography-5==2.0.3", "django-appconf"), "AES-CBC, HMAC, pickle", wrapped,
        lambda number: {"CRYPTOGRAPHY_KEY": key(number)},
    ),
    "django-cryptography-django5 2.2": Library(
        ("django-cryptography-django5==2.2", "django-appconf"), "AES-CBC, HMAC, pickle", wrapped,
        lambda number: {"CRYPTOGRAPHY_KEY": key(number)},
    ),
    "django-fernet-encrypted-fields 0.4.0": Library(
        ("django-fernet-encrypted-fields==0.4.0",), "Fernet, PBKDF2 of SECRET_KEY",
        from_module("encrypted_fields.fields"),
        lambda number: {"SALT_KEY": key(number)},
    ),
    "django-encrypted-model-fields 0.6.5": Library(
        ("django-encrypted-model-fields==0.6.5",), "Fernet", from_module("encrypted_model_fields.fields"),
        lambda number: {"FIELD_ENCRYPTION_KEY": key(number)},
    ),
    "django-searchable-encrypted-fields 0.2.1": Library(
        ("django-searchable-encrypted-fields==0.2.1", "pycryptodome==3.23.0"), "AES-GCM",
        from_module("encrypted_fields.fields"),
        lambda number: {"FIELD_ENCRYPTION_KEYS": [(bytes([number]) * 32).hex()]},
    ),
    "django-mirage-field 1.4.0": Library(
        ("django-mirage-field==1.4.0", "tqdm"), "AES-ECB", from_module("mirage.fields"),
        lambda number: {"MIRAGE_SECRET_KEY": key(number)},
    ),
    "django-secured-fields 0.5.2": Library(
        ("django-secured-fields==0.5.2",), "Fernet, SHA-256 of the value", from_module("secured_fields"),
        lambda number: {"SECURED_FIELDS_KEY": key(number), "SECURED_FIELDS_HASH_SALT": "salt"},
        ("secured_fields",),
    ),
    "django-field-encryption 0.2.3": Library(
        ("django-field-encryption==0.2.3",), "AES-GCM", from_module("django_field_encryption.fields"),
        lambda number: {"DATA_PROTECTION_KEYS": {"k1": key(number)}, "DATA_PROTECTION_ACTIVE_KEY_ID": "k1"},
    ),
    "django-hashed-encrypted-fields 0.1.0": Library(
        ("django-hashed-encrypted-fields==0.1.0",), "Fernet, HMAC column", from_module("encrypted_fields.fields.types"),
        lambda number: {"ENCRYPTED_FIELDS_KEY": key(number), "ENCRYPTED_FIELDS_HASH_SALT": "salt" * 8},
        ("encrypted_fields",),
    ),
    "django-encrypted-field 1.1.2": Library(
        ("django-encrypted-field==1.1.2", "pycryptodomex"), "ChaCha20-Poly1305", only_text,
        lambda number: {"DJANGO_ENCRYPTED_FIELD_KEY": bytes([number]) * 32},
    ),
    "django-encrypted-json-fields 1.0.5": Library(
        ("django-encrypted-json-fields==1.0.5",), "Fernet", from_module("encrypted_json_fields.fields"),
        lambda number: {"EJF_ENCRYPTION_KEYS": key(number)},
    ),
    "django-fernet-fields-v2 0.9": Library(
        ("django-fernet-fields-v2==0.9",), "Fernet, HKDF", from_module("fernet_fields"),
        lambda number: {"FERNET_KEYS": [key(number)]},
    ),
    "django-fernetix 0.1.1": Library(
        ("django-fernetix==0.1.1",), "Fernet", from_module("django_fernetix.fields", {
            "char": "FernetTextField", "integer": "FernetIntegerField", "date": "FernetDateField",
            "json": "FernetJSONField"}),
        lambda number: {"DJANGO_FERNETIX_KEYS": [key(number)], "DJANGO_FERNETIX_INDEX_KEY": key(number)},
    ),
    "django-pgcrypto 3.1.0": Library(
        ("django-pgcrypto==3.1.0",), "AES-CBC, zero IV", from_module("pgcrypto.fields"),
        lambda number: {"PGCRYPTO_DEFAULT_KEY": key(number)},
    ),
}  # fmt: skip
