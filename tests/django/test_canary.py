"""The canary finds what would leave plaintext in a database, or hand out what stands in another row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.django import project

project.configure()

from django.core.exceptions import ImproperlyConfigured  # noqa: E402 - once Django is configured
from django.db import connections, models  # noqa: E402
from django.db.models.expressions import Col  # noqa: E402

from strongroom.django import canary, checks, guards  # noqa: E402
from strongroom.django.fields import lookups  # noqa: E402
from strongroom.django.fields.base import EncryptedField  # noqa: E402
from strongroom.django.fields.columns import EncryptedColumn  # noqa: E402
from strongroom.django.rows import Row  # noqa: E402

Patch = pytest.MonkeyPatch


def _stores_what_it_gets(patch: Patch) -> None:
    """As if a hook of Django's were not asked any more: values go through, and come back as they lie there."""
    patch.setattr(EncryptedField, "pre_save", models.Field.pre_save)
    patch.setattr(
        EncryptedField, "get_db_prep_value", lambda _self, value, _connection, prepared=False: str(value).encode()
    )
    patch.setattr(EncryptedColumn, "select_format", lambda _self, _compiler, sql, params: (sql, params))
    patch.setattr(EncryptedColumn, "get_db_converters", lambda self, _connection: [_plain(self.target)])


def _plain(field: Any) -> Callable[..., Any]:
    return lambda value, _expression, _connection: field.to_python(bytes(value).decode())


def _lets_updates_through(patch: Patch) -> None:
    patch.setattr(EncryptedField, "get_db_prep_value", lambda _self, value, _connection, prepared=False: value)


def _never_watches(patch: Patch) -> None:
    patch.setattr(guards, "_changes", lambda *_: False)


def _knows_no_row(patch: Patch) -> None:
    patch.setattr(Row, "of", lambda _self, _instance: b"0")
    for field in guards.encrypted_fields(canary.Canary):
        patch.setattr(field.row, "said", {})  # SQL that was put together before
    said = {"sqlite": "CAST('0:' || {} AS BLOB)", "postgresql": "(convert_to('0:', 'UTF8') || {})"}
    patch.setattr(Row, "sql", lambda _self, column, _quoted, vendor: said[vendor].format(column))


def _raw_is_open(patch: Patch) -> None:
    patch.setattr(EncryptedColumn, "has_row", True)
    patch.setattr(EncryptedField, "opener", lambda _self: lambda value, *_: "opened")


def _looks_up_anything(patch: Patch) -> None:
    patch.setattr(EncryptedField, "get_lookup", lambda _self, _name: lookups.BlindExact)


def _finds_nothing(patch: Patch) -> None:
    patch.setattr(EncryptedField, "tokens", lambda _self, _value: [bytes(16)])


# planted fault: a finding that names it
PLANTED: dict[str, tuple[Callable[[Patch], None], str]] = {
    "plaintext goes through": (_stores_what_it_gets, "plaintext reached the database"),
    "update() goes through": (_lets_updates_through, "update() was not refused"),
    "owners may be changed": (_never_watches, "update() of an owner was not refused"),
    "the row is not bound": (_knows_no_row, "another row's value was not refused"),
    "raw() is opened": (_raw_is_open, "a value came back as another one"),
    "look-ups by value": (_looks_up_anything, "a look-up by value was not refused"),
    "the index finds nothing": (_finds_nothing, "the blind index did not find its row"),
}


def test_nothing_is_found(using: str) -> None:
    """The fields as they are keep what they promise on both databases, and no table is left behind."""
    assert canary.findings(connections[using]) == []
    assert checks.check_databases(databases=[using]) == []
    with connections[using].cursor() as cursor:
        assert "strongroom_canary" not in connections[using].introspection.table_names(cursor)


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_are_found(using: str, monkeypatch: Patch, fault: str) -> None:
    """Each way in which a hook could vanish is found, by the check and when a process connects."""
    plant, finding = PLANTED[fault]
    plant(monkeypatch)
    assert any(finding in one for one in canary.findings(connections[using]))
    assert [error.id for error in checks.check_databases(databases=[using])][:1] == ["strongroom.E100"]
    monkeypatch.setattr(canary, "_checked", set())
    with pytest.raises(ImproperlyConfigured, match=f"on {using}"):
        canary.look_once(connection=connections[using])


def test_each_process_looks_once_for_each_database(using: str, monkeypatch: Patch) -> None:
    """A connection that is made again costs nothing."""
    looked = []
    monkeypatch.setattr(canary, "_checked", set())
    monkeypatch.setattr(canary, "findings", lambda connection: looked.append(connection.alias) or [])
    for _ in range(3):
        canary.look_once(connection=connections[using])
    assert looked == [using]


def test_a_database_that_cannot_be_written_is_left_alone(using: str, monkeypatch: Patch) -> None:
    """Where no temporary table can be made, no plaintext gets either; and MySQL is no business of these fields."""
    monkeypatch.setattr(canary, "_create_table", lambda _connection: "CREATE NONSENSE")
    assert canary.findings(connections[using]) == []
    monkeypatch.setattr(connections[using], "vendor", "mysql")
    monkeypatch.undo()


def test_the_canary_reads_no_vault(using: str, monkeypatch: Patch) -> None:
    """It works before a vault is open, under a key that nobody keeps."""
    from strongroom.django import use_vault

    use_vault(None)
    monkeypatch.setattr("strongroom.django.keys._opened", None)
    assert canary.findings(connections[using]) == []


def test_ordinary_columns_are_not_ours() -> None:
    """The canary's model has both."""
    kinds = {field.name: type(field.get_col("t")) for field in canary.Canary._meta.local_concrete_fields}
    assert kinds["owner"] is Col
    assert kinds["note"] is EncryptedColumn
