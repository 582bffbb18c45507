"""Querysets that hold values of encrypted fields, when somebody prints or pickles them.

``repr(queryset)`` runs the query and shows its rows, in a debugger, a log, an error page; of model objects it shows
no field, but of ``values()`` and ``values_list()`` it shows all. Such a queryset is shown by its columns.
"""

from __future__ import annotations

from functools import wraps

from django.db.models import QuerySet
from django.db.models.query import ModelIterable

from strongroom.django.fields.columns import EncryptedColumn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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

    shown.hides = True  # type: ignore[attr-defined]
    QuerySet.__repr__, QuerySet.__getstate__ = shown, state
