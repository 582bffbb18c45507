"""Every way of reading and writing that Django has works, or is refused with what to use instead."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.django import project

project.configure()

from django.contrib.auth.models import User  # noqa: E402 - once Django is configured
from django.core import serializers  # noqa: E402
from django.core.exceptions import FieldError  # noqa: E402
from django.db import DatabaseError, NotSupportedError, connections, models, transaction  # noqa: E402
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Value, When  # noqa: E402
from django.db.models.functions import Coalesce, Concat, Lower  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from strongroom.django import EncryptedCharField, bulk_update, random_key, update  # noqa: E402
from tests.django.shop.models import Account, Child, Everything, Parent, Person, Sealed  # noqa: E402

Rows = Any


@pytest.fixture
def rows(using: str, owner: User) -> Rows:
    """Accounts, of which there is one."""
    found = Account.objects.using(using)
    found.create(owner=owner, label="one", password="first")
    return found


# name of the way: what it reads, which has to be "first"
READING: dict[str, Callable[[Rows], Any]] = {
    "get": lambda rows: rows.get().password,
    "get by an expression": lambda rows: rows.get(label=Lower(Value("ONE"))).password,
    "values": lambda rows: rows.values("password").get()["password"],
    "values with other columns": lambda rows: rows.values("label", "password", "owner").get()["password"],
    "values of everything": lambda rows: rows.values().get()["password"],
    "values by another name": lambda rows: rows.values(p=F("password")).get()["p"],
    "values_list": lambda rows: rows.values_list("password").get()[0],
    "values_list, flat": lambda rows: rows.values_list("password", flat=True).get(),
    "values_list, named": lambda rows: rows.values_list("password", named=True).get().password,
    "only": lambda rows: rows.only("password").get().password,
    "only others": lambda rows: rows.only("label").get().password,
    "defer": lambda rows: rows.defer("password").get().password,
    "defer others": lambda rows: rows.defer("owner", "label").get().password,
    "F": lambda rows: rows.annotate(p=F("password")).get().p,
    "F through an alias": lambda rows: rows.alias(p=F("password")).annotate(q=F("p")).get().q,
    "iterator": lambda rows: next(iter(rows.iterator(chunk_size=1))).password,
    "select_related": lambda rows: rows.select_related("owner").get().password,
    "in_bulk": lambda rows: next(iter(rows.in_bulk().values())).password,
    "first": lambda rows: rows.first().password,
    "last": lambda rows: rows.last().password,
    "a slice": lambda rows: rows.order_by("label")[0:1][0].password,
    "latest": lambda rows: rows.latest("label").password,
    "distinct": lambda rows: rows.distinct().get().password,
    "reverse": lambda rows: rows.order_by("label").reverse()[0].password,
    "none or all": lambda rows: (rows.none() | rows.all()).get().password,
    "an intersection of conditions": lambda rows: rows.filter(Q(label="one") & ~Q(label="two")).get().password,
    "a condition": lambda rows: rows.filter(password__isnull=False).exclude(password=None).get().password,
    "a relation backwards": lambda rows: User.objects.using(rows.db).get().accounts.get().password,
    "values over a relation": lambda rows: User.objects.using(rows.db).values_list("accounts__password").get()[0],
    "F over a relation": lambda rows: User.objects.using(rows.db).annotate(p=F("accounts__password")).get().p,
    "prefetch_related": lambda rows: (
        User.objects.using(rows.db).prefetch_related("accounts").get().accounts.all()[0].password),
    "a subquery": lambda rows: User.objects.using(rows.db).annotate(
        p=Subquery(Account.objects.filter(owner=OuterRef("pk")).values("password")[:1])).get().p,
    "exists": lambda rows: rows.filter(
        Exists(Account.objects.filter(pk=OuterRef("pk"), password__isnull=False))).get().password,
    "a count beside it": lambda rows: rows.annotate(n=Count("owner")).get().password,
    "a group": lambda rows: rows.values("password").annotate(n=Count("id")).get()["password"],
    "a filtered group": lambda rows: rows.annotate(n=Count("id")).filter(n=1).get().password,
    "refresh_from_db": lambda rows: _refreshed(rows.get()),
    "refresh_from_db of a field": lambda rows: _refreshed(rows.get(), fields=["password"]),
    "select_for_update": lambda rows: rows.select_for_update().get().password,
    "get_or_create": lambda rows: rows.get_or_create(label="one", defaults={"password": "second"})[0].password,
    "a lazily related object": lambda rows: rows.get().owner.accounts.get().password,
    "extra columns": lambda rows: rows.extra(select={"one": "1"}).get().password,
    "a union of conditions": lambda rows: (rows.filter(label="one") | rows.filter(label="two")).get().password,
}  # fmt: skip


def _refreshed(account: Account, **options: Any) -> str:
    account.password = "changed"
    account.refresh_from_db(**options)
    password: str = account.password
    return password


@pytest.mark.parametrize("way", READING)
def test_reading(rows: Rows, way: str) -> None:
    """The value comes back through each way of reading."""
    assert READING[way](rows) == "first"


def test_select_related_the_other_way(using: str, rows: Rows) -> None:
    """A joined row gives its values, and a missing one None."""
    Person.objects.using(using).create(email="a@example.org", account=rows.get())
    Person.objects.using(using).create(email="b@example.org")
    found = {one.email: one.account for one in Person.objects.using(using).select_related("account", "account__owner")}
    assert found["a@example.org"].password == "first"
    assert found["b@example.org"] is None
    listed = Person.objects.using(using).values_list("email", "account__password")
    assert set(listed) == {("a@example.org", "first"), ("b@example.org", None)}


def _save(rows: Rows) -> None:
    one = rows.get()
    one.password = "second"
    one.save()


def _save_fields(rows: Rows) -> None:
    one = rows.get()
    one.password, one.label = "second", "never written"
    one.save(update_fields=["password"])


def _save_after_only(rows: Rows) -> None:
    one = rows.only("password", "owner").get()
    one.password = "second"
    one.save()


def _bulk_update(rows: Rows) -> None:
    one = rows.get()
    one.password = "second"
    assert bulk_update([one], ["password", "note"], using=rows.db) == 1


def _change_owner(rows: Rows) -> None:
    one = rows.get()
    one.owner = User.objects.using(rows.db).create(username="bob")
    one.password = "second"
    one.save()


def _change_key(rows: Rows) -> None:
    one = rows.get()
    one.delete()
    one.pk = Account().pk
    one.password = "second"
    one.save(using=rows.db, force_insert=True)


def _copy(rows: Rows) -> None:
    one = rows.get()
    other = copy.copy(one)
    other.pk, other.password = Account().pk, "second"
    other._state.adding = True
    other.save(using=rows.db)
    assert rows.get(pk=one.pk).password == "first"
    one.delete()


def _upsert(rows: Rows) -> None:
    one = rows.get()
    one.password = "second"
    rows.bulk_create([one], update_conflicts=True, unique_fields=["id"], update_fields=["password", "note", "owner"])


def _save_deferred(rows: Rows) -> None:
    one = rows.defer("password", "note").get()
    one.label = "renamed"
    one.save()
    assert rows.get().password == "first"
    update(rows, password="second")


# name of the way: what writes "second"
WRITING: dict[str, Callable[[Rows], Any]] = {
    "save": _save,
    "save with update_fields": _save_fields,
    "save of what was loaded in part": _save_after_only,
    "save of the rest": _save_deferred,
    "update_or_create": lambda rows: rows.update_or_create(label="one", defaults={"password": "second"}),
    "strongroom.django.update": lambda rows: update(rows.all(), password="second", label="x"),
    "strongroom.django.bulk_update": _bulk_update,
    "a change of the owner": _change_owner,
    "a change of the key": _change_key,
    "a copy of the object": _copy,
    "an upsert": _upsert,
    "create through a relation": lambda rows: (
        rows.all().delete(), User.objects.using(rows.db).get().accounts.create(label="new", password="second")),
    "bulk_create": lambda rows: (
        rows.all().delete(), rows.bulk_create([Account(owner=User.objects.using(rows.db).get(), password="second")])),
}  # fmt: skip


@pytest.mark.parametrize("way", WRITING)
def test_writing(rows: Rows, way: str) -> None:
    """Each way of writing leaves the value readable, and no plaintext in the SQL."""
    with CaptureQueriesContext(connections[rows.db]) as captured:
        WRITING[way](rows)
    assert not any("second" in query["sql"] for query in captured)
    assert rows.get().password == "second"
    assert list(rows.values_list("password", flat=True)) == ["second"]


# name of the way: (what is tried, the error, a word of it)
REFUSED: dict[str, tuple[Callable[[Rows], Any], Any, str]] = {
    "update": (lambda rows: rows.update(password="second"), FieldError, r"strongroom\.django\.update"),
    "update with a column": (lambda rows: rows.update(password=F("note")), FieldError, "save"),
    "update with an expression": (lambda rows: rows.update(password=Concat("password", Value("x"))), FieldError, "row"),
    "update with a value": (lambda rows: rows.update(password=Value("second")), FieldError, "row"),
    "bulk_update": (lambda rows: rows.bulk_update(_changed(rows), ["password"]), FieldError, "bulk_update"),
    "update of the owner": (lambda rows: rows.update(owner=_bob(rows)), FieldError, "bound"),
    "update of the owner's id": (lambda rows: rows.update(owner_id=F("owner_id")), FieldError, "bound"),
    "update of the key": (lambda rows: rows.update(id=Account().pk), FieldError, "bound"),
    "bulk_update of the owner": (lambda rows: rows.bulk_update([_bobs(rows)], ["owner"]), FieldError, "bound"),
    "save of the owner alone": (lambda rows: _bobs(rows).save(update_fields=["owner"]), FieldError, "bound"),
    "save of the owner's id alone": (lambda rows: _bobs(rows).save(update_fields=["owner_id"]), FieldError, "bound"),
    "an owner changed, the rest deferred": (lambda rows: _other_owner(rows.only("owner").get()), FieldError, "bound"),
    "our bulk_update of the owner": (lambda rows: bulk_update(rows.all(), ["password", "owner"]), FieldError, "bound"),
    "our update of the owner": (lambda rows: update(rows, owner_id=1, password="x"), FieldError, "bound"),
    "our update with an expression": (lambda rows: update(rows, password=F("label")), FieldError, "expressions"),
    "an expression in an object": (
        lambda rows: rows.create(owner_id=1, password=F("label")), FieldError, "expressions"),
    "an object without an owner": (lambda rows: rows.create(label="x", password="x"), ValueError, "owner_id"),
    "union": (lambda rows: list(rows.all().union(rows.all())), NotSupportedError, "union"),
    "union of columns": (lambda rows: list(rows.values("password").union(rows.values("note"))), NotSupportedError, "Q"),
    "difference": (lambda rows: list(rows.all().difference(rows.none(), rows.all())), NotSupportedError, "Q"),
    "raw": (lambda rows: list(rows.raw("SELECT * FROM shop_account")), FieldError, r"raw\(\)"),
    "a function": (lambda rows: list(rows.annotate(x=Lower("password"))), (FieldError, DatabaseError), ""),
    "the first of two": (
        lambda rows: list(rows.annotate(x=Coalesce("note", "password", output_field=_note()))), FieldError, "Coalesce"),
    "a case": (lambda rows: list(rows.annotate(x=Case(When(label="one", then="password")))), FieldError, "Case"),
    "an aggregate": (lambda rows: rows.aggregate(Max("password")), (FieldError, DatabaseError), ""),
    "a value of the field in SQL": (
        lambda rows: list(rows.annotate(x=Value("v", output_field=EncryptedCharField()))), FieldError, "row"),
    "exact": (lambda rows: rows.get(password="first"), FieldError, "searchable"),
    "in": (lambda rows: rows.filter(password__in=["first"]), FieldError, "searchable"),
    "contains": (lambda rows: rows.filter(password__contains="f"), FieldError, "contains"),
    "startswith over a relation": (
        lambda rows: User.objects.filter(accounts__password__startswith="f"), FieldError, "startswith"),
    "less": (lambda rows: rows.exclude(password__lt="z"), FieldError, "lt"),
    "range": (lambda rows: rows.filter(password__range=("a", "z")), FieldError, "range"),
    "regex": (lambda rows: rows.filter(password__iregex="f"), FieldError, "iregex"),
    "a transform": (lambda rows: rows.filter(password__length=5), FieldError, "length"),
    "another column from it": (lambda rows: rows.update(label=F("password")), FieldError, "copied into label"),
    "another column from a subquery of it": (
        lambda rows: rows.update(label=Subquery(rows.values("password")[:1])), FieldError, "copied"),
    "another column compared with it": (lambda rows: list(rows.filter(label=F("password"))), FieldError, "compared"),
    "another column in a queryset of it": (
        lambda rows: rows.filter(label__in=rows.values("password")).exists(), FieldError, "compared"),
    "another column in an annotation of it": (
        lambda rows: list(rows.exclude(label__in=rows.annotate(x=F("password")).values("x"))), FieldError, "compared"),
    "another column compared in a subquery": (
        lambda rows: list(rows.filter(Exists(rows.filter(label=OuterRef("password"))))), FieldError, "compared"),
    "a count of different values": (
        lambda rows: rows.aggregate(x=Count("password", distinct=True)), FieldError, "Count"),
    "get_or_create by it": (lambda rows: rows.get_or_create(password="first"), FieldError, "searchable"),
}  # fmt: skip


def _changed(rows: Rows) -> list[Account]:
    one = rows.get()
    one.password = "second"
    return [one]


def _bob(rows: Rows) -> User:
    return User.objects.using(rows.db).get_or_create(username="bob")[0]


def _bobs(rows: Rows) -> Account:
    one = rows.get()
    one.owner = _bob(rows)
    return one


def _note() -> models.Field:
    return Account._meta.get_field("note")


def _other_owner(account: Account) -> None:
    account.owner_id = 12345
    account.save()


@pytest.mark.parametrize("way", REFUSED)
def test_refused(rows: Rows, way: str) -> None:
    """What cannot work says so and what to do, shows no value to the database, and changes nothing."""
    attempt, error, word = REFUSED[way]
    with CaptureQueriesContext(connections[rows.db]) as captured:
        with pytest.raises(error, match=word or None), transaction.atomic(using=rows.db):
            attempt(rows)
    assert not any("second" in query["sql"] for query in captured)
    assert rows.get().password == "first"


def test_deleting_goes_on(using: str, rows: Rows, owner: User) -> None:
    """An owner is deleted with the rows that are bound to them."""
    assert rows.count() == 1
    assert rows.filter(password__isnull=True).count() == 0
    owner.delete()
    assert not rows.exists()


# name of a field: values that must come back as they were, with their types
VALUES: dict[str, list[Any]] = {
    "char": ["", "a", "0", "None", "\U0001f600 é ", "srf\x01", "x" * 100],
    "text": ["", "line\nline\r\n\t", "\u202e", "x" * 20_000],
    "email": ["", "ann@example.org"],
    "url": ["", "https://example.org/?q=1#é"],
    "json": [0, 1, -1.5, True, False, "", "None", "1", [], {}, [None], {"a": None, "b": [1, "1", True]}, "é"],
    "binary": [b"", b"\0", bytes(range(256)), b"srf\x01"],
    "integer": [0, 1, -1, 2**31, -(2**63), 2**200],
    "decimal": [Decimal("0.00"), Decimal("-1.50"), Decimal("9999999999.99")],
    "date": [dt.date(1, 1, 1), dt.date(2026, 2, 28), dt.date(9999, 12, 31)],
    "datetime": [dt.datetime(2026, 1, 2, 3, 4, 5, 678901, dt.UTC), dt.datetime(1970, 1, 1, tzinfo=dt.UTC)],
    "boolean": [True, False],
}


@pytest.mark.parametrize("name", VALUES)
def test_types_are_exact(using: str, name: str) -> None:
    """0, False, "" and all others come back as they were, and None is NULL."""
    rows = Everything.objects.using(using)
    for value in [*VALUES[name], None]:
        made = rows.create(**{name: value})
        again = getattr(rows.get(pk=made.pk), name)
        assert again == value
        assert type(again) is type(value)
        assert rows.filter(pk=made.pk, **{f"{name}__isnull": True}).exists() is (value is None)
        assert list(rows.filter(pk=made.pk).values_list(name, flat=True)) == [value]


def test_values_are_normalised_as_by_the_plain_fields(using: str) -> None:
    """Texts that forms and programs give are made into the field's type, as Django's own fields do it."""
    rows = Everything.objects.using(using)
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    given = {"char": 5, "integer": "7", "decimal": "1.5", "date": "2026-01-02", "datetime": moment, "boolean": "True"}
    one = rows.get(pk=rows.create(**given).pk)
    assert (one.char, one.integer, one.decimal) == ("5", 7, Decimal("1.50"))
    assert (one.date, one.boolean) == (dt.date(2026, 1, 2), True)
    assert (one.datetime, one.datetime.tzinfo) == (moment, dt.UTC)


def test_json_null_at_the_top(using: str) -> None:
    """JSON's own null is no NULL in the database, as with Django's field."""
    rows = Everything.objects.using(using)
    one = rows.create(json=Value(None, models.JSONField()))
    assert rows.filter(pk=one.pk, json__isnull=True).count() == 0
    assert rows.get(pk=one.pk).json is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("integer", "secret"), ("decimal", "secret"), ("decimal", Decimal(10) ** 20), ("date", "secret"),
     ("datetime", "secret"), ("boolean", "secret"), ("binary", "secret"), ("json", {"secret"}),
     ("text", "\ud800secret")],
)  # fmt: skip
def test_a_value_that_cannot_be_is_not_shown(using: str, name: str, value: object) -> None:
    """What a field cannot hold is an error that names field and type, and does not repeat the value."""
    with pytest.raises(ValueError, match=f"shop.Everything.{name} cannot hold") as caught:
        Everything.objects.using(using).create(**{name: value})
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_tables_that_extend_others(using: str) -> None:
    """With inheritance over two tables each value is bound in its own table."""
    one = Child.objects.using(using).create(secret="s", more="m")
    assert (Child.objects.using(using).get().secret, Child.objects.using(using).get().more) == ("s", "m")
    assert Parent.objects.using(using).get().child.more == "m"
    assert Child.objects.using(using).values_list("secret", "more").get() == ("s", "m")
    one.secret, one.more = "s2", "m2"
    one.save()
    assert Parent.objects.using(using).select_related("child").get().child.more == "m2"


def test_bound_columns_that_may_be_missing(using: str) -> None:
    """NULL is a value that can be bound to."""
    rows = Sealed.objects.using(using)
    for number, (tenant, region) in enumerate([(None, None), (0, ""), (5, None), (None, "é,:-")]):
        rows.create(name=f"n{number}", tenant=tenant, region=region, value=f"v{number}")
    assert {one.name: one.value for one in rows.all()} == {f"n{n}": f"v{n}" for n in range(4)}


def test_our_bulk_update_writes_nothing_for_another_owner(using: str, rows: Rows, owner: User) -> None:
    """An object that says another owner than its row is refused, and no row is changed."""
    two = rows.create(owner=owner, label="two", password="second")
    one = rows.get(label="one")
    one.password = two.password = "changed"
    one.owner = User.objects.using(using).create(username="bob")
    with pytest.raises(ValueError, match="owner"):
        bulk_update([two, one], ["password"], using=using)
    assert sorted(rows.values_list("password", flat=True)) == ["first", "second"]


def test_our_updates_of_many(using: str, rows: Rows, owner: User) -> None:
    """Batches are written one after the other, with other columns beside; NULL is a value."""
    rows.bulk_create([Account(owner=owner, label=str(n), password=f"p{n}", note="n") for n in range(23)])
    found = list(rows.all())
    for one in found:
        one.password, one.label = one.password.upper(), f"L{one.label}"
    assert bulk_update(found, ["password", "label"], batch_size=5, using=using) == 24
    assert {one.password for one in rows.all()} == {"FIRST", *(f"P{n}" for n in range(23))}
    assert all(label.startswith("L") for label in rows.values_list("label", flat=True))
    assert update(rows.filter(label="L3"), note=None, label="none") == 1
    assert rows.get(label="none").note is None
    assert update(rows.none(), password="x") == 0
    assert bulk_update([], ["password"]) == 0


def test_fixtures(using: str, rows: Rows, owner: User) -> None:
    """A fixture with plaintext is encrypted for its rows as it is loaded."""
    pk = str(Account().pk)
    fields = {"owner": owner.pk, "label": "loaded", "password": "from a fixture", "note": None}
    text = json.dumps([{"model": "shop.account", "pk": pk, "fields": fields}])
    with CaptureQueriesContext(connections[using]) as captured:
        for loaded in serializers.deserialize("json", text, using=using):
            loaded.save(using=using)
            assert loaded.object.password == "from a fixture"
    assert not any("from a fixture" in query["sql"] for query in captured)
    assert rows.get(pk=pk).password == "from a fixture"


def test_random_keys() -> None:
    """Keys fit into what JavaScript calls a number, and are not the same twice."""
    keys = {random_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert min(keys) > 0
    assert max(keys) <= 2**53
    assert max(keys) > 2**50


@pytest.mark.parametrize("is_stale", [True, False])
def test_a_value_is_not_written_for_another_owner_than_its_rows(using: str, owner: User, is_stale: bool) -> None:
    """An object that was read before its row was given away, or was given away itself and not saved."""
    rows, other = Account.objects.using(using), User.objects.using(using).create(username="other")
    one = rows.create(owner=owner, label="x", password="before")
    meanwhile = rows.get(pk=one.pk) if is_stale else one
    meanwhile.owner = other
    if is_stale:
        meanwhile.save(using=using)
    one.password = "after"
    with pytest.raises(DatabaseError), transaction.atomic(using=using):
        one.save(using=using, update_fields=["password"])
    assert rows.get(pk=one.pk).password == "before"
    one.save(using=using)
    assert rows.get(pk=one.pk).password == "after"


def test_a_value_is_not_written_for_another_text_than_its_rows(using: str) -> None:
    rows = Sealed.objects.using(using)
    one = rows.create(name="a", tenant=None, region="eu", value="before")
    one.value = "after"
    one.save(using=using, update_fields=["value"])
    assert rows.get(pk="a").value == "after"
    one.tenant = 3
    with pytest.raises(DatabaseError), transaction.atomic(using=using):
        one.save(using=using, update_fields=["value"])
    assert rows.get(pk="a").value == "after"
