"""A vault that is open: the user key, and the keys of columns that are made of it."""

from __future__ import annotations

from strongroom.crypto.columns import ColumnKey
from strongroom.django.user_vaults.locked import KeyUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn
    from uuid import UUID

    from strongroom.secret import SecretBytes

USER_KEY_BYTES = 32
VERSION = 1
"""Of the user key inside its vault: it has one so far."""


class UnlockedVault:
    """The key of one user, for as long as a request lasts.

    Args:
        vault_id: of the vault.
        user: the owner's primary key as text.
        generation: of the vault when it was opened.
        user_key: 32 bytes, taken over and wiped with this object.
    """

    __slots__ = ("_columns", "_key", "generation", "user", "vault_id")

    def __init__(self, vault_id: UUID, user: str, generation: int, user_key: SecretBytes) -> None:
        self.vault_id = vault_id
        self.user = user
        self.generation = generation
        self._key: SecretBytes | None = user_key
        self._columns: dict[tuple[str, str], ColumnKey] = {}

    @property
    def user_key(self) -> SecretBytes:
        """The key itself, which stays this object's.

        Raises: KeyUnavailable: it was wiped.
        """
        key = self._key
        if key is None:
            raise _locked()
        return key

    @property
    def is_open(self) -> bool:
        """Whether the key is still there."""
        return self._key is not None

    def column(self, place: tuple[str, str]) -> ColumnKey:
        """The key of the column *place*: table and column.

        Raises: KeyUnavailable: the vault was locked.
        """
        key = self.user_key
        found = self._columns.get(place)
        if found is None:
            found = ColumnKey(key, self.vault_id.bytes, VERSION, *place)
            self.check_open()
            self._columns[place] = found
        return found

    def check_open(self) -> None:
        """To be asked after a use of the key whose outcome is kept: a request that ends wipes it for its threads too.

        Raises: KeyUnavailable: the vault was locked meanwhile, and what was made may be made of zeros.
        """
        if self._key is None:
            raise _locked()

    def wipe(self) -> None:
        """Overwrite the key; every later use is KeyUnavailable."""
        key, self._key = self._key, None
        self._columns.clear()
        if key is not None:
            key.wipe()

    def __repr__(self) -> str:
        return f"UnlockedVault({self.vault_id}, {'open' if self.is_open else 'locked'})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an unlocked vault cannot be pickled or copied")


def _locked() -> KeyUnavailable:
    return KeyUnavailable("the vault was locked", reason="locked", advice="unlock it again")
