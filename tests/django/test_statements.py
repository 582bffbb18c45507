"""What is drawn for an INSERT of many rows: once for all of them, and nothing of it is left afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.crypto import columns
from strongroom.crypto.entropy import random_bytes
from tests.django import project

project.configure()

from django.db import connections  # noqa: E402 - once Django is configured

from strongroom.django.fields import messages  # noqa: E402
from tests.django.shop.models import Everything, Left  # noqa: E402


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes messages asked the system for, call by call."""
    found: list[int] = []

    def counting(length: int) -> bytes:
        found.append(length)
        return random_bytes(length)

    monkeypatch.setattr(columns, "random_bytes", counting)
    return found


def stored(using: str, table: str, column: str) -> list[bytes]:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table}")
        return [bytes(row[0]) for row in cursor.fetchall()]


def test_rows_of_one_statement_draw_together(using: str, asked: list[int]) -> None:
    """Fifty rows, two values each: one call for each statement, and a hundred different nonces."""
    rows = [Everything(char=f"char {number}", text=f"text {number}") for number in range(50)]
    Everything.objects.using(using).bulk_create(rows, batch_size=25)
    # Eleven encrypted columns, of which nine are NULL.
    assert asked == [11 * 25 * 13] * 2
    data = stored(using, "shop_everything", "char") + stored(using, "shop_everything", "text")
    assert len({one[8:21] for one in data}) == 100
    found = Everything.objects.using(using).values_list("char", "text")
    assert set(found) == {(f"char {number}", f"text {number}") for number in range(50)}
    assert messages.draws_here.get() is None


def test_one_row_draws_its_own(using: str, asked: list[int]) -> None:
    """A single object is saved as before, and an update too."""
    one = Left.objects.using(using).create(secret="s")
    one.secret = "t"
    one.save()
    # Django 6.1 asks a field twice for what it updates.
    assert set(asked) == {13}
    assert len(asked) >= 2


def test_nothing_is_left_of_a_statement_that_failed(
    using: str, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither here nor with whoever kept it."""
    kept: list[Any] = []
    draws = columns.Draws

    def keeping(count: int) -> Any:
        kept.append(draws(count))
        return kept[0]

    monkeypatch.setattr("strongroom.django.statements.Draws", keeping)
    with pytest.raises(ValueError, match="cannot hold"):
        Left.objects.using(using).bulk_create([Left(secret="s"), Left(secret="\ud800"), Left(secret="t")])
    assert messages.draws_here.get() is None
    assert not kept[0]._drawn
    assert asked == [3 * 13]


def test_the_statements_are_watched_once() -> None:
    """Installing again changes nothing."""
    from django.db.models.sql.compiler import SQLInsertCompiler, SQLUpdateCompiler

    from strongroom.django.statements import install

    before = SQLInsertCompiler.as_sql, SQLUpdateCompiler.as_sql
    install()
    assert (SQLInsertCompiler.as_sql, SQLUpdateCompiler.as_sql) == before
