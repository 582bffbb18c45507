"""What an encrypted column can be looked up by: whether it is NULL, and its blind index when it has one."""

from __future__ import annotations

from django.core.exceptions import FieldError
from django.db.models import Lookup

from strongroom.django.fields.searching import token_sql

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from strongroom.django.fields.base import EncryptedField


class _BlindLookup(Lookup):  # type: ignore[misc]  # Django carries no types
    """Rows whose index is that of a value, under any version of the key in use."""

    prepare_rhs = False
    can_use_none_as_rhs = False

    def get_prep_lookup(self) -> Any:
        """The tokens that are looked for; the value itself does not stay in the query."""
        if self.rhs is None:
            return None
        field = self.lhs.output_field
        if hasattr(self.rhs, "resolve_expression"):
            raise FieldError(f"{field.where} is encrypted: {self.lookup_name} takes values, not expressions")
        return [token for value in self._values() for token in field.tokens(value)]

    def _values(self) -> list[Any]:
        return [self.rhs]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """``SUBSTR(column, 9, 16)`` compared with each token, as the index has it."""
        sql, params = compiler.compile(self.lhs)
        tokens = [connection.Database.Binary(token) for token in self.rhs]
        if not tokens:
            from django.core.exceptions import EmptyResultSet

            raise EmptyResultSet
        places = ", ".join(["%s"] * len(tokens))
        return f"{token_sql(sql)} IN ({places})", [*params, *tokens]


class BlindExact(_BlindLookup):
    """``field=value``"""

    lookup_name = "exact"


class BlindIn(_BlindLookup):
    """``field__in=[...]``; None finds nothing, as in SQL."""

    lookup_name = "in"

    def _values(self) -> list[Any]:
        return [value for value in self.rhs if value is not None]


def searching_lookup(name: str) -> type[_BlindLookup]:
    """The lookup of that name for a field with a blind index."""
    return BlindExact if name == "exact" else BlindIn


def refused_lookup(field: EncryptedField, name: str) -> type[Lookup]:
    """A lookup that raises FieldError when it is made: never an empty result instead of an answer."""

    class Refused(Lookup):  # type: ignore[misc]
        lookup_name = name

        def __init__(self, lhs: Any, rhs: Any) -> None:
            if rhs is None and name in ("exact", "iexact"):
                # Django makes `isnull` of it next.
                self.lhs, self.rhs = lhs, rhs
                return
            can = "exact, in and isnull" if field.searchable else "isnull; searchable=True adds exact and in"
            raise FieldError(f"{field.where} is encrypted and cannot be looked up by {name}: it has {can}")

    return Refused
