"""The blind index: 16 bytes in front of each message of a searchable column, with an ordinary index over them.

They lie in the column itself, so that no way of writing it leaves them behind.
"""

from __future__ import annotations

from django.db import models
from django.utils.deconstruct import deconstructible

from strongroom.crypto.columns import TOKEN_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from strongroom.django.fields.base import EncryptedField

_NAME_MAX = 30
_START = 9
"""SQL counts from 1; in front of the token stand magic and version."""


def token_sql(column: str) -> str:
    """SQL of the token in *column*; look-ups and the index must say it in the same words."""
    return f"SUBSTR({column}, {_START}, {TOKEN_BYTES})"


@deconstructible(path="strongroom.django.BlindToken")
class BlindToken(models.Func):  # type: ignore[misc]  # Django carries no types
    """The blind index of a searchable field, for ``Meta.indexes``; models get theirs by themselves."""

    arity = 1
    template = token_sql("%(expressions)s")
    output_field = models.BinaryField()


def index_of(field: EncryptedField) -> models.Index:
    """The index over the tokens of *field*."""
    meta = field.model._meta
    full = f"{meta.db_table}_{field.column}_blind"
    name = full
    if len(full) > _NAME_MAX:
        from django.db.backends.utils import names_digest

        name = f"{meta.db_table[:9]}_{field.column[:7]}_{names_digest(full, length=6)}_blind"
    # Index names begin with a letter.
    name = name if name[0].isalpha() else f"i{name[1:]}"
    return models.Index(BlindToken(field.name), name=name)


def add_index(field: EncryptedField, options: Any) -> None:
    """Put the index of *field* among its model's, where migrations look for them."""
    index = index_of(field)
    if all(one.name != index.name for one in options.indexes):
        options.indexes = [*options.indexes, index]
        options.original_attrs["indexes"] = options.indexes
