"""A model with a composite primary key: its values are bound to all columns of the key, on every way."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from strongroom.errors import Tampered
from strongroom.vault.vault import Vault
from tests.django import project

project.configure()

from django.core import serializers  # noqa: E402 - once Django is configured
from django.core.exceptions import FieldError  # noqa: E402
from django.db import connections, migrations, models  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402

from strongroom.django import EncryptedTextField, EncryptField, bulk_update, update, use_vault  # noqa: E402
from strongroom.django.rotation import rotate, verify  # noqa: E402
from strongroom.django.stored_values import StoredValues  # noqa: E402
from tests.django.shop.models import Paired  # noqa: E402
from tests.django.test_fields_swapped import Execute  # noqa: E402


@pytest.fixture
def tenant(using: str) -> UUID:
    """Five rows of one tenant."""
    tenant = uuid4()
    Paired.objects.using(using).create(tenant=tenant, number=0, label="0", secret="of 0")
    Paired.objects.using(using).bulk_create(
        [Paired(tenant=tenant, number=number, label=str(number), secret=f"of {number}") for number in range(1, 5)]
    )
    return tenant


def secrets(using: str) -> list[str]:
    return list(Paired.objects.using(using).order_by("number").values_list("secret", flat=True))


def test_written_and_read(using: str, tenant: UUID) -> None:
    """By `get`, a look-up, `save`, `bulk_update`, `update` and a fixture."""
    rows = Paired.objects.using(using)
    assert secrets(using) == [f"of {number}" for number in range(5)]
    assert rows.get(pk=(tenant, 2)).secret == "of 2"
    one = rows.get(secret="of 3")
    assert one.pk == (tenant, 3)
    one.secret = "changed"
    one.save()
    one.note = "noted"
    one.save(update_fields=["note"])
    one = rows.get(pk=one.pk)
    assert (one.secret, one.note) == ("changed", "noted")
    found = list(rows.order_by("number"))
    for row in found:
        row.secret += "!"
    assert bulk_update(found, ["secret"], using=using) == 5
    assert update(rows.filter(number=4), secret="last") == 1
    assert secrets(using) == ["of 0!", "of 1!", "of 2!", "changed!", "last"]
    dump = serializers.serialize("json", rows.all())
    assert "of 0" not in dump
    rows.all().delete()
    for loaded in serializers.deserialize("json", dump, using=using):
        loaded.save(using=using)
    assert secrets(using) == ["of 0!", "of 1!", "of 2!", "changed!", "last"]


def test_a_part_of_the_key_cannot_change_alone(using: str, tenant: UUID) -> None:
    """The value would open no more."""
    with pytest.raises(FieldError, match="cannot change alone"):
        Paired.objects.using(using).filter(number=2).update(number=20)


@pytest.mark.parametrize("change", ["secret = other.secret", "number = 20", "tenant = other.tenant"])
def test_swapped_values_are_refused(using: str, tenant: UUID, execute: Execute, change: str) -> None:
    """Another row's value, and another value of either column of the key."""
    Paired.objects.using(using).create(number=9, label="other", secret="other")
    column, _, said = change.partition(" = ")
    if said.startswith("other."):
        said = f"(SELECT {said.removeprefix('other.')} FROM shop_paired WHERE number = 9)"
    execute(f"UPDATE shop_paired SET {column} = {said} WHERE number = 2")
    with pytest.raises(Tampered, match=r"shop\.Paired\.secret of the row"):
        Paired.objects.using(using).get(label="2")


def test_rotated_and_verified(using: str, tenant: UUID, vault: Vault) -> None:
    """Batch by batch, by both columns of the key."""
    vault.keys["django"].rotate()
    use_vault(vault)
    values = StoredValues(Paired._meta.get_field("secret"), using)
    assert [tally.done for tally in rotate(values, batch_size=2, using=using)][-1] == 5
    assert values.counts() == {2: 5}
    assert [tally.done for tally in verify(values, batch_size=2)][-1] == 5
    assert secrets(using) == [f"of {number}" for number in range(5)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_moved_in_and_out(kind: str, vault: Vault, request: pytest.FixtureRequest) -> None:
    """`EncryptField` goes through such a table batch by batch, in both directions."""
    request.getfixturevalue("sqlite_tables")
    using: str = request.getfixturevalue(f"{kind}_tables")
    make = migrations.CreateModel(
        "Moved",
        [
            ("pk", models.CompositePrimaryKey("tenant", "number")),
            ("tenant", models.IntegerField()),
            ("number", models.IntegerField()),
            ("secret", models.TextField()),
        ],
    )
    nothing = ProjectState()
    plain = nothing.clone()
    make.state_forwards("shop", plain)
    move = EncryptField("moved", "secret", EncryptedTextField(), batch_size=2)
    encrypted = plain.clone()
    move.state_forwards("shop", encrypted)

    def migrate(step: Any, before: ProjectState, after: ProjectState) -> None:
        with connections[using].schema_editor(atomic=False) as editor:
            step("shop", editor, before, after)

    def rows(state: ProjectState) -> Any:
        return state.apps.get_model("shop", "moved").objects.using(using)

    expected = {(tenant, number, f"{tenant} {number}") for tenant in range(2) for number in range(3)}
    migrate(make.database_forwards, nothing, plain)
    try:
        rows(plain).bulk_create([rows(plain).model(tenant=one, number=two, secret=text) for one, two, text in expected])
        migrate(move.database_forwards, plain, encrypted)
        assert set(rows(encrypted).values_list("tenant", "number", "secret")) == expected
        migrate(move.database_backwards, encrypted, plain)
        assert set(rows(plain).values_list("tenant", "number", "secret")) == expected
    finally:
        migrate(make.database_backwards, plain, nothing)
