"""What every encrypted field does: its column holds messages that open in their own row and column alone.

A value is encrypted in `pre_save`, where the instance is known, and nowhere else: whatever reaches
the database on another way is refused. It is decrypted from the row that the database gives with it
(`columns`), never from what an instance says; what stands there is made in `messages`.
Source: docs/format.md#columns, docs/decisions/0022 and 0027.
"""

from __future__ import annotations

from functools import cached_property

from django.core import checks
from django.core.exceptions import FieldError
from django.db import NotSupportedError, models
from django.db.models.lookups import IsNull
from django.db.models.signals import class_prepared

from strongroom.django.fields import messages
from strongroom.django.fields.columns import EncryptedColumn, refuse_or_open
from strongroom.django.fields.hiding import Hiding
from strongroom.django.fields.lookups import refused_lookup, searching_lookup
from strongroom.django.fields.messages import Encrypted
from strongroom.django.guards import prepare_model
from strongroom.django.keys import Column, field_keys
from strongroom.django.rows import VENDORS, Row
from strongroom.errors import Denied, StrongroomError, Tampered, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    from strongroom.django.fields.messages import Opener, Sealer


__all__ = ["Encrypted", "EncryptedField"]


class EncryptedField(Hiding, models.Field):  # type: ignore[misc]  # Django carries no types
    """Mixed in front of one of Django's fields; `strongroom.django.fields` has the classes to use.

    Args:
        bind: fields of the same model whose values belong to the context, such as the owner.
        not_bound: foreign keys to the user that are not bound on purpose, each with the reason.
        bound_as: ``"table.column"`` of the time when the values were encrypted, for a column that was
            renamed since.
        searchable: whether `exact` and `in` find values, by a keyed index in the same column.
        normalize: what makes values alike that are to be found by each other: ``"casefold"``, or a function
            that migrations can import. Changing it takes an `EncryptField`.
    """

    kind: int
    """The number of the type inside the message; see docs/format.md#columns."""
    usual_type: type | None = None
    """Of values that `to_bytes` takes as they are, so that nothing else has to be looked at."""
    # Made of one reading of the keys, and replaced together with it, each in one assignment.
    _column: Column | None = None
    _opening: tuple[Column | None, Opener | None] = (None, None)
    _sealing: tuple[Column | None, Sealer | None] = (None, None)
    own_keys: Column | None = None
    """In the place of the process's keys; the canary's."""
    keys_of_users = False
    """Whether each value is under its owner's key, which the process does not have."""

    if TYPE_CHECKING:
        # What an attribute of a model gives and takes is the value.
        def __get__(self, instance: Any, owner: Any) -> Any: ...
        def __set__(self, instance: Any, value: Any) -> None: ...

    def __init__(
        self,
        *args: Any,
        bind: Sequence[str] = (),
        not_bound: dict[str, str] | None = None,
        bound_as: str | None = None,
        searchable: bool = False,
        normalize: Callable[[Any], Any] | Literal["casefold"] | None = None,
        **options: Any,
    ) -> None:
        if isinstance(bind, str):
            raise TypeError("bind is a sequence of field names, not one name")
        if normalize is not None and not searchable:
            raise TypeError("normalize is for fields with searchable=True")
        if isinstance(normalize, str) and normalize != "casefold":
            raise TypeError('normalize is "casefold" or a function')
        self.bind = tuple(bind)
        self.not_bound = dict(not_bound or {})
        self.bound_as = bound_as
        self.searchable = searchable
        self.normalize = normalize
        super().__init__(*args, **options)

    # What migrations write down: no key, and nothing made of one.

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """As `models.Field.deconstruct`."""
        name, _path, args, kwargs = super().deconstruct()
        said = {"bind": self.bind, "bound_as": self.bound_as, "searchable": self.searchable}
        kwargs.update({key: value for key, value in said.items() if value})
        if self.normalize is not None:
            kwargs["normalize"] = self.normalize
        return name, f"strongroom.django.{type(self).__qualname__}", args, kwargs

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """As `models.Field.contribute_to_class`; what else the model needs is done once it is complete."""
        # A copy of another model's field has that one's.
        self.__dict__.pop("row", None)
        self.__dict__.pop("place", None)
        super().contribute_to_class(cls, name, private_only=private_only)
        if not cls._meta.abstract:
            class_prepared.connect(prepare_model, sender=cls, weak=False, dispatch_uid="strongroom.prepare_model")

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """As `models.Field.check`."""
        from strongroom.django.field_checks import check_field

        return [*super().check(**kwargs), *check_field(self, kwargs.get("databases") or ())]

    # The column.

    def get_internal_type(self) -> str:
        """The column holds bytes, whatever the values are."""
        return "BinaryField"

    def get_col(self, alias: str | None, output_field: models.Field | None = None) -> EncryptedColumn:
        """The column in a query, with what it takes to read it; a new one each time, as it remembers its query."""
        return EncryptedColumn(alias, self, output_field or self)

    @cached_property
    def row(self) -> Row:
        """How the rows of the model are spelled."""
        return Row(self.model, self.bind)

    @cached_property
    def place(self) -> tuple[str, str]:
        """Table and column, as values are bound to them."""
        if self.bound_as:
            table, _, column = self.bound_as.rpartition(".")
            return table, column
        return self.model._meta.db_table, self.column

    @property
    def where(self) -> str:
        """The field's name for messages."""
        model = getattr(self, "model", None)
        return type(self).__name__ if model is None else f"{model._meta.label}.{self.name}"

    def column_keys(self) -> Column:
        """The keys of this column, as this process has them."""
        if self.own_keys is not None:
            return self.own_keys
        column = self._column
        if column is None or not column.is_current():
            column = self._column = field_keys().column(self.place)
        return column

    # To the database.

    def to_bytes(self, value: Any) -> bytes:
        """*value*, which is not None, as bytes; each field its own way."""
        raise NotImplementedError

    def from_bytes(self, data: bytes) -> Any:
        """The value that `to_bytes` made *data* of."""
        raise NotImplementedError

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value of *model_instance*, encrypted for its row."""
        value = getattr(model_instance, self.attname) if self._is_attribute else super().pre_save(model_instance, add)
        if value is None:
            return None
        column, seal = self._sealing
        if column is None or seal is None or not column.is_current():
            seal = self._sealer()
        encrypted = seal(value, model_instance)
        if not add:
            encrypted.instance = model_instance
        return encrypted

    @cached_property
    def _is_attribute(self) -> bool:
        """Whether what is saved is what stands in the instance; a date may be made at that moment."""
        after = type(self).__mro__[type(self).__mro__.index(EncryptedField) + 1 :]
        return next(one for one in after if "pre_save" in vars(one)) is models.Field

    def encrypted(self, value: Any, instance: models.Model) -> Encrypted | None:
        """*value* encrypted for the row of *instance*; None stays None.

        Raises: ValueError: no value of this field, or the row's key is not known yet. FieldError: an expression.
        """
        if value is None:
            return None
        return self._sealer()(value, instance)

    def _sealer(self) -> Sealer:
        """What encrypts under the keys of this moment."""
        column = self.column_keys()
        known, seal = self._sealing
        if seal is None or column is not known:
            seal = messages.sealer(self, column)
            self._sealing = (column, seal)
        return seal

    def tokens(self, value: Any) -> list[bytes]:
        """What the blind index of *value* may be, one for each version of the key in use."""
        return self.column_keys().tokens(self._searched(value))

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """What `pre_save` encrypted, or NULL.

        Raises: FieldError: anything else: it comes from a way on which the row is not known.
        """
        if type(value) is Encrypted and connection.vendor == "sqlite":
            # The one type of bytes that its driver takes as it is, without looking for an adapter first.
            return bytearray(value)
        return self.get_db_prep_value(value, connection)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """As `get_db_prep_save`."""
        if value is None or getattr(value, "is_encrypted", False):
            return value
        if type(value) is not Encrypted:
            raise FieldError(
                f"{self.where} is bound to its row, which is not known here: save() each object, or take "
                "strongroom.django.update(queryset, ...) or strongroom.django.bulk_update(objects, fields)"
            )
        if connection.vendor not in VENDORS:
            raise NotSupportedError(f"encrypted fields work on SQLite and PostgreSQL, not on {connection.vendor}")
        return connection.Database.Binary(bytes(value))

    # From the database.

    def get_db_converters(self, connection: Any) -> list[Callable[..., Any]]:
        """For expressions other than the column itself: refused, unless they give it unchanged."""
        return [refuse_or_open(self)]

    def opener(self) -> Opener:
        """What turns the row and the message that the database gives into the value, for one query."""
        column = self.column_keys()
        known, opener = self._opening
        if opener is None or column is not known:
            opener = messages.opener(self, column)
            self._opening = (column, opener)
        return opener

    def _named(self, error: StrongroomError, row: bytes) -> StrongroomError:
        kind = type(error) if isinstance(error, Tampered | WrongKey | Denied) else StrongroomError
        advice = error.advice
        if isinstance(error, Tampered):
            advice = "if the table or the column was renamed, say bound_as= on the field; else restore the row"
        return kind(f"{self.where} of the row {row.decode('ascii', 'replace')}: {error.message}", advice=advice)

    def _plain(self, value: Any) -> bytes:
        if hasattr(value, "resolve_expression"):
            raise FieldError(f"{self.where} is encrypted: it takes values, not expressions")
        try:
            return self.to_bytes(value)
        except Exception:
            # `from None`: Django's own errors hold the value.
            raise ValueError(f"{self.where} cannot hold this {type(value).__name__}") from None

    def _searched(self, value: Any) -> bytes:
        if self.normalize is not None:
            value = str(value).casefold() if self.normalize == "casefold" else self.normalize(value)
        return self._plain(value)

    # Looking up.

    def get_lookup(self, lookup_name: str) -> Any:
        """`isnull`; with ``searchable=True`` also `exact` and `in`. All others raise FieldError when they are made."""
        if lookup_name == "isnull":
            return IsNull
        if self.searchable and lookup_name in ("exact", "in"):
            return searching_lookup(lookup_name)
        return refused_lookup(self, lookup_name)

    def get_transform(self, _lookup_name: str) -> None:
        """There are none: the database sees ciphertext."""
        return None
