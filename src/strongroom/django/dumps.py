"""Values on their way out of the database in other forms than a query's: serializers, pickles, copies.

``dumpdata`` writes them encrypted as they are in their column, and ``loaddata`` takes that back; a model's object
is pickled (for a cache, a session, a task queue) with its values encrypted for their row. Both open under the same
key, in the same table, row and column alone.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from copy import deepcopy

from strongroom.django.rows import END
from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.db import models

    from strongroom.django.fields.base import EncryptedField

MARK = "strongroom-encrypted:"


class Dumped(str):
    """What `to_text` wrote, met by a fixture or by somebody who types it: text, until a fixture is loaded."""

    __slots__ = ()


def to_text(field: EncryptedField, instance: models.Model) -> str:
    """The value of *instance* encrypted for its row, as text for a fixture.

    Raises: ValueError: the row's key is not known yet.
    """
    encrypted = field.encrypted(getattr(instance, field.attname), instance)
    return "" if encrypted is None else MARK + b64encode(encrypted).decode("ascii")


def from_text(field: EncryptedField, text: str, instance: models.Model) -> Any:
    """The value that `to_text` was given, if the text was made for the row of *instance*.

    Raises: Tampered: it is of another row, column or key, or was changed.
    """
    try:
        encrypted = b64decode(text.removeprefix(MARK), validate=True)
    except ValueError:
        raise Tampered(f"{field.where}: a fixture holds no encrypted value") from None
    return opened(field, encrypted, instance)


def before_save(sender: type[models.Model], instance: models.Model, raw: bool = False, **_signal: object) -> None:
    """Open what a fixture brings; `guards.before_save`, which is asked next, encrypts it."""
    if raw:
        from strongroom.django.guards import encrypted_fields

        for field in encrypted_fields(sender):
            value = getattr(instance, field.attname)
            if type(value) is Dumped:
                setattr(instance, field.attname, from_text(field, value, instance))


def opened(field: EncryptedField, encrypted: bytes, instance: models.Model) -> Any:
    """The value that was encrypted for the row of *instance*.

    Raises: Tampered: it was encrypted for another one.
    """
    return field.opener()(field.row.of(instance) + END + encrypted, None, None)


def protect(sender: type[models.Model], **_signal: object) -> None:
    """Have the objects of a model pickled with their values encrypted, and copied as before."""
    model: Any = sender
    before, before_set = model.__getstate__, model.__setstate__

    def getstate(self: models.Model) -> dict[str, Any]:
        from strongroom.django.guards import encrypted_fields

        state: dict[str, Any] = before(self)
        for field in encrypted_fields(type(self)):
            if state.get(field.attname) is not None:
                try:
                    state[field.attname] = field.encrypted(state[field.attname], self)
                except ValueError as error:
                    raise TypeError(f"{error}; an object that is not saved yet cannot be pickled") from None
        return state

    def setstate(self: models.Model, state: dict[str, Any]) -> None:
        from strongroom.django.fields.messages import Encrypted
        from strongroom.django.guards import encrypted_fields

        before_set(self, state)
        for field in encrypted_fields(type(self)):
            encrypted = self.__dict__.get(field.attname)
            if type(encrypted) is Encrypted:
                self.__dict__[field.attname] = opened(field, encrypted, self)

    if "__getstate__" not in model.__dict__ and not getattr(before, "protects", False):
        getstate.protects = True  # type: ignore[attr-defined]
        model.__getstate__ = getstate
        model.__setstate__ = setstate
        model.__copy__, model.__deepcopy__ = _copies(before)


def _copies(state_of: Callable[[Any], dict[str, Any]]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``copy`` and ``deepcopy`` without a pickle: they stay in memory, and need no key."""

    def copied(self: Any) -> Any:
        new = object.__new__(type(self))
        new.__dict__.update(state_of(self))
        return new

    def deep_copied(self: Any, memo: dict[int, Any]) -> Any:
        new = memo[id(self)] = object.__new__(type(self))
        new.__dict__.update(deepcopy(state_of(self), memo))
        return new

    return copied, deep_copied
