"""A user's vault as views and programs hold it: its state, and what opens and changes it."""

from __future__ import annotations

from contextlib import contextmanager

from asgiref.sync import sync_to_async
from django.dispatch import Signal

from strongroom.django.user_vaults import vaults
from strongroom.django.user_vaults.current import in_use
from strongroom.django.user_vaults.locked import KeyUnavailable
from strongroom.django.user_vaults.marks import changes, hidden, hides
from strongroom.django.user_vaults.pressure import password_work
from strongroom.errors import NotFound, WrongKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import Any, Literal, Self
    from uuid import UUID

    from strongroom.django.user_vaults.login_limits import Attempt
    from strongroom.django.user_vaults.unlocked import UnlockedVault
    from strongroom.secret import SecretStr

    State = Literal["absent", "locked", "unlocked"]

user_vault_given_up = Signal()
"""Sent with *user* and *vault_id* after a vault was given up: what was under it can be deleted."""


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

    __slots__ = ("_id", "_is_looked_up", "_unlocked", "_user", "was_revealed")

    def __init__(self, user: Any) -> None:
        self._user = user
        self._unlocked: UnlockedVault | None = None
        self._id: UUID | None = None
        self._is_looked_up = False
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
        return "absent" if self.id is None else "locked"

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
        if not self._is_looked_up:
            vault = vaults.find(self.user) if self._is_known() else None
            self._id = None if vault is None else vault.pk
            self._is_looked_up = True
        return self._id

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
        if found is None or not found.is_open:
            raise KeyUnavailable("the user vault is locked", reason="locked", advice="unlock it with the password")
        return found

    @hides
    def open_with_password(self, password: str | SecretStr) -> None:
        """Open the vault with the password of its slot, which may be an older one than that of the log-in.

        Raises:
            NotFound: there is no vault yet; `create` makes it.
            WrongKey: not this password.
            Tampered: the vault's rows are not what was written.
        """
        with self._work() as attempt:
            unlocked = vaults.open_with_password(self.user, password)
            attempt.succeeded()
        self.take(unlocked)

    @hides
    def open_with_recovery_code(self, code: str | SecretStr, *, new_password: str | SecretStr | None = None) -> None:
        """Open the vault with its recovery code.

        Args:
            new_password: wraps the key under this password in the same transaction, and then the code is used up;
                without one the code stays valid, and the vault is locked again after this session.

        Raises: NotFound, WrongKey, Tampered: as `open_with_password`; a used code and one before the last are wrong.
        """
        with self._work() as attempt:
            unlocked, used = vaults.open_with_recovery_code(self.user, code)
            try:
                if new_password is not None:
                    slot = vaults.new_password_slot(self.user, unlocked, new_password)
                    vaults.put_password_slot(self.user, unlocked, slot, used=used)
            except BaseException:
                unlocked.wipe()
                raise
            attempt.succeeded()
        self.take(unlocked)

    @hides
    def create(self, password: str | SecretStr) -> None:
        """Make the vault, which is open then; nothing happens to one that is there and opens with *password*.

        Raises: ValueError: a password that no slot can have. WrongKey, Tampered: as `open_with_password`.
        """
        with self._work() as attempt:
            unlocked = vaults.create(self.user, password)
            attempt.succeeded()
        self.take(unlocked)

    @hides
    def open_or_create(self, password: str | SecretStr) -> None:
        """Open the vault with the password of its slot, or make it where there is none yet.

        Raises: ValueError: a password that no slot can have. WrongKey, Tampered: as `open_with_password`.
        """
        try:
            self.open_with_password(password)
        except NotFound:
            self.create(password)

    @hides
    def change_password(self, new: str | SecretStr) -> None:
        """Wrap the key under another password; the keys of all other sessions fall.

        ``user.set_password(new); user.save()`` does this by itself, in the transaction of the save.

        Raises: KeyUnavailable: the vault is not open.
        """
        unlocked = self.unlocked()
        with self._work() as attempt:
            vaults.put_password_slot(self.user, unlocked, vaults.new_password_slot(self.user, unlocked, new))
            attempt.succeeded()
        self.bound_anew()

    @changes
    def new_recovery_code(self) -> SecretStr:
        """A new recovery code in the place of the one before. Show it once: it is kept nowhere.

        Raises: KeyUnavailable: the vault is not open.
        """
        return vaults.put_recovery_slot(self.user, self.unlocked())

    @changes
    def drop_sessions(self) -> None:
        """Have the keys of all other sessions fall.

        Raises: KeyUnavailable: the vault is not open.
        """
        vaults.drop_sessions(self.user, self.unlocked())
        self.bound_anew()

    @changes
    def give_up(self) -> None:
        """Delete the vault: what is encrypted in it can never be read again. The next log-in makes a new one."""
        before = self.id
        self.forget()
        if before is not None:
            vaults.give_up(self.user)
            self._is_looked_up = False
            user_vault_given_up.send(type(self), user=self.user, vault_id=before)

    def bound_anew(self) -> None:
        """What keys in sessions are bound to has changed; only a request has one."""

    def take(self, unlocked: UnlockedVault) -> None:
        """Hold an open vault of this user."""
        if unlocked.user != str(self.user.pk):
            unlocked.wipe()
            raise WrongKey("the vault is another user's")
        before, self._unlocked = self._unlocked, unlocked
        self._is_looked_up = False
        if before is not None and before is not unlocked:
            before.wipe()

    @changes
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

    # What waits for the database or a derivation, for asynchronous views.

    async def astate(self) -> State:
        """As `state`."""
        return await sync_to_async(lambda: self.state)()

    @hides
    async def aopen_with_password(self, password: str | SecretStr) -> None:
        """As `open_with_password`."""
        await sync_to_async(self.open_with_password)(hidden(password))

    @hides
    async def aopen_or_create(self, password: str | SecretStr) -> None:
        """As `open_or_create`."""
        await sync_to_async(self.open_or_create)(hidden(password))

    @hides
    async def aopen_with_recovery_code(
        self, code: str | SecretStr, *, new_password: str | SecretStr | None = None
    ) -> None:
        """As `open_with_recovery_code`."""
        new = None if new_password is None else hidden(new_password)
        await sync_to_async(self.open_with_recovery_code)(hidden(code), new_password=new)

    @hides
    async def achange_password(self, new: str | SecretStr) -> None:
        """As `change_password`."""
        await sync_to_async(self.change_password)(hidden(new))

    @changes
    async def anew_recovery_code(self) -> SecretStr:
        """As `new_recovery_code`."""
        return await sync_to_async(self.new_recovery_code)()

    @changes
    async def agive_up(self) -> None:
        """As `give_up`."""
        await sync_to_async(self.give_up)()

    def _work(self) -> AbstractContextManager[Attempt]:
        """Slow work with a password or a code is limited, whoever asks for it; nested in a log-in it is free.

        Raises: KeyUnavailable: nobody is logged in, who could have a vault.
        """
        if not self._is_known():
            raise KeyUnavailable("nobody is logged in", reason="anonymous")
        return password_work(None, self.user.get_username())

    def _is_known(self) -> bool:
        return self.user is not None and self.user.pk is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.forget()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
