"""Fields whose values only their owner's key opens.

    password = UserEncryptedTextField(owner="owner")

A value that was read is a `LockedValue`; rows are listed without any key. What is assigned is encrypted when its
object is saved. Table, column, primary key, owner and vault are bound. Source: docs/format.md#user-vaults.
"""

from __future__ import annotations

from struct import Struct
from uuid import UUID

from django.core import checks
from django.db import models

from strongroom.crypto.columns import OVERHEAD_BYTES
from strongroom.django.fields import EncryptedCharField, EncryptedJSONField, EncryptedTextField
from strongroom.django.fields.base import EncryptedField
from strongroom.django.fields.messages import Encrypted
from strongroom.django.forms import MASK
from strongroom.django.rows import END
from strongroom.django.user_vaults.current import in_use
from strongroom.django.user_vaults.locked import KeyUnavailable, LockedValue
from strongroom.django.user_vaults.shown import shown_locked
from strongroom.django.user_vaults.storing import hold, watch
from strongroom.django.user_vaults.unlocked import VERSION, UnlockedVault
from strongroom.errors import Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from strongroom.django.keys import Column
    from strongroom.django.user_vaults.handle import UserVaultHandle

MAGIC = b"srf\x03"
_HEAD = Struct(">4sI16s")


class UserEncryptedField(EncryptedField):
    """Mixed in front of an encrypted field of the process's own key, in whose place the owner's key stands.

    Args:
        owner: the foreign key to the user whose vault it is; the value is bound to it.
        bind: further fields that it is bound to.
    """

    keys_of_users = True

    def __init__(self, *args: Any, owner: str = "owner", bind: Sequence[str] = (), **options: Any) -> None:
        if isinstance(bind, str):
            raise TypeError("bind is a sequence of field names, not one name")
        if options.get("searchable"):
            raise TypeError("a value under its owner's key cannot be searchable")
        self.owner = owner
        self._also = tuple(name for name in bind if name != owner)
        super().__init__(*args, **options)

    @property
    def bind(self) -> tuple[str, ...]:
        """What values are bound to beside the row's key: the owner first, unless it is that key."""
        meta = self.model._meta if hasattr(self, "model") else None
        is_key = meta is not None and meta.pk is not None and self.owner in [one.name for one in meta.pk_fields]
        return self._also if is_key else (self.owner, *self._also)

    @bind.setter
    def bind(self, _said: Sequence[str]) -> None:
        """The base's own; it is said by `owner` here."""

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """As `models.Field.deconstruct`."""
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("bind", None)
        kwargs["owner"] = self.owner
        if self._also:
            kwargs["bind"] = self._also
        return name, f"strongroom.django.user_vaults.{type(self).__qualname__}", args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """As `models.Field.check`."""
        from strongroom.django.user_vaults.checks import check_owner

        return [*super().check(**kwargs), *check_owner(self)]

    def column_keys(self) -> Column:
        """There are none: each row's key is its owner's.

        Raises: KeyUnavailable: always.
        """
        raise KeyUnavailable(f"{self.where} has no key of the process's own", reason="other")

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """As `models.Field.contribute_to_class`."""
        super().contribute_to_class(cls, name, private_only=private_only)
        watch(cls)

    # To the database.

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value of *model_instance*, encrypted for its row and owner; the object has it locked from then on."""
        if self.is_fresh(model_instance):
            # `save` has locked the whole object before: this is a `bulk_create` and its transaction.
            hold()
        encrypted = self.lock(model_instance)
        if encrypted is not None and not add:
            encrypted.instance = model_instance
        return encrypted

    def is_fresh(self, instance: models.Model) -> bool:
        """Whether the value of *instance* has to be encrypted before it is written."""
        value = getattr(instance, self.attname)
        if value is None or not isinstance(value, LockedValue):
            return value is not None
        try:
            return not value.fits(self, self.row.of(instance))
        except ValueError:
            return True

    def lock(self, instance: models.Model) -> Encrypted | None:
        """The value of *instance*, encrypted for its row, and put into its place.

        Raises: KeyUnavailable, ValueError: as `encrypted`.
        """
        encrypted = self.encrypted(getattr(instance, self.attname), instance)
        if encrypted is not None:
            setattr(instance, self.attname, LockedValue(self, self.row.of(instance), bytes(encrypted)))
        return encrypted

    def encrypted(self, value: Any, instance: models.Model) -> Encrypted | None:
        """*value* encrypted under the key of the owner of *instance*; one that is locked stays as it is.

        Raises:
            KeyUnavailable: the owner's key is not there.
            ValueError: no value of this field, or its mask.
        """
        if value is None:
            return None
        try:
            row = self.row.of(instance)
        except ValueError as error:
            raise ValueError(f"{self.where}: {error}") from None
        if isinstance(value, LockedValue):
            if value.fits(self, row):
                return Encrypted(value.message)
            value = value.reveal()
        if isinstance(value, str) and value == MASK:
            raise ValueError(f"{self.where} was given the mask that stands for its value")
        data = self._plain(value)
        unlocked = self._unlocked_for(getattr(instance, self._owner_column.attname), None)
        head = _HEAD.pack(MAGIC, VERSION, unlocked.vault_id.bytes)
        return Encrypted(head + unlocked.column(self.place).encrypt(bytes((self.kind,)) + data, row + END + head))

    # From the database.

    def opener(self) -> Callable[[Any, object, object], Any]:
        """What makes a locked value of the row and the message that the database gives."""
        return self._locked

    def _locked(self, said: Any, _expression: object, _connection: object) -> LockedValue | None:
        if said is None:
            return None
        row, _, stored = bytes(said).partition(END)
        return LockedValue(self, row, stored)

    def revealed(self, value: LockedValue, given: UserVaultHandle | UnlockedVault | None) -> Any:
        """See `LockedValue.reveal`."""
        owner = self._owner_of(value.row)
        unlocked = self._unlocked_for(owner, given)
        vault = self.vault_of(value.message)
        if vault != unlocked.vault_id:
            raise Tampered(
                f"{self._named_row(value)} is not under the key of its owner's vault",
                advice="it came from another owner, or from a vault that its owner has given up since",
            )
        head = value.message[: _HEAD.size]
        try:
            data = unlocked.column(self.place).decrypt(value.message[_HEAD.size :], value.row + END + head)
        except Tampered as error:
            raise Tampered(f"{self._named_row(value)}: {error.message}", advice=error.advice) from None
        if data[0] != self.kind:
            raise Tampered(f"{self._named_row(value)} is a value of another type")
        for handle in (given, in_use.get()):
            if handle is not None and not isinstance(handle, UnlockedVault):
                handle.was_revealed = True
        return self.from_bytes(data[1:])

    def vault_of(self, message: bytes) -> UUID:
        """The vault that *message* names.

        Raises: Tampered: it is no message of a user vault.
        """
        if len(message) > _HEAD.size + OVERHEAD_BYTES:
            magic, version, vault = _HEAD.unpack_from(message)
            if magic == MAGIC and version == VERSION:
                return UUID(bytes=vault)
        raise Tampered(f"{self.where} holds no value of a user vault")

    def _unlocked_for(self, owner: Any, given: UserVaultHandle | UnlockedVault | None) -> UnlockedVault:
        """The open vault of the user whose primary key, or its spelling in a row, is *owner*."""
        handle = given if given is not None else in_use.get()
        if handle is None:
            raise KeyUnavailable(
                f"{self.where}: no user vault is in use", reason="anonymous",
                advice="in a request UserVaultMiddleware names it; elsewhere: with user_vault(user).in_use()",
            )  # fmt: skip
        unlocked = handle if isinstance(handle, UnlockedVault) else handle.unlocked()
        target = self._owner_column.target_field
        said = owner if isinstance(owner, bytes) else self._spell(target.to_python(owner))
        if said != self._spell(target.to_python(unlocked.user)):
            raise KeyUnavailable(f"{self.where}: this value is another user's", reason="other")
        return unlocked

    def is_owned(self, row: bytes, user: Any) -> bool:
        """Whether *row* says that *user* is the owner."""
        key = getattr(user, "pk", None)
        return key is not None and self._owner_of(row) == self._spell(key)

    @property
    def _owner_column(self) -> Any:
        return self.model._meta.get_field(self.owner)

    def _owner_of(self, row: bytes) -> bytes:
        parts = row.split(b",")
        place = self.row.fields.index(self._owner_column)
        if len(parts) != len(self.row.fields):
            raise Tampered(f"{self.where}: a row is not what a row is")
        return parts[place]

    def _spell(self, key: Any) -> bytes:
        from strongroom.django.rows import spelled

        return spelled(self._owner_column, key)

    def _named_row(self, value: LockedValue) -> str:
        return f"{self.where} of the row {value.row.decode('ascii', 'replace')}"

    # Between forms, fixtures and objects a locked value passes as it is.

    def to_python(self, value: Any) -> Any:
        """As `models.Field.to_python`."""
        return value if isinstance(value, LockedValue) else super().to_python(value)

    def formfield(self, *, masked: bool = True, **options: Any) -> Any:
        """As `EncryptedField.formfield`; with ``masked=False`` the owner's key has to be there."""
        field = super().formfield(masked=masked, **options)
        return field if masked or field is None else shown_locked(field)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """As `models.Field.clean`; what is locked was clean when it was saved."""
        return value if isinstance(value, LockedValue) else super().clean(value, model_instance)


class UserEncryptedCharField(UserEncryptedField, EncryptedCharField):
    """Text; ``max_length`` is held by forms and `full_clean`, the column has none."""


class UserEncryptedTextField(UserEncryptedField, EncryptedTextField):
    """Text of any length; ``max_length`` is held by forms and `full_clean`."""


class UserEncryptedJSONField(UserEncryptedField, EncryptedJSONField):
    """What JSON can say."""
