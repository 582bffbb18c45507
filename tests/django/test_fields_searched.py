"""A blind index finds values by `exact` and `in`, through an ordinary index, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.django import project

project.configure()

from django.core.exceptions import FieldError  # noqa: E402 - once Django is configured
from django.db import connections  # noqa: E402
from django.db.models import F, Q  # noqa: E402
from django.db.models.lookups import IsNull  # noqa: E402

from strongroom.django import bulk_update, update, use_vault  # noqa: E402
from tests.django.shop.models import Left, Person  # noqa: E402

Execute = Callable[..., list[tuple[Any, ...]]]
Rows = Any


@pytest.fixture
def rows(using: str) -> Rows:
    """Three people, one of them without an address."""
    found = Person.objects.using(using)
    found.create(email="Ann@Example.org", number=1)
    found.create(email="bob@example.org", number=2)
    found.create(email=None, number=None)
    return found


def test_exact_and_in(rows: Rows) -> None:
    """The normaliser makes spellings alike; None is looked for as NULL."""
    assert rows.get(email="ann@example.ORG").email == "Ann@Example.org"
    assert rows.filter(email="nobody@example.org").count() == 0
    assert {one.number for one in rows.filter(email__in=["ANN@example.org", "bob@example.org", "x", None])} == {1, 2}
    assert list(rows.filter(email__in=[])) == []
    assert rows.get(email=None).number is None
    assert {one.number for one in rows.exclude(email="bob@example.org")} == {1, None}
    assert rows.get(number=2).number == rows.get(number="2").number == 2
    assert rows.get(Q(email="ann@example.org") & ~Q(number=2)).number == 1


def test_programs_ways_to_find_or_make(rows: Rows) -> None:
    """`get_or_create` and `update_or_create` find by the index."""
    assert rows.get_or_create(email="ANN@example.org")[1] is False
    assert rows.get_or_create(email="new@example.org", defaults={"number": 7})[1] is True
    one, made = rows.update_or_create(email="NEW@example.org", defaults={"number": 8})
    assert (made, one.email, rows.get(number=8).email) == (False, "new@example.org", "new@example.org")
    assert rows.filter(number=7).count() == 0


def test_the_index_never_stays_behind(rows: Rows) -> None:
    """Every way of writing the value writes its index: the old value finds nothing any more."""
    one = rows.get(number=1)
    for number, write in enumerate((
        lambda: one.save(update_fields=["email"]),
        lambda: one.save(),
        lambda: bulk_update([one], ["email"], using=rows.db),
        lambda: update(rows.filter(pk=one.pk), email=one.email),
        lambda: rows.bulk_create([one], update_conflicts=True, unique_fields=["id"], update_fields=["email"]),
    )):  # fmt: skip
        before, one.email = one.email, f"new{number}@example.org"
        write()
        assert rows.filter(email=before).count() == 0
        assert rows.get(email=one.email).pk == one.pk


@pytest.mark.parametrize(
    "lookup", ["iexact", "contains", "icontains", "startswith", "endswith", "gt", "lte", "range", "regex", "search"]
)
def test_all_other_lookups_are_refused(rows: Rows, lookup: str) -> None:
    """What the index cannot answer is an error and never an empty result."""
    with pytest.raises(FieldError, match=r"exact, in and isnull|Unsupported lookup"):
        rows.filter(**{f"email__{lookup}": "a"})


def test_expressions_are_refused(rows: Rows) -> None:
    """The index is of values: neither columns nor subqueries can be looked for."""
    with pytest.raises(FieldError, match="values, not expressions"):
        rows.filter(email=F("number"))
    with pytest.raises(FieldError, match="values, not expressions"):
        rows.filter(email__in=rows.values("email"))


def test_a_query_does_not_hold_the_value(rows: Rows) -> None:
    """Neither SQL nor the repr of a look-up shows what was looked for."""
    found = rows.filter(email="ann@example.org")
    assert "ann" not in str(found.query).lower()
    assert "ann" not in repr(found.query.where).lower()
    assert Person._meta.get_field("email").get_lookup("isnull") is IsNull


def test_equal_values_of_two_columns_look_different(using: str, execute: Execute) -> None:
    """The index is of one column: tables cannot be joined by it, and the same value in another vault differs too."""
    Left.objects.using(using).create(secret="same@example.org")
    Person.objects.using(using).create(email="same@example.org")
    left = bytes(execute("SELECT secret FROM shop_left")[0][0])
    person = bytes(execute("SELECT email FROM shop_person")[0][0])
    assert left[:4] == person[:4] == b"srf\x02"
    assert left[8:24] != person[8:24]


def test_equal_values_have_equal_indexes_and_different_messages(using: str, execute: Execute) -> None:
    """What the index shows is which rows of a column are equal, and nothing else."""
    for _ in range(2):
        Left.objects.using(using).create(secret="same")
    one, two = (bytes(row[0]) for row in execute("SELECT secret FROM shop_left"))
    assert one[:24] == two[:24]
    assert one[24:48] != two[24:48]


def test_values_are_found_under_older_versions(rows: Rows, vault: Any) -> None:
    """After a rotation rows are found whichever version they are under, until an older one is disabled."""
    vault.keys["django"].rotate()
    use_vault(vault)
    rows.create(email="carol@example.org", number=3)
    assert {one.number for one in rows.filter(email__in=["ann@example.org", "carol@example.org"])} == {1, 3}
    assert rows.get(email="ann@example.org").number == 1


def test_an_ordinary_index_is_used(using: str, execute: Execute) -> None:
    """The database answers a look-up from the index: it is there, and its plan names it."""
    rows = Person.objects.using(using)
    rows.bulk_create([Person(email=f"p{n}@example.org", number=n) for n in range(500)])
    query, parameters = rows.filter(email="p7@example.org").query.get_compiler(using).as_sql()
    if using == "postgres":
        execute("SET LOCAL enable_seqscan = off")
    explain = "EXPLAIN" if using == "postgres" else "EXPLAIN QUERY PLAN"
    plan = str(execute(f"{explain} {query}", *parameters))
    assert "shop_person_email_blind" in plan
    with connections[using].cursor() as cursor:
        found = connections[using].introspection.get_constraints(cursor, "shop_person")
    assert {"shop_person_email_blind", "shop_person_number_blind"} <= set(found)


def test_migrations_make_the_index_once(using: str) -> None:
    """The index is written into migrations as any other, and nothing is left to change afterwards."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.questioner import MigrationQuestioner
    from django.db.migrations.state import ModelState, ProjectState
    from django.db.migrations.writer import MigrationWriter

    now = ProjectState.from_apps(apps)
    state = now.models["shop", "person"]
    assert [index.name for index in state.options["indexes"]] == ["shop_person_email_blind", "shop_person_number_blind"]
    rendered = ModelState.from_model(now.apps.get_model("shop", "Person"))
    assert [index.name for index in rendered.options["indexes"]] == [index.name for index in state.options["indexes"]]
    assert MigrationAutodetector(now, ProjectState.from_apps(now.apps))._detect_changes() == {}
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    asked = MigrationQuestioner(specified_apps={"shop"})
    changes = MigrationAutodetector(ProjectState(), now, asked).changes(graph=graph)
    written = MigrationWriter(next(one for one in changes["shop"])).as_string()
    assert "strongroom.django.BlindToken('email')" in written
    assert "strongroom.django.EncryptedEmailField(" in written
    assert "searchable=True" in written
    assert "normalize='casefold'" in written


def test_historical_models_read_and_write(using: str) -> None:
    """A migration's own models decrypt and encrypt in the same context."""
    from django.apps import apps
    from django.db.migrations.state import ProjectState

    old = ProjectState.from_apps(apps).apps.get_model("shop", "Person")
    made = old.objects.using(using).create(email="old@example.org")
    assert Person.objects.using(using).get(email="OLD@example.org").pk == made.pk
    assert old.objects.using(using).get(email="old@example.org").email == "old@example.org"
