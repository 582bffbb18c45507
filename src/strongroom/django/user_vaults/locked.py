"""A value as it comes out of the database: ciphertext that opens with its owner's key alone, and shows nothing."""

from __future__ import annotations

from strongroom.django.forms import MASK
from strongroom.django.user_vaults.current import in_use
from strongroom.errors import VaultLocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NoReturn, Self
    from uuid import UUID

    from strongroom.django.user_vaults.fields import UserEncryptedField
    from strongroom.django.user_vaults.handle import UserVaultHandle
    from strongroom.django.user_vaults.unlocked import UnlockedVault

    Reason = Literal["anonymous", "locked", "other"]


class KeyUnavailable(VaultLocked):
    """The key of a value's owner is not there.

    Attributes:
        reason: ``"anonymous"`` nobody is logged in, or no vault is in use · ``"locked"`` the password has to be given
            again, also where there is no vault yet · ``"other"`` the value is another user's.
    """

    def __init__(self, message: str, *, reason: Reason, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.reason = reason


class LockedValue:
    """A value of a column, encrypted; masked wherever it is printed.

    Args:
        field: whose column it stands in.
        row: as the database said it.
        message: the stored bytes.
    """

    __slots__ = ("_field", "message", "row")

    def __init__(self, field: UserEncryptedField, row: bytes, message: bytes) -> None:
        self._field = field
        self.row = row
        self.message = message

    def reveal(self, unlocked: UserVaultHandle | UnlockedVault | None = None) -> Any:
        """The value itself.

        Args:
            unlocked: the owner's vault, open; None for the one of the request that is being answered.

        Raises:
            KeyUnavailable: the owner's key is not there.
            Tampered: the value was changed, or belongs to another row, column, owner or vault.
        """
        return self._field.revealed(self, unlocked)

    @property
    def vault_id(self) -> UUID:
        """The vault whose key the value is under, as the message says it.

        Raises: Tampered: it holds no encrypted value.
        """
        return self._field.vault_of(self.message)

    @property
    def is_lost(self) -> bool:
        """Whether its owner, whose vault is in use, has given up the one that the value is under.

        Of other people's values nothing is known here, and they are never said to be lost.
        """
        handle = in_use.get()
        return handle is not None and self._field.is_owned(self.row, handle.user) and handle.id != self.vault_id

    def fits(self, field: UserEncryptedField, row: bytes) -> bool:
        """Whether it may be written as it is into *row* of the column of *field*."""
        return self._field.place == field.place and self.row == row

    def __repr__(self) -> str:
        return "<LockedValue; call .reveal()>"

    def __str__(self) -> str:
        return MASK

    def __format__(self, _spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        """Equal ciphertexts in the same row; never equal to a text."""
        if not isinstance(other, LockedValue):
            return NotImplemented
        return self.row == other.row and self.message == other.message

    def __hash__(self) -> int:
        return hash((self.row, self.message))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a locked value cannot be pickled by itself; its model's object can")
