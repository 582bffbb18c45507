"""What a model may not say of an encrypted field is an error of ``manage.py check``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from strongroom.vault.vault import Vault
from tests.django import project

project.configure()

from django.apps.registry import Apps  # noqa: E402 - once Django is configured
from django.contrib.auth.models import User  # noqa: E402
from django.core import checks  # noqa: E402
from django.db import models  # noqa: E402

from strongroom.django import EncryptedBooleanField, EncryptedCharField, EncryptedTextField  # noqa: E402
from tests.django.shop.models import Account, Child, Everything, Person, Sealed  # noqa: E402


def made(field: models.Field, meta: dict[str, Any] | None = None, **columns: models.Field) -> type[models.Model]:
    """A model with *field* as ``secret``, in a registry of its own."""
    options = {"app_label": "shop", "apps": Apps(), **(meta or {})}
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    body = {"__module__": __name__, "Meta": type("Meta", (), options), "id": key, "secret": field, **columns}
    return type("Made", (models.Model,), {name: value for name, value in body.items() if value is not None})


def found(model: type[models.Model]) -> list[str]:
    errors = [error for error in model.check() if str(error.id).startswith("strongroom.")]
    assert all(error.hint and error.level >= checks.ERROR for error in errors)
    return [str(error.id) for error in errors]


def user(**options: Any) -> models.Field:
    return models.ForeignKey(User, on_delete=options.pop("on_delete", models.CASCADE), related_name="+", **options)


# name of the case: (how the model is made, the errors)
CASES: dict[str, tuple[Callable[[], type[models.Model]], list[str]]] = {
    "unique": (lambda: made(EncryptedTextField(unique=True)), ["E001"]),
    "db_index": (lambda: made(EncryptedTextField(db_index=True)), ["E001"]),
    "unique_for_date": (
        lambda: made(EncryptedTextField(unique_for_date="day"), day=models.DateField()), ["E001"]),
    "db_default": (lambda: made(EncryptedTextField(db_default="x")), ["E001"]),
    "db_collation": (lambda: made(EncryptedCharField(max_length=5, db_collation="C")), ["E001"]),
    "a searchable truth value": (lambda: made(EncryptedBooleanField(searchable=True)), ["E002"]),
    "bound_as without a column": (lambda: made(EncryptedTextField(bound_as="shop_old")), ["E003"]),
    "an auto key": (lambda: made(EncryptedTextField(), id=models.BigAutoField(primary_key=True)), ["E004"]),
    "a key of the database's making": (
        lambda: made(EncryptedTextField(), id=models.UUIDField(primary_key=True, db_default=models.Value(1))),
        ["E004"]),
    "a date as the key": (lambda: made(EncryptedTextField(), id=models.DateField(primary_key=True)), ["E005"]),
    "bound to a number with a point": (
        lambda: made(EncryptedTextField(bind=("n",)), n=models.FloatField()), ["E005"]),
    "bound to an encrypted field": (
        lambda: made(EncryptedTextField(bind=("n",)), n=EncryptedTextField()), ["E005"]),
    "bound to nothing": (lambda: made(EncryptedTextField(bind=("nobody",))), ["E006"]),
    "bound to the key": (lambda: made(EncryptedTextField(bind=("id",))), ["E006"]),
    "an owner that may be taken away": (
        lambda: made(EncryptedTextField(bind=("owner",)), owner=user(null=True, on_delete=models.SET_NULL)), ["E007"]),
    "an owner that may be exchanged": (
        lambda: made(EncryptedTextField(bind=("owner",)), owner=user(on_delete=models.SET(1))), ["E007"]),
    "a user that is not bound": (lambda: made(EncryptedTextField(), owner=user()), ["E008"]),
    "two users of whom one is bound": (
        lambda: made(EncryptedTextField(bind=("owner",)), owner=user(), editor=user()), ["E008"]),
    "no reason": (lambda: made(EncryptedTextField(not_bound={"owner": ""}), owner=user()), ["E008"]),
    "a reason": (lambda: made(EncryptedTextField(not_bound={"owner": "wrote it, owns nothing"}), owner=user()), []),
    "a user who is the key": (
        lambda: made(EncryptedTextField(), id=models.OneToOneField(
            User, models.CASCADE, primary_key=True, related_name="+")), []),
    "ordering": (lambda: made(EncryptedTextField(), {"ordering": ["-secret"]}), ["E009"]),
    "unique_together": (
        lambda: made(EncryptedTextField(), {"unique_together": [("id", "secret")]}), ["E010"]),
    "a constraint": (
        lambda: made(EncryptedTextField(), {"constraints": [models.UniqueConstraint(fields=["secret"], name="u")]}),
        ["E010"]),
    "an index": (
        lambda: made(EncryptedTextField(), {"indexes": [models.Index(fields=["secret"], name="i")]}), ["E010"]),
    "a key that takes ann for Ann": (
        lambda: made(EncryptedTextField(), id=models.CharField(max_length=9, primary_key=True, db_collation="NOCASE")),
        ["E011"]),
    "bound to text that may end in blanks": (
        lambda: made(EncryptedTextField(bind=("region",)), region=models.TextField(db_collation="RTRIM")), ["E011"]),
    "bound to text in another order": (
        lambda: made(EncryptedTextField(bind=("region",)), region=models.TextField(db_collation="BINARY")), []),
    "searchable": (lambda: made(EncryptedTextField(searchable=True)), []),
    "bound_as": (lambda: made(EncryptedTextField(bound_as="schema.shop_old.secret")), []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_checks(case: str) -> None:
    """Each mistake has its number and a hint, and what is right has none."""
    make, expected = CASES[case]
    assert found(make()) == [f"strongroom.{error}" for error in expected]


def test_a_primary_key_cannot_be_encrypted() -> None:
    """Said by the option's name, beside what a key must be."""
    model = made(EncryptedCharField(max_length=5, primary_key=True), id=None)  # type: ignore[arg-type]
    assert "strongroom.E001" in found(model)


