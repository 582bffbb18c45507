"""Where Django takes values out of objects by itself, without a query: for forms and for serializers."""

from __future__ import annotations

from django.db.models.signals import class_prepared

from strongroom.django.dumps import MARK, Dumped, protect, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.db import models


class Hiding:
    """Mixed in front of `models.Field`: forms mask the value, serializers encrypt it."""

    attname: str

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """As `models.Field.contribute_to_class`; objects of the model are pickled encrypted."""
        super().contribute_to_class(cls, name, private_only=private_only)  # type: ignore[misc]
        if not cls._meta.abstract:
            class_prepared.connect(protect, sender=cls, weak=False, dispatch_uid="strongroom.protect")

    def formfield(self, *, masked: bool = True, **options: Any) -> Any:
        """As `models.Field.formfield`.

        Args:
            masked: whether neither the stored value nor what was typed ever stands in the page.
        """
        from strongroom.django import forms

        field = super().formfield(**options)  # type: ignore[misc]
        if field is None:
            return None
        return forms.masked(field) if masked else forms.shown(field)

    def value_from_object(self, obj: models.Model) -> Any:
        """The value for a form's ``initial``, hidden; ``getattr`` gives the value itself."""
        from strongroom.django.forms import Hidden

        value = getattr(obj, self.attname)
        return None if value is None else Hidden(value)

    def value_to_string(self, obj: models.Model) -> str:
        """The value encrypted for its row, for ``dumpdata``."""
        return to_text(self, obj)  # type: ignore[arg-type]

    def to_python(self, value: Any) -> Any:
        """As `models.Field.to_python`; what `value_to_string` wrote is left for ``loaddata`` to check."""
        if isinstance(value, str) and value.startswith(MARK):
            return Dumped(value)
        return super().to_python(value)  # type: ignore[misc]
