"""Error pages and mails to admins without the values of encrypted fields.

    DEFAULT_EXCEPTION_REPORTER = "strongroom.django.reports.ExceptionReporter"

Django shows the local variables of every function in a traceback, and what the request sent: all of it where DEBUG
is on. This reporter collects the values that encrypted fields have in the objects, forms and arguments which stand
there, and masks them wherever they would be shown, with DEBUG and without. What a program computes of a value, and
keeps under another name in another form, it cannot know.
"""

from __future__ import annotations

from collections.abc import Mapping

from asgiref import sync
from django.apps import apps
from django.db.models import Model, QuerySet
from django.forms import BaseForm
from django.http import HttpRequest
from django.template.defaultfilters import pprint
from django.utils.html import escape
from django.views.debug import ExceptionReporter as DjangosReporter

from strongroom.django.forms import MASK, Hidden
from strongroom.django.guards import encrypted_fields
from strongroom.django.user_vaults.locked import LockedValue
from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SHORTEST = 4
"""What is shorter is masked by the name it stands under, and not searched for: it would be found everywhere."""
_DEEPEST = 4
_ITEMS_MAX = 1_000
_ASGIREF = sync.__file__
# What pprint adds where it folds a long text.
_FOLDS = str.maketrans("", "", " \t\r\n'\"()\\")


class _Text:
    """A variable that was printed already."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class ExceptionReporter(DjangosReporter):  # type: ignore[misc]  # Django carries no types
    """Django's own, with masks."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._names = {field.name for model in apps.get_models() for field in encrypted_fields(model)}
        self._found: set[str] = set()

    def get_traceback_frames(self) -> list[dict[str, Any]]:
        """As Django's; a variable that has a field's name, or shows a value, is masked as a whole."""
        frames: list[dict[str, Any]] = super().get_traceback_frames()
        self._found |= set(_texts(self._values(self.request, 0)))
        for frame in frames:
            variables = dict(frame.get("vars", ()))
            self._found |= set(_texts(self._values(variables, 0)))
        for frame in frames:
            # What leads into a thread or out of one has the arguments of whatever is called, under names of its own.
            is_on_the_way = frame.get("filename") == _ASGIREF
            frame["vars"] = [
                (name, _Text(MASK) if is_on_the_way else self._shown(name, value))
                for name, value in frame.get("vars", ())
            ]
        return frames

    def get_traceback_data(self) -> dict[str, Any]:
        """As Django's; what a request sent for an encrypted field is masked."""
        data: dict[str, Any] = super().get_traceback_data()
        for items in ("filtered_POST_items", "request_GET_items"):
            if items in data:
                data[items] = [(name, MASK if self._is_named(name) else value) for name, value in data[items]]
        return data

    def get_traceback_html(self) -> str:
        """As Django's, masked."""
        return self._masked(super().get_traceback_html(), escape)

    def get_traceback_text(self) -> str:
        """As Django's, masked."""
        return self._masked(super().get_traceback_text(), str)

    def _shown(self, name: str, value: Any) -> _Text:
        if self._is_named(name) or (isinstance(value, Mapping) and any(map(self._is_named, list(value)[:_ITEMS_MAX]))):
            return _Text(MASK)
        text = pprint(value)
        folded = text.translate(_FOLDS)
        return _Text(MASK if any(one.translate(_FOLDS) in folded for one in self._found) else text)

    def _is_named(self, name: object) -> bool:
        # A form's prefix, or an admin's inline, stands in front of the field: "account_set-0-password".
        return isinstance(name, str) and name.rpartition("-")[2] in self._names

    def _masked(self, text: str, spell: Any) -> str:
        # The longest first, as one may begin with another.
        for one in sorted(self._found, key=len, reverse=True):
            for form in (one, repr(one)[1:-1]):
                text = text.replace(str(spell(form)), MASK)
        return text

    def _values(self, value: Any, depth: int) -> Iterator[Any]:
        """The values of encrypted fields that can be reached from *value*."""
        if depth > _DEEPEST:
            return
        below: Any = ()
        if isinstance(value, Model):
            for one in (value.__dict__.get(field.attname) for field in encrypted_fields(type(value))):
                yield from self._values(one, depth) if isinstance(one, LockedValue) else (one,)
        elif isinstance(value, Hidden):
            inside = value.reveal()
            yield from self._values(inside, depth) if isinstance(inside, LockedValue) else (inside,)
        elif isinstance(value, LockedValue):
            yield from _opened(value)
        elif isinstance(value, BaseForm):
            below = (getattr(value, "cleaned_data", None), value.data, value.initial, getattr(value, "instance", None))
        elif isinstance(value, HttpRequest):
            # Not POST: reading it here could wait for a body that the view never asked for.
            below = (value.__dict__.get("_post"), value.GET)
        elif isinstance(value, QuerySet):
            below = value._result_cache or ()
        elif isinstance(value, Mapping):
            yield from (one for name, one in list(value.items())[:_ITEMS_MAX] if self._is_named(name))
            below = list(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            below = value
        for one in list(below)[:_ITEMS_MAX]:
            yield from self._values(one, depth + 1)


def _opened(value: LockedValue) -> Iterator[Any]:
    """What a program may have revealed; where the key is not there it has not."""
    try:
        yield value.reveal()
    except StrongroomError:
        return


def _texts(values: Iterator[Any]) -> Iterator[str]:
    """How *values* may be spelled in what is shown."""
    for value in values:
        if value is None or isinstance(value, bool):
            continue
        for text in {str(value), repr(value)} if not isinstance(value, str) else {value}:
            if len(text) >= _SHORTEST:
                yield text
