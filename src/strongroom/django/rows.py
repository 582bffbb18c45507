"""Which row a value stands in: primary key and bound columns, as Python knows them and as the database says them.

Both spell a row in the same ASCII text, so that what a program encrypted opens with what the
database reads beside it. Source: docs/format.md#columns.
"""

from __future__ import annotations

from uuid import UUID

from django.db import NotSupportedError, models

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

NOTHING = "-"
"""In the place of a bound column that is NULL."""
END = b":"
VENDORS = ("sqlite", "postgresql")
_SEPARATOR = ","


def _integer(value: Any) -> str:
    return str(value if type(value) is int else int(value))


def _uuid(value: Any) -> str:
    return value.hex if type(value) is UUID else UUID(str(value)).hex


def _text(value: Any) -> str:
    if value is None:
        raise TypeError("None is no text")
    return str(value).encode("utf-8").hex().upper()


# kind of column: (its text from a Python value, its SQL on SQLite, its SQL on PostgreSQL)
# A column of SQLite's holds values of any type, whatever it was declared as: text with a comma and a colon in it
# could say another row, and bytes are spelled like the number or text that they are not equal to.
_SPELLINGS: dict[str, tuple[Callable[[Any], str], str, str]] = {
    # SQLite makes text of a number where it is put together with text.
    "integer": (_integer, "CASE typeof({0}) WHEN 'integer' THEN {0} ELSE '!' END", "{0}::text"),
    # 32 characters in front of what follows cannot be a UUID and more.
    "uuid": (
        _uuid,
        "CASE WHEN typeof({0}) = 'text' AND length({0}) = 32 THEN {0} ELSE '!' END",
        "replace({0}::text, '-', '')",
    ),
    # Text may hold what separates; hexadecimal digits do not.
    "text": (
        _text,
        "CASE typeof({0}) WHEN 'text' THEN hex({0}) ELSE '!' END",
        "upper(encode(convert_to({0}, 'UTF8'), 'hex'))",
    ),
}
"""SQLite says "!", which no row is, of what is stored as another type than its column's."""


class NotBindable(ValueError):
    """A column of a type whose text is not the same everywhere."""


class NoRow(ValueError):
    """An instance that says no row: it has no key yet, or one that its column cannot hold."""


def spelling(field: models.Field) -> str:
    """How the values of *field*, or of what it refers to, are spelled.

    Raises: NotBindable: neither integers, nor UUIDs, nor text.
    """
    target = field
    while target.is_relation:
        target = target.target_field
    if isinstance(target, models.UUIDField):
        return "uuid"
    if isinstance(target, models.IntegerField):
        return "integer"
    if isinstance(target, models.CharField | models.TextField) and not hasattr(target, "bind"):
        return "text"
    raise NotBindable(f"{target.__class__.__name__}: a value can be bound to integers, UUIDs and text")


def spelled(field: models.Field, value: Any) -> bytes:
    """*value* of *field* as it stands in a row.

    Raises: NotBindable: as `spelling`.
    """
    return _SPELLINGS[spelling(field)][0](value).encode("ascii")


def _reading(
    spells: Sequence[tuple[str, Callable[[Any], str]]], unusual: Callable[[models.Model], bytes]
) -> Callable[[models.Model], bytes]:
    """What spells the row of an instance whose columns are all there; *unusual* is asked where one is not."""
    (key, spell_key), *bound = spells
    if not bound:

        def of_key(instance: models.Model) -> bytes:
            try:
                return spell_key(instance.__dict__[key]).encode("ascii")
            except (KeyError, TypeError, ValueError):
                return unusual(instance)

        return of_key

    def of_columns(instance: models.Model) -> bytes:
        values = instance.__dict__
        try:
            row = spell_key(values[key])
            for attname, spell in bound:
                row += _SEPARATOR + spell(values[attname])
            return row.encode("ascii")
        except (KeyError, TypeError, ValueError):
            return unusual(instance)

    return of_columns


class Row:
    """How the rows of one model are spelled for one encrypted field: primary key, then what it is bound to.

    Args:
        model: of the table that has the column.
        bind: names of fields of the same table.

    Attributes:
        fields: the columns, in this order.
        of: the row that an instance is saved to; raises NoRow: it has no primary key yet, or a value that its
            column cannot hold. A function made for the model, as every value that is written asks it.
        said: SQL that was put together before, by the column's own and the database's kind.

    Raises: NotBindable, FieldDoesNotExist: a column that cannot be bound to.
    """

    __slots__ = ("_parts", "fields", "of", "said")

    def __init__(self, model: type[models.Model], bind: tuple[str, ...]) -> None:
        meta = model._meta
        self.said: dict[tuple[str, str], str] = {}
        self.fields = (*meta.pk_fields, *(meta.get_field(name) for name in bind))
        self._parts = tuple((field.attname, *_SPELLINGS[spelling(field)], field.null) for field in self.fields)
        self.of = _reading([(attname, spell) for attname, spell, *_rest in self._parts], self._of_unusual)

    def _of_unusual(self, instance: models.Model) -> bytes:
        """The row of an instance that was loaded in part, or is bound to NULL; or what is wrong with it."""
        values = instance.__dict__
        spelled = []
        for attname, spell, _sqlite, _postgres, nullable in self._parts:
            value = values[attname] if attname in values else getattr(instance, attname)
            if value is None:
                if not nullable:
                    raise NoRow(f"{attname} has no value yet, and encrypted values are bound to it")
                spelled.append(NOTHING)
            else:
                try:
                    spelled.append(spell(value))
                except (TypeError, ValueError):
                    raise NoRow(f"{attname} is a {type(value).__name__} that its column cannot hold") from None
        return _SEPARATOR.join(spelled).encode("ascii")

    def sql(self, column: str, quoted: Callable[[models.Field], str], vendor: str) -> str:
        """What selects the row in front of *column*, in one value.

        Args:
            column: SQL of the encrypted column itself.
            quoted: SQL of another column of the same row.
            vendor: of the database.

        Raises: NotSupportedError: neither SQLite nor PostgreSQL.
        """
        if vendor not in VENDORS:
            raise NotSupportedError(f"encrypted fields work on SQLite and PostgreSQL, not on {vendor}")
        spelled = []
        for field, (_attname, _spell, sqlite, postgres, nullable) in zip(self.fields, self._parts, strict=True):
            said = (sqlite if vendor == "sqlite" else postgres).format(quoted(field))
            # Not COALESCE: SQLite makes empty text of hex(NULL).
            spelled.append(f"CASE WHEN {quoted(field)} IS NULL THEN '{NOTHING}' ELSE {said} END" if nullable else said)
        row = f" || '{_SEPARATOR}' || ".join(spelled)
        if vendor == "sqlite":
            return f"CAST({row} || ':' || {column} AS BLOB)"
        return f"(convert_to({row} || ':', 'UTF8') || {column})"
