"""A form field that shows a locked value: ``formfield(masked=False)``."""

from __future__ import annotations

from strongroom.django.forms import Hidden
from strongroom.django.user_vaults.locked import LockedValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django import forms


class _ShownLocked:
    """Mixed in front of what `forms.shown` made."""

    def prepare_value(self, value: Any) -> Any:
        """The value itself."""
        return super().prepare_value(_revealed(value))  # type: ignore[misc]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """As without encryption."""
        return bool(super().has_changed(_revealed(initial), data))  # type: ignore[misc]


def shown_locked(field: forms.Field) -> forms.Field:
    """*field*, which reveals what it shows.

    Raises: KeyUnavailable: when it is shown and the owner's key is not there.
    """
    kind: Any = type(field)
    field.__class__ = type(f"Locked{kind.__name__}", (_ShownLocked, kind), {"__module__": __name__})
    return field


def _revealed(value: Any) -> Any:
    inside = value.reveal() if isinstance(value, Hidden) else value
    return inside.reveal() if isinstance(inside, LockedValue) else value
