"""What templates may not call, and reports of errors may not show."""

from __future__ import annotations

from typing import TypeVar

from django.views.decorators.debug import sensitive_variables

from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_Method = TypeVar("_Method", bound="Callable[..., object]")

hides: Callable[[_Method], _Method] = sensitive_variables("password", "new", "new_password", "code")
"""Of a method, and of what it calls in its thread: Django's reports of errors do not show these variables."""


def changes(method: _Method) -> _Method:
    """Not to be called by a template, which calls whatever takes no arguments."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method


def hidden(value: str | SecretStr) -> SecretStr:
    """A password on its way into another thread: what carries it there would print its arguments in a report."""
    return value if isinstance(value, SecretStr) else SecretStr(value)