def test_the_shop_is_right() -> None:
    """The models that the other tests use have no errors."""
    for model in (Account, Everything, Person, Sealed, Child):
        assert found(model) == []


def test_misuse_is_an_error_at_once() -> None:
    """One name in the place of several, and options that contradict each other."""
    with pytest.raises(TypeError, match="sequence"):
        EncryptedTextField(bind="owner")
    with pytest.raises(TypeError, match="searchable"):
        EncryptedTextField(normalize="casefold")
    with pytest.raises(TypeError, match="casefold"):
        EncryptedTextField(searchable=True, normalize="lower")  # type: ignore[arg-type]


def test_a_collation_of_postgresqls_that_ignores_case(postgres_tables: str) -> None:
    """Told by the database itself, where it may be asked; what such a collation would do is lost values."""
    from django.db import connections

    def loose(databases: list[str] | None) -> list[str]:
        field = models.CharField(max_length=9, primary_key=True, db_collation="ann_is_ann")
        model = made(EncryptedTextField(), id=field)
        return [str(one.id) for one in model._meta.get_field("secret").check(databases=databases)]

    with connections[postgres_tables].cursor() as cursor:
        cursor.execute(
            "CREATE COLLATION ann_is_ann (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        try:
            assert loose([postgres_tables]) == ["strongroom.E011"]
            assert loose(None) == []
        finally:
            cursor.execute("DROP COLLATION ann_is_ann")
        cursor.execute("CREATE COLLATION ann_is_ann (provider = icu, locale = 'und')")
        try:
            assert loose([postgres_tables]) == []
        finally:
            cursor.execute("DROP COLLATION ann_is_ann")


def test_a_renamed_column(using: str, vault: Vault) -> None:
    """Values of a column that was renamed open once the field says what it was."""
    from django.db import connections

    registry = Apps()
    old = made(EncryptedTextField(), {"db_table": "shop_renamed", "apps": registry})
    new = made(EncryptedTextField(db_column="new"), {"db_table": "shop_renamed", "apps": Apps()})
    field = EncryptedTextField(db_column="new", bound_as="shop_renamed.secret")
    said = made(field, {"db_table": "shop_renamed", "apps": Apps()})
    from strongroom.errors import Tampered

    with connections[using].cursor() as cursor:
        kinds = [f"{field.column} {field.db_type(connections[using])}" for field in old._meta.local_fields]
        cursor.execute(f"CREATE TEMPORARY TABLE shop_renamed ({', '.join(kinds)})")
        old._base_manager.using(using).create(secret="s")
        cursor.execute("ALTER TABLE shop_renamed RENAME COLUMN secret TO new")
        with pytest.raises(Tampered) as caught:
            new._base_manager.using(using).get()
        assert "bound_as" in caught.value.advice
        one = said._base_manager.using(using).get()
        assert one.secret == "s"
        one.save()
        assert said._base_manager.using(using).get().secret == "s"
        cursor.execute("DROP TABLE shop_renamed")
