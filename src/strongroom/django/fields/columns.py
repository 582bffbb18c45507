"""The encrypted column in a query: selected together with the row that it stands in."""

from __future__ import annotations

from django import VERSION
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models.expressions import Col, Subquery
from django.db.models.sql import Query

from strongroom.django.keys import is_open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from strongroom.django.fields.base import EncryptedField


_SAID_MAX = 256


class EncryptedColumn(Col):  # type: ignore[misc]  # Django carries no types
    """A column whose values are decrypted when a query selects it as it is.

    `select_format` is asked for what stands in a select list, and for nothing else. Where it was not
    asked (``raw()``), the bytes are no row and message of the database's own making, and are refused: who
    can write into the column could otherwise write both.
    """

    has_row = False

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """The row, then the column."""
        if compiler.query.combinator:
            raise NotSupportedError(
                f"{self.target.where} cannot be read through union(), intersection() or difference(); "
                "combine conditions with Q, or read one queryset after the other"
            )
        self.has_row = True
        said: dict[tuple[str, str], str] = self.target.row.said
        key = (sql, compiler.connection.vendor)
        text = said.get(key)
        if text is None:
            # Aliases are few; whoever makes many of them pays for it.
            if len(said) >= _SAID_MAX:
                said.clear()
            text = said[key] = self._with_row(compiler, sql)
        return text, params

    def _with_row(self, compiler: Any, sql: str) -> str:
        quote = compiler.quote_name if VERSION >= (6, 1) else compiler.quote_name_unless_alias

        def quoted(field: Any) -> str:
            return f"{quote(self.alias)}.{quote(field.column)}" if self.alias else str(quote(field.column))

        text: str = self.target.row.sql(sql, quoted, compiler.connection.vendor)
        return text

    def get_group_by_cols(self) -> list[Any]:
        """The row's columns too, as they are selected with it."""
        return [self, *(field.get_col(self.alias) for field in self.target.row.fields)]

    def get_db_converters(self, _connection: Any) -> list[Callable[..., Any]]:
        """What decrypts."""
        if not self.has_row:
            return [_refusal(self.target, "raw()")]
        return [self.target.opener() if is_open() else _opening(self.target)]


def _opening(field: EncryptedField) -> Callable[[Any, Any, Any], Any]:
    """A converter that opens the vault at the first value: a table without any, as migrations have it, needs none."""

    def convert(value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else field.opener()(value, expression, connection)

    return convert


def refuse_or_open(field: EncryptedField) -> Callable[[Any, Any, Any], Any]:
    """The converter for an expression that says its values are *field*'s."""

    def convert(value: Any, expression: Any, connection: Any) -> Any:
        if value is None:
            return None
        # Django 6.1 hands over the subquery's own query.
        query = expression.query if isinstance(expression, Subquery) else expression
        selected: Any = query.select if isinstance(query, Query) else ()
        if len(selected) == 1 and isinstance(selected[0], EncryptedColumn) and selected[0].target is field:
            return selected[0].get_db_converters(connection)[0](value, expression, connection)
        return _refusal(field, type(expression).__name__)(value, expression, connection)

    return convert


def _refusal(field: EncryptedField, what: str) -> Callable[[Any, Any, Any], Any]:
    def refuse(value: Any, _expression: Any, _connection: Any) -> None:
        if value is not None:
            raise FieldError(
                f"{field.where} is encrypted: {what} gives no value of it; "
                "select the field itself, with a queryset, values() or F(), and compute in Python"
            )

    return refuse
