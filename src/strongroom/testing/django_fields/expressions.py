"""What a program may do with a column beside ``save()`` and ``get()``, and what becomes of the value then."""

from __future__ import annotations

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Case, F, Max, Subquery, Value, When
from django.db.models.functions import Coalesce, Concat, Length, Upper

from strongroom.testing.django_fields.kinds import is_same, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db import models

    from strongroom.testing.django_fields.subject import Subject

    Write = Callable[[models.QuerySet, models.Model], object]
    Read = Callable[[models.QuerySet, models.Model], object]

WORKS = "works"
REFUSES = "refuses"


def expressions(subject: Subject) -> dict[str, str]:
    """What became of each; ``works`` and ``refuses`` are good answers."""
    done = {name: _written(subject, write, expected) for name, (write, expected) in _writes(subject).items()}
    return done | {name: _read(subject, read, expected) for name, (read, expected) in _reads(subject).items()}


def _writes(subject: Subject) -> dict[str, tuple[Write, object]]:
    fresh, second = subject.kind.fresh, subject.second

    def bulk_update(rows: models.QuerySet, row: models.Model) -> None:
        row.a = fresh
        subject.rows.bulk_update([row], ["a"])

    def update_or_create(rows: models.QuerySet, row: models.Model) -> None:
        subject.rows.update_or_create(id=row.pk, defaults={"a": fresh})

    def saved_expression(rows: models.QuerySet, row: models.Model) -> None:
        row.a = F("b")
        row.save(using=subject.using)

    writes: dict[str, tuple[Write, object]] = {
        "update(value)": (lambda rows, row: rows.update(a=fresh), fresh),
        "update(F)": (lambda rows, row: rows.update(a=F("b")), second),
        "update(Case)": (
            lambda rows, row: rows.update(a=Case(When(owner=1, then=Value(fresh)), default=F("b"))), fresh,
        ),
        "bulk_update": (bulk_update, fresh),
        "update_or_create": (update_or_create, fresh),
        "save(F)": (saved_expression, second),
    }  # fmt: skip
    writes |= _inserts(subject)
    if isinstance(second, str):
        writes["update(Upper)"] = (lambda rows, row: rows.update(a=Upper("b")), second.upper())
    return writes


def _inserts(subject: Subject) -> dict[str, tuple[Write, object]]:
    fresh = subject.kind.fresh

    def bulk_create(rows: models.QuerySet, row: models.Model) -> None:
        rows.delete()
        subject.rows.bulk_create([subject.model(id=row.pk, a=fresh)])

    def upsert(rows: models.QuerySet, row: models.Model) -> None:
        again = subject.model(id=row.pk, a=fresh)
        subject.rows.bulk_create([again], update_conflicts=True, unique_fields=["id"], update_fields=["a"])

    def upsert_of_another_key(rows: models.QuerySet, row: models.Model) -> None:
        # The row that is there keeps its key, and gets the value of one that was never inserted.
        other = subject.model(a=fresh, number=row.number)
        subject.rows.bulk_create([other], update_conflicts=True, unique_fields=["number"], update_fields=["a"])

    def get_or_create(rows: models.QuerySet, row: models.Model) -> None:
        rows.delete()
        subject.rows.get_or_create(id=row.pk, defaults={"a": fresh})

    return {
        "bulk_create": (bulk_create, fresh),
        "bulk_create(update_conflicts)": (upsert, fresh),
        "bulk_create(update_conflicts, other key)": (upsert_of_another_key, fresh),
        "get_or_create": (get_or_create, fresh),
    }


def _reads(subject: Subject) -> dict[str, tuple[Read, object]]:
    first = subject.first
    table = subject.connection.ops.quote_name(subject.model._meta.db_table)

    def union(rows: models.QuerySet, row: models.Model) -> object:
        both = rows.values_list("a", flat=True).union(rows.values_list("b", flat=True), all=True)
        return next((value for value in both if is_same(value, first)), "another value")

    return {
        "only": (lambda rows, row: rows.only("a").get().a, first),
        "defer": (lambda rows, row: rows.defer("a").get().a, first),
        "values": (lambda rows, row: rows.values("a").get()["a"], first),
        "iterator": (lambda rows, row: next(rows.iterator()).a, first),
        "annotate(F)": (lambda rows, row: rows.annotate(x=F("a")).get().x, first),
        "annotate(Coalesce)": (lambda rows, row: rows.annotate(x=Coalesce("a", "b")).get().x, first),
        "annotate(Concat)": (lambda rows, row: rows.annotate(x=Concat("a", Value(""))).get().x, first),
        "annotate(Length)": (lambda rows, row: rows.annotate(x=Length("a")).get().x, len(str(first))),
        "aggregate(Max)": (lambda rows, row: rows.aggregate(x=Max("a"))["x"], first),
        "Subquery": (lambda rows, row: rows.annotate(x=Subquery(rows.values("a")[:1])).get().x, first),
        "union": (union, first),
        "raw": (
            lambda rows, row: next(iter(
                subject.rows.raw(f"SELECT * FROM {table} WHERE id = %s", [subject._key(row)])  # noqa: S608
            )).a,
            first,
        ),
    }  # fmt: skip


def _written(subject: Subject, write: Write, expected: object) -> str:
    row = subject.pair()
    rows = subject.rows.filter(pk=row.pk)
    try:
        write(rows, row)
    except Exception:
        # Refused: then nothing may have changed, unless the row was deleted for the attack's own sake.
        kept = not rows.exists() or _value(subject, row) == (True, subject.first)
        return REFUSES if kept else "fails and loses the value"
    if shown(expected) in shown(subject.stored(row)):
        return "stores plaintext"
    was_read, value = _value(subject, row)
    return WORKS if was_read and is_same(value, expected) else "corrupts"


def _value(subject: Subject, row: models.Model) -> tuple[bool, object]:
    try:
        return True, subject.rows.get(pk=row.pk).a
    except ObjectDoesNotExist:
        raise
    except Exception:
        return False, None


def _read(subject: Subject, read: Read, expected: object) -> str:
    row = subject.pair()
    try:
        value = read(subject.rows.filter(pk=row.pk), row)
    except Exception:
        return REFUSES
    if is_same(value, expected):
        return WORKS
    stored = shown(subject.stored(row))
    return "hands out the stored bytes" if shown(value) == stored else "gives another value"


def lookups(subject: Subject) -> dict[str, str]:
    """Of each look-up by value: ``finds``, ``refuses``, or a word for a wrong answer."""
    row = subject.pair()
    others = [subject.add(subject.second) for _ in range(3)]
    cases: dict[str, dict[str, object]] = {"exact": {"a": subject.first}, "in": {"a__in": [subject.first]}}
    if isinstance(subject.first, str):
        cases |= {"contains": {"a__contains": subject.first[2:12]}, "startswith": {"a__startswith": subject.first[:12]}}
    wanted = subject.rows.filter(pk__in=[row.pk, *(other.pk for other in others)])
    return {name: _looked_up(wanted, conditions, row) for name, conditions in cases.items()}


def _looked_up(rows: models.QuerySet, conditions: dict[str, object], row: models.Model) -> str:
    try:
        found = list(rows.filter(**conditions).values_list("pk", flat=True))
    except Exception:
        return REFUSES
    if found == [row.pk]:
        return "finds"
    return "finds nothing" if not found else "finds others"
