"""What happens while Django puts an INSERT or an UPDATE together: the one place that all of them pass.

An UPDATE, and an INSERT that may become one, is shown to whoever watches the columns that it writes (`guards`).

For an INSERT of many values, random bytes are drawn together. A process that forks has twice what it drew ahead, and
with it nonces: so it is drawn for one statement, used while its values are encrypted, and thrown away.
"""

from __future__ import annotations

from functools import wraps

from django.db.models.constants import OnConflict
from django.db.models.sql.compiler import SQLInsertCompiler, SQLUpdateCompiler

from strongroom.crypto.columns import Draws
from strongroom.django.fields.base import EncryptedField
from strongroom.django.fields.messages import draws_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from django.db import models


def install() -> None:
    """Look at every statement from now on; once in a process."""
    insert, update = SQLInsertCompiler.as_sql, SQLUpdateCompiler.as_sql
    if getattr(insert, "is_watched", False):
        return

    @wraps(insert)
    def inserted(self: Any, *arguments: Any, **options: Any) -> Any:
        query = self.query
        fields = query.fields or ()
        if query.on_conflict is OnConflict.UPDATE:
            _ask(fields, self)
        values = sum(isinstance(field, EncryptedField) for field in fields) * len(query.objs)
        if values < 2:
            return insert(self, *arguments, **options)
        draws = Draws(values)
        token = draws_here.set(draws)
        try:
            return insert(self, *arguments, **options)
        finally:
            draws_here.reset(token)
            draws.end()

    @wraps(update)
    def updated(self: Any, *arguments: Any, **options: Any) -> Any:
        _ask([field for field, _model, _value in self.query.values], self)
        return update(self, *arguments, **options)

    inserted.is_watched = True  # type: ignore[attr-defined]
    SQLInsertCompiler.as_sql, SQLUpdateCompiler.as_sql = inserted, updated


def _ask(written: Iterable[models.Field], compiler: Any) -> None:
    for field in written:
        for check in getattr(field, "strongroom_checks", ()):
            check(compiler)
