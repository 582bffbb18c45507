"""Values of a settings module out of the vault.

    from strongroom.django import fallbacks, secret

    SECRET_KEY = secret("SECRET_KEY")                       # the field SECRET_KEY of the item django/settings
    SECRET_KEY_FALLBACKS = fallbacks("SECRET_KEY")          # what it was in the last 14 days
    DATABASES = {"default": {..., "PASSWORD": secret("password", item="shop/database")}}

The vault is the one that `strongroom.open` finds: ``STRONGROOM_VAULT``, or this user's own; by its agent when that
runs. It is opened for each value and locked again, and nobody is asked. Nothing of Django is imported.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from strongroom.errors import Expired, NotFound, StrongroomError
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.vault.vault import Vault

ITEM = "django/settings"
"""The item that is meant when none is named."""
KEPT = timedelta(days=14)
"""As long as Django's session cookies live."""


def secret(name: str, *, item: str = ITEM, vault: Vault | None = None) -> str:
    """The text of the field *name*.

    Args:
        vault: an open one; None for the one that `strongroom.open` finds.

    Raises:
        NotFound: no such item or field; an empty one is no secret either.
        ValueError: the value is not text.
        StrongroomError: as `strongroom.open`; the traceback ends with what to do.
    """
    with _opened(vault) as source:
        try:
            value = _text(source, item, name, None)
        except NotFound as error:
            command = f"strongroom set {quoted_name(item, name)}"
            error.add_note(f"store it: {command}; for a SECRET_KEY with --generate --length 64 behind set")
            raise
    if not value:
        raise NotFound(f"{item} {name} is empty")
    return value


def fallbacks(name: str, *, item: str = ITEM, kept: timedelta = KEPT, vault: Vault | None = None) -> list[str]:
    """What the field *name* was before, newest first: for ``SECRET_KEY_FALLBACKS``.

    Rotation is one command, ``strongroom set django/settings SECRET_KEY --generate --length 64``, and a
    restart. What was signed before stays valid until *kept* has passed; then the next restart forgets the old value.

    Args:
        kept: how long a value counts after it was replaced.

    Raises: as `secret`, but where there is no older value the list is empty.
    """
    oldest = datetime.now(UTC) - kept
    found: list[str] = []
    with _opened(vault) as source:
        current = _text(source, item, name, None)
        replaced = None
        for version in reversed(source.history(item)):
            if replaced is not None and replaced < oldest:
                break
            if replaced is not None and not version.destroyed and version.deleted is None:
                try:
                    value = _text(source, item, name, version.number)
                except (NotFound, Expired):
                    value = ""  # the version has no such field, or may not be used any longer
                if value and value != current and value not in found:
                    found.append(value)
            replaced = version.created
    return found


def _text(vault: Vault, item: str, name: str, version: int | None) -> str:
    value = vault.get(item, name, version=version).reveal()
    if isinstance(value, bytes):
        raise ValueError(f"{item} {name} is not text")
    return value


@contextmanager
def _opened(vault: Vault | None) -> Iterator[Vault]:
    if vault is not None:
        yield vault
        return
    from strongroom.locate.opening import open

    try:
        with open(may_ask=False) as found:
            yield found
    except StrongroomError as error:
        # A settings module has no door that would print it: the traceback does.
        if error.advice:
            error.add_note(error.advice)
        raise
