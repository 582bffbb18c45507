"""Form fields of encrypted fields: what is stored, and what was typed, never stands in the page.

A model's form gets these by itself. The input is empty, with a note when something is stored; left empty, the
stored value stays, and a box clears it. ``field.formfield(masked=False)`` makes a form field that shows the value:

    class AddressForm(forms.ModelForm):
        street = Person._meta.get_field("street").formfield(masked=False)
"""

from __future__ import annotations

from functools import lru_cache

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MASK = "••••••••"
"""What stands in the place of a value."""


class Hidden:
    """The value of an encrypted field on its way into a form: not shown, and not pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def reveal(self) -> Any:
        """The value."""
        return self._value

    def __repr__(self) -> str:
        return "<hidden; call .reveal()>"

    def __str__(self) -> str:
        return MASK

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a hidden value cannot be pickled")


class _Clear:
    """Typed into a masked input: forget what is stored."""

    def __repr__(self) -> str:
        return "<clear>"


CLEAR = _Clear()


class MaskedInput(forms.Widget):  # type: ignore[misc]  # Django carries no types
    """Another widget, always empty; a note and a box to clear it where something is stored.

    Args:
        inner: what is typed into.
        can_clear: whether there is a box.

    Attributes:
        reveal_url: of a page that shows the value, for who may see it; empty for none.
    """

    reveal_url = ""

    def __init__(self, inner: forms.Widget, *, can_clear: bool) -> None:
        super().__init__(inner.attrs)
        self.inner = inner
        self.can_clear = can_clear
        self.is_localized = inner.is_localized
        self.is_required = inner.is_required
        self.needs_multipart_form = inner.needs_multipart_form

    @property
    def is_hidden(self) -> bool:
        """As the inner one."""
        return bool(self.inner.is_hidden)

    @property
    def media(self) -> forms.Media:
        """The inner one's."""
        return self.inner.media

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> str:
        """The empty input, and whether something is stored."""
        self.inner.is_required = self.is_required and value is None
        html = self.inner.render(name, None, {**self.attrs, **(attrs or {})}, renderer)
        if value is None:
            return str(html)
        note = format_html('{} <span class="help">{}</span>', html, _("stored, not shown; leave empty to keep it"))
        if self.reveal_url:
            note = format_html('{} <a class="help" href="{}">{}</a>', note, self.reveal_url, _("Reveal"))
        if not self.can_clear:
            return str(note)
        box = '{} <label class="help"><input type="checkbox" name="{}"> {}</label>'
        return str(format_html(box, note, _clear_name(name), _("clear")))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was typed, or `CLEAR`."""
        if self.can_clear and data.get(_clear_name(name)):
            return CLEAR
        return self.inner.value_from_datadict(data, files, name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether neither the input nor the box came back."""
        return _clear_name(name) not in data and bool(self.inner.value_omitted_from_data(data, files, name))

    def use_required_attribute(self, initial: Any) -> bool:
        """Not where leaving it empty keeps what is stored."""
        return initial is None and bool(self.inner.use_required_attribute(initial))

    def id_for_label(self, id_: str) -> str:
        """The inner one's."""
        return str(self.inner.id_for_label(id_))

    def __deepcopy__(self, memo: dict[int, Any]) -> MaskedInput:
        from copy import deepcopy

        copied: MaskedInput = super().__deepcopy__(memo)
        copied.inner = deepcopy(self.inner, memo)
        return copied


class _Unwrapping:
    """Mixed in front of a form field whose initial value is `Hidden`."""

    def _clean_bound_field(self, bound: Any) -> Any:
        # The way in which Django hands a FileField its initial value.
        return _kept(bound) if self.disabled else self.clean(bound.data)  # type: ignore[attr-defined]


class _Shown(_Unwrapping):
    """What ``formfield(masked=False)`` is."""

    def prepare_value(self, value: Any) -> Any:
        """The value itself."""
        return super().prepare_value(_revealed(value))  # type: ignore[misc]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """As without encryption."""
        return bool(super().has_changed(_revealed(initial), data))  # type: ignore[misc]


class _Masked(_Unwrapping):
    """What ``formfield()`` is."""

    def _clean_bound_field(self, bound: Any) -> Any:
        if self.disabled:  # type: ignore[attr-defined]
            return _kept(bound)
        data, kept = bound.data, _kept(bound)
        if data is CLEAR:
            if self.required:  # type: ignore[attr-defined]
                raise ValidationError(self.error_messages["required"], code="required")  # type: ignore[attr-defined]
            return self.clean(None)  # type: ignore[attr-defined]
        if _is_nothing(data) and not _is_nothing(kept):
            return kept
        return self.clean(data)  # type: ignore[attr-defined]

    def has_changed(self, _initial: Any, data: Any) -> bool:
        """Whether something was typed; it is not compared."""
        return not self.disabled and (data is CLEAR or not _is_nothing(data))  # type: ignore[attr-defined]

    def bound_data(self, _data: Any, initial: Any) -> Any:
        """What was typed does not come back."""
        return initial

    def prepare_value(self, value: Any) -> Any:
        """None, or that there is one."""
        return None if _is_nothing(_revealed(value)) else Hidden(None)


def masked(field: forms.Field) -> forms.Field:
    """*field*, whose page shows no value."""
    if type(field) is forms.BooleanField:
        # A box has no third state for "as it is".
        field = forms.NullBooleanField(label=field.label, help_text=field.help_text, required=False)
        field.required = False
    kind: Any = type(field)
    field.__class__ = _mixed(_Masked, kind)
    widget = MaskedInput(field.widget, can_clear=not field.required)
    widget.is_required = field.required
    field.widget = widget
    return field


def shown(field: forms.Field) -> forms.Field:
    """*field*, which shows the value."""
    kind: Any = type(field)
    field.__class__ = _mixed(_Shown, kind)
    return field


@lru_cache(maxsize=64)
def _mixed(mixin: Any, field: Any) -> type:
    return type(f"{mixin.__name__.strip('_')}{field.__name__}", (mixin, field), {"__module__": __name__})


def _clear_name(name: str) -> str:
    return f"{name}-clear"


def _revealed(value: Any) -> Any:
    return value.reveal() if isinstance(value, Hidden) else value


def _kept(bound: Any) -> Any:
    return _revealed(bound.initial)


def _is_nothing(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_nothing, value))
    return value is None or (isinstance(value, str) and not value.strip())
