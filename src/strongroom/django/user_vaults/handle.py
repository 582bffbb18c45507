"""A user's vault as views and programs hold it: its state, and what opens and changes it."""

from __future__ import annotations

from contextlib import contextmanager

from strongroom.django.user_vaults import vaults
from strongroom.django.user_vaults.current import in_use
from strongroom.django.user_vaults.locked import KeyUnavailable
from strongroom.errors import NotFound, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal, Self
    from uuid import UUID

    from strongroom.django.user_vaults.unlocked import UnlockedVault
    from strongroom.secret import SecretStr

    State = Literal["absent", "locked", "unlocked"]


def user_vault(user: Any) -> UserVaultHandle:
    """The vault of *user*, for programs without a request.

    with user_vault(user) as vault:
        vault.open_with_password(password)
        print(account.password.reveal(vault))
    """
    return UserVaultHandle(user)


class UserVaultHandle:
    """The vault of one user; leaving its block forgets the key.

    Args:
        user: whose vault it is.
    """

    __slots__ = ("_unlocked", "_user", "was_revealed")

    def __init__(self, user: Any) -> None:
        self._user = user
        self._unlocked: UnlockedVault | None = None
        self.was_revealed = False

    @property
    def user(self) -> Any:
        """Whose vault it is."""
        return self._user

    @property
    def state(self) -> State:
        """``"absent"`` there is none yet · ``"locked"`` · ``"unlocked"`` values can be read and written."""
        if self.is_unlocked:
            return "unlocked"
        return "absent" if not self._is_known() or vaults.find(self.user) is None else "locked"

    @property
    def is_unlocked(self) -> bool:
        """Whether the key is there."""
        try:
            self.unlocked()
        except KeyUnavailable:
            return False
        return True

    @property
    def id(self) -> UUID | None:
        """The vault's id; None when there is none yet."""
        if self._unlocked is not None:
            return self._unlocked.vault_id
        vault = vaults.find(self.user) if self._is_known() else None
        return None if vault is None else vault.pk

    @property
    def has_recovery_code(self) -> bool:
        """Whether there is a recovery code that was not used yet."""
        return self._is_known() and vaults.has_slot(self.user, "recovery")

    @property
    def has_escrow(self) -> bool:
        """Whether an organisation can open this vault too."""
        return self._is_known() and vaults.has_slot(self.user, "escrow")

    def unlocked(self) -> UnlockedVault:
        """The open vault.

        Raises: KeyUnavailable: it is not open.
        """
        found = self._unlocked
        if found is not None and found.is_open and found.user == str(self.user.pk):
            return found
        if not self._is_known():
            raise KeyUnavailable("nobody is logged in", reason="anonymous")
        if vaults.find(self.user) is None:
            raise KeyUnavailable("the user has no vault yet", reason="absent", advice="log in with the password")
        raise KeyUnavailable("the user vault is locked", reason="locked", advice="unlock it with the password")

    def open_with_password(self, password: str | SecretStr) -> None:
        """Open the vault with the password of its slot, which may be an older one than that of the log-in.

        Raises:
            NotFound: there is no vault yet; `create` makes it.
            WrongKey: not this password.
            Tampered: the vault's rows are not what was written.
        """
        self.take(vaults.open_with_password(self.user, password))

    def open_with_recovery_code(self, code: str | SecretStr, *, new_password: str | SecretStr | None = None) -> None:
        """Open the vault with its recovery code.

        Args:
            new_password: wraps the key under this password in the same transaction, and then the code is used up;
                without one the code stays valid, and the vault is locked again after this session.

        Raises: NotFound, WrongKey, Tampered: as `open_with_password`; a used code and one before the last are wrong.
        """
        unlocked, used = vaults.open_with_recovery_code(self.user, code)
        try:
            if new_password is not None:
                slot = vaults.new_password_slot(self.user, unlocked, new_password)
                vaults.put_password_slot(self.user, unlocked, slot, used=used)
        except BaseException:
            unlocked.wipe()
            raise
        self.take(unlocked)

    def create(self, password: str | SecretStr) -> None:
        """Make the vault, which is open then; nothing happens to one that is there and opens with *password*.

        Raises: ValueError: a password that no slot can have. WrongKey, Tampered: as `open_with_password`.
        """
        self.take(vaults.create(self.user, password))

    def open_or_create(self, password: str | SecretStr) -> None:
        """Open the vault with the password of its slot, or make it where there is none yet.

        Raises: ValueError: a password that no slot can have. WrongKey, Tampered: as `open_with_password`.
        """
        try:
            self.open_with_password(password)
        except NotFound:
            self.create(password)

    def change_password(self, new: str | SecretStr) -> None:
        """Wrap the key under another password; the keys of all other sessions fall.

        ``user.set_password(new); user.save()`` does this by itself, in the transaction of the save.

        Raises: KeyUnavailable: the vault is not open.
        """
        unlocked = self.unlocked()
        vaults.put_password_slot(self.user, unlocked, vaults.new_password_slot(self.user, unlocked, new))

    def new_recovery_code(self) -> SecretStr:
        """A new recovery code in the place of the one before. Show it once: it is kept nowhere.

        Raises: KeyUnavailable: the vault is not open.
        """
        return vaults.put_recovery_slot(self.user, self.unlocked())

    def drop_sessions(self) -> None:
        """Have the keys of all other sessions fall.

        Raises: KeyUnavailable: the vault is not open.
        """
        vaults.drop_sessions(self.user, self.unlocked())

    def give_up(self) -> None:
        """Delete the vault: what is encrypted in it can never be read again. The next log-in makes a new one."""
        self.forget()
        vaults.give_up(self.user)

    def take(self, unlocked: UnlockedVault) -> None:
        """Hold an open vault of this user."""
        if unlocked.user != str(self.user.pk):
            unlocked.wipe()
            raise WrongKey("the vault is another user's")
        before, self._unlocked = self._unlocked, unlocked
        if before is not None and before is not unlocked:
            before.wipe()

    def forget(self) -> None:
        """Wipe the key."""
        before, self._unlocked = self._unlocked, None
        if before is not None:
            before.wipe()

    @contextmanager
    def in_use(self) -> Iterator[Self]:
        """Have values read and written with this vault inside of the block, without naming it."""
        token = in_use.set(self)
        try:
            yield self
        finally:
            in_use.reset(token)

    def _is_known(self) -> bool:
        return self.user is not None and self.user.pk is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.forget()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
