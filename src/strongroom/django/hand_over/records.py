"""Where what is handed over lies in the vault, and the field that says for whom it was given.

    FOLDER/SERVICE/credentials/ID       the fields of the credential, `BINDING` and `DEPOSIT`
    FOLDER/SERVICE/withdrawn/ID         that it was withdrawn: nothing makes this undone

``ID`` is the row's. Whoever writes to the database can change every column of every row, so the worker compares them
with `BINDING`, which was deposited together with the credential. `DEPOSIT` says which deposit it is: what is handed
over waits in the inbox where no agent runs, and what was handed over before must not be used in its place.
Source: docs/format.md#handed-over.
"""

from __future__ import annotations

import json
import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from strongroom.errors import NotFound, Tampered
from strongroom.items import COMPONENT_BYTES_MAX, Field, Item, check_name, parse_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.django.hand_over.models import HandedOver
    from strongroom.vault.vault import Vault

BINDING = "handed-over"
DEPOSIT = "handed-over-deposit"
OWN_FIELDS = (BINDING, DEPOSIT)
_FORMAT = 1
_OPTIONS = ("DEPOSIT_KEY", "FOLDER", "VAULT")
_FOLDER = "handed-over"
_SERVICE = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


def option(name: str) -> str | None:
    """One option of ``STRONGROOM_HAND_OVER``.

    Raises: ImproperlyConfigured: there is an option in it that does not exist.
    """
    options = getattr(settings, "STRONGROOM_HAND_OVER", {})
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        known = ", ".join(_OPTIONS)
        raise ImproperlyConfigured(f"STRONGROOM_HAND_OVER has no option {unknown[0]!r}; it has {known}")
    found: str | None = options.get(name)
    return found


def folder(service: str) -> str:
    """The folder of everything that was handed over for *service*.

    Raises: ValueError: it cannot be a service's name.
    """
    if not _SERVICE.fullmatch(service):
        raise ValueError("a service's name is 1 to 50 of a-z, 0-9, _ and -, the first a letter or digit")
    whole = f"{option('FOLDER') or _FOLDER}/{service}"
    parse_path(whole)
    return whole


def credential_path(handed: HandedOver) -> str:
    """Where its credential lies."""
    return f"{folder(handed.service)}/credentials/{handed.pk}"


def withdrawn_path(handed: HandedOver) -> str:
    """Where it is said that it was withdrawn."""
    return f"{folder(handed.service)}/withdrawn/{handed.pk}"


def open_vault() -> Vault:
    """The vault that `strongroom.open` finds, or the one that the settings name. Nobody is asked.

    Raises: as `strongroom.open`.
    """
    from strongroom.locate.opening import open

    return open(option("VAULT"), may_ask=False)


def binding(handed: HandedOver) -> Field:
    """The field that says for whom the credential is.

    Raises: ValueError: a name that cannot be.
    """
    check_name(handed.name, "name", COMPONENT_BYTES_MAX)
    return Field(BINDING, "text", _facts(handed), is_secret=False)


def deposit_mark(handed: HandedOver) -> Field:
    """The field that says which deposit it is."""
    return Field(DEPOSIT, "text", str(handed.deposit).encode("ascii"), is_secret=False)


def unbound(item: Item, handed: HandedOver) -> Item:
    """The credential in *item*, if it was given for what the row says; without the fields that say so.

    Raises:
        Tampered: it was given for another user, service or name, or does not say.
        NotFound: it is not the deposit that the row is about, which waits to be taken in, perhaps.
    """
    # As bytes: nothing that a depositor has written is taken apart.
    if BINDING not in item or item.field(BINDING).data != _facts(handed):
        raise Tampered("what the vault has was given for another user, service or name than the row says")
    if DEPOSIT not in item or item.field(DEPOSIT).data != deposit_mark(handed).data:
        raise NotFound("the vault has another deposit than the one that the row is about")
    return Item(item.path, item.version, {name: item.field(name) for name in item if name not in OWN_FIELDS})


def _facts(handed: HandedOver) -> bytes:
    facts = {
        "format": _FORMAT,
        "id": str(handed.pk),
        "name": handed.name,
        "service": handed.service,
        "user": str(handed.user_id),
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode("ascii")
