"""Opening a user's vault with the organisation's private key: off-line, and never on the site itself.

Whoever can write to the database can make a whole vault of his own for a user and seal its key to the organisation,
whose public key is public. Only the values tell such a vault from the user's: they do not open in it.
"""

from __future__ import annotations

from django.apps import apps

from strongroom.crypto.entropy import scrub
from strongroom.django.guards import encrypted_fields
from strongroom.django.user_vaults import slots, vaults
from strongroom.django.user_vaults.fields import UserEncryptedField
from strongroom.django.user_vaults.models import VaultSlot
from strongroom.django.user_vaults.unlocked import USER_KEY_BYTES, UnlockedVault
from strongroom.errors import NotFound, Tampered, WrongKey
from strongroom.secret import HiddenBuffer, SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from strongroom.django.user_vaults.locked import LockedValue
    from strongroom.vault.named_keys.named_key import NamedKey


def open_with_escrow(user: Any, key: NamedKey) -> UnlockedVault:
    """The vault of *user*, opened with the organisation's key.

    Raises:
        NotFound: there is no vault, or none that was sealed to an organisation.
        WrongKey: it was sealed to another key.
        Tampered: its rows are not what was written.
    """
    vault = vaults.find(user)
    found = [] if vault is None else vaults.slots_of(vault, vaults.alias(user))
    sealed = [slot for slot in found if slot.kind == VaultSlot.Kind.ESCROW]
    if vault is None or not sealed:
        raise NotFound("the user has no vault that an organisation can open")
    for slot in sealed:
        try:
            data = key.open(slots.stored_bytes(slot.wrapped), info=slots.escrow_info(slot, vault))
        except Tampered:
            continue
        user_key = SecretBytes(HiddenBuffer(data))
        del data
        scrub(USER_KEY_BYTES)
        try:
            slots.check_proof(vault, found, user_key)
        except BaseException:
            user_key.wipe()
            raise
        return UnlockedVault(vault.pk, slots.user_text(user), vault.generation, user_key)
    raise WrongKey(f"the key {key.name} is not the one that the user vault was sealed to")


def count_values(user: Any, unlocked: UnlockedVault) -> tuple[int, int]:
    """How many values of *user* open with this vault, and how many do not."""
    opening = failing = 0
    for value in _values_of(user):
        try:
            value.reveal(unlocked)
            opening += 1
        except Tampered:
            failing += 1
    return opening, failing


def _values_of(user: Any) -> Iterator[LockedValue]:
    for model in apps.get_models():
        for field in encrypted_fields(model):
            if isinstance(field, UserEncryptedField) and field.model is model:
                rows = model._base_manager.using(user._state.db).filter(**{field.owner: user.pk})
                yield from rows.exclude(**{f"{field.name}__isnull": True}).values_list(field.name, flat=True).iterator()
