"""What no field is asked about: querysets that are printed or pickled, and databases that compute with ciphertext.

``repr(queryset)`` runs the query and shows its rows, in a debugger, a log, an error page; of model objects it shows
no field, but of ``values()`` and ``values_list()`` it shows all. Such a queryset is shown by its columns.

``F("age") + 1``, ``Length("name")`` and ``order_by("name")`` give an answer for any column, and of an encrypted one a
wrong answer without a word: they raise FieldError. So do ``filter(label=F("name"))``, ``Count("name", distinct=True)``,
and ``update(label=F("name"))``, which would write ciphertext into another column.
"""

from __future__ import annotations

from functools import wraps

from django.core.exceptions import FieldError
from django.db.models import Case, Count, ExpressionWrapper, Func, Lookup, OrderBy, QuerySet, Subquery, When
from django.db.models.expressions import BaseExpression, CombinedExpression
from django.db.models.query import ModelIterable
from django.db.models.sql import Query, UpdateQuery

from strongroom.django.fields.columns import EncryptedColumn
from strongroom.django.fields.searching import BlindToken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_COMPUTES = (Func, CombinedExpression, ExpressionWrapper, Case, When, OrderBy)
# How many there are can be said of ciphertext; the index is made of it.
_MAY = (Count, BlindToken)


def hidden_columns(queryset: Any) -> list[str]:
    """The encrypted fields whose values stand openly in the rows of *queryset*."""
    query = queryset.query
    selected = [*query.annotation_select.values()]
    if not issubclass(queryset._iterable_class, ModelIterable):
        selected += query.select
    return [one.target.where for one in selected if isinstance(one, EncryptedColumn)]


def install() -> None:
    """Have every queryset look at what it holds first; once in a process."""
    if getattr(QuerySet.__repr__, "hides", False):
        return
    show, state_of = QuerySet.__repr__, QuerySet.__getstate__

    @wraps(show)
    def shown(self: Any) -> str:
        hidden = hidden_columns(self)
        return f"<{type(self).__name__} with values of {', '.join(hidden)}>" if hidden else str(show(self))

    @wraps(state_of)
    def state(self: Any) -> Any:
        hidden = hidden_columns(self)
        if hidden:
            raise TypeError(f"a queryset with values of {', '.join(hidden)} cannot be pickled; pickle its objects")
        return state_of(self)

    resolve = BaseExpression.resolve_expression

    @wraps(resolve)
    def resolved(self: Any, *arguments: Any, **options: Any) -> Any:
        expression = resolve(self, *arguments, **options)
        if isinstance(expression, _COMPUTES) and not (isinstance(expression, _MAY) and not _is_distinct(expression)):
            _refuse_ciphertext(expression)
        return expression

    shown.hides = True  # type: ignore[attr-defined]
    QuerySet.__repr__, QuerySet.__getstate__ = shown, state
    BaseExpression.resolve_expression = resolved
    _install_refusals()


def _install_refusals() -> None:
    add_values, process_rhs = UpdateQuery.add_update_fields, Lookup.process_rhs

    @wraps(add_values)
    def added(self: Any, values: Any) -> None:
        before = len(self.values)
        add_values(self, values)
        for column, _model, value in self.values[before:]:
            if not hasattr(column, "bound_as"):
                _refuse_copy(value, f"copied into {column.name}")

    @wraps(process_rhs)
    def processed(self: Any, *arguments: Any, **options: Any) -> Any:
        # Not when the look-up is made: an OuterRef becomes a column later.
        _refuse_copy(self.rhs, "compared with another column")
        return process_rhs(self, *arguments, **options)

    UpdateQuery.add_update_fields, Lookup.process_rhs = added, processed


def _refuse_copy(value: Any, what: str) -> None:
    """Refuse ciphertext where a value is meant: nothing is equal to it, and no other column can hold it."""
    query = value.query if isinstance(value, Subquery) else value
    sources = (*query.select, *query.annotation_select.values()) if isinstance(query, Query) else (query,)
    for source in sources:
        if isinstance(source, EncryptedColumn):
            raise FieldError(
                f"{source.target.where} is encrypted and opens in its row alone: it cannot be {what}; "
                "read the values and do it in Python"
            )


def _is_distinct(expression: Any) -> bool:
    return bool(getattr(expression, "distinct", False))


def _refuse_ciphertext(expression: Any) -> None:
    for source in expression.get_source_expressions():
        if isinstance(source, EncryptedColumn):
            kind = Case if isinstance(expression, When) else type(expression)
            raise FieldError(
                f"{source.target.where} is encrypted and opens in its row alone: the database cannot sort by it or "
                f"compute with it ({kind.__name__}); read the values and do it in Python"
            )
