"""Users' vaults in the database: making, opening, and changing what opens them.

Whatever changes a vault takes its row first, so that two changes follow each other, and writes the proof anew over
what lies there then. Derivations are done before that: no row is held while they take their time.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from time import time_ns

from django.db import IntegrityError, router, transaction

from strongroom.crypto.entropy import random_buffer
from strongroom.django.user_vaults import escrow, slots
from strongroom.django.user_vaults.models import UserVault, VaultSlot
from strongroom.django.user_vaults.options import profile
from strongroom.django.user_vaults.unlocked import USER_KEY_BYTES, UnlockedVault
from strongroom.errors import Conflict, NotFound, Tampered, WrongKey
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.keys.slots.recovery import new_recovery_code, parse_recovery_code
from strongroom.secret import HiddenBuffer, SecretBytes, SecretStr, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Text = str | SecretStr

_KIND = VaultSlot.Kind


def find(user: Any) -> UserVault | None:
    """The vault of *user*, or None when there is none yet."""
    with _readable():
        found: UserVault | None = UserVault.objects.using(alias(user)).filter(user_id=user.pk).first()
    return found


def create(user: Any, password: Text) -> UnlockedVault:
    """Make the vault of *user* with one password slot; the one that somebody else made meanwhile is opened instead.

    Raises:
        ValueError: a password that no slot can have: empty, longer than 4,096 bytes, or with a NUL.
        WrongKey, Tampered: as `open_with_password`, of the one that was there.
    """
    vault = UserVault(user_id=user.pk, created_us=now_us())
    key = SecretBytes(random_buffer(USER_KEY_BYTES))
    made = [_password_slot(vault, password, key)]
    public = escrow.public_key()
    if public is not None:
        slot = VaultSlot(vault_id=vault.pk, kind=_KIND.ESCROW, created_us=vault.created_us)
        made.append(slots.seal(slot, vault, public, key))
    vault.proof = slots.proof(vault, made, key)
    using = alias(user)
    try:
        with transaction.atomic(using=using):
            vault.save(using=using, force_insert=True)
            for slot in made:
                slot.save(using=using, force_insert=True)
    except IntegrityError:
        key.wipe()
        return open_with_password(user, password)
    return UnlockedVault(vault.pk, slots.user_text(user), vault.generation, key)


def open_with_password(user: Any, password: Text) -> UnlockedVault:
    """The vault of *user*, opened with the password of its slot; costs one derivation.

    Raises:
        NotFound: there is no vault yet.
        WrongKey: not this password.
        Tampered: the vault's rows are not what was written.
    """
    credential = password_credential(password)
    try:
        return _open(user, credential, _KIND.PASSWORD)[0]
    finally:
        credential.wipe()


def open_with_recovery_code(user: Any, code: Text) -> tuple[UnlockedVault, uuid.UUID]:
    """The vault of *user* and the id of the slot that the code opened.

    Raises: NotFound, WrongKey, Tampered: as `open_with_password`.
    """
    typed = _buffer(code)
    try:
        credential = parse_recovery_code(typed)
    finally:
        wipe(typed)
    try:
        return _open(user, credential, _KIND.RECOVERY)
    finally:
        credential.wipe()


def new_password_slot(user: Any, unlocked: UnlockedVault, password: Text) -> VaultSlot:
    """A slot for a new password, not saved: the derivation of `put_password_slot`, to be done before."""
    vault = UserVault(pk=unlocked.vault_id, user_id=user.pk)
    return _password_slot(vault, password, unlocked.user_key)


def put_password_slot(
    user: Any, unlocked: UnlockedVault, slot: VaultSlot, *, used: uuid.UUID | None = None, drops_sessions: bool = True
) -> None:
    """Put *slot* in the place of the password slot, in one transaction.

    Args:
        used: a recovery slot that goes with it: a code opens once.
        drops_sessions: whether the keys of all sessions fall; that of this one is kept anew by its middleware.
            Where they do not, *slot* is one for the same password, and nothing is done if there was a new one
            since the vault was opened.

    Raises: NotFound, Tampered: the vault has gone, or is not what was written.
    """

    def change(vault: UserVault, before: list[VaultSlot]) -> list[VaultSlot]:
        if drops_sessions:
            vault.generation += 1
        elif vault.generation != unlocked.generation:
            return before
        if used is not None and all(one.pk != used for one in before):
            raise WrongKey("this recovery code was used meanwhile", advice="make a new one")
        return [*(one for one in before if one.kind != _KIND.PASSWORD and one.pk != used), slot]

    _change(user, unlocked, change)


def put_recovery_slot(user: Any, unlocked: UnlockedVault, *, keep_others: bool = False) -> SecretStr:
    """A new recovery code, in the place of the one before.

    Args:
        keep_others: whether codes that are there stay, as when an organisation hands out another one.

    Returns: the code, to be shown once.
    Raises:
        NotFound, Tampered: as `put_password_slot`.
        Conflict: there are as many codes as there can be, and none was used.
    """
    credential = new_recovery_code()
    try:
        slot = VaultSlot(vault_id=unlocked.vault_id, kind=_KIND.RECOVERY, created_us=now_us())
        slots.wrap(slot, UserVault(pk=unlocked.vault_id, user_id=user.pk), credential, unlocked.user_key)

        def change(_vault: UserVault, before: list[VaultSlot]) -> list[VaultSlot]:
            kept = [one for one in before if keep_others or one.kind != _KIND.RECOVERY]
            if len(kept) >= slots.SLOTS_MAX:
                raise Conflict(
                    "the user vault has as many recovery codes as it can have, and none was used yet",
                    advice="any of them opens it; a new one on the page recovery-code takes the place of all",
                )
            return [*kept, slot]

        _change(user, unlocked, change)
        return credential.code()
    finally:
        credential.wipe()


def put_escrow_slot(user: Any, unlocked: UnlockedVault, public: bytes | None) -> None:
    """Seal the user key to *public* in the place of whom it was sealed to before; None for nobody.

    Raises: NotFound, Tampered: as `put_password_slot`.
    """
    new = []
    if public is not None:
        slot = VaultSlot(vault_id=unlocked.vault_id, kind=_KIND.ESCROW, created_us=now_us())
        new = [slots.seal(slot, UserVault(pk=unlocked.vault_id, user_id=user.pk), public, unlocked.user_key)]

    def change(_vault: UserVault, before: list[VaultSlot]) -> list[VaultSlot]:
        return [*(one for one in before if one.kind != _KIND.ESCROW), *new]

    _change(user, unlocked, change)


def drop_sessions(user: Any, unlocked: UnlockedVault) -> None:
    """Have the keys of all sessions fall.

    Raises: NotFound, Tampered: as `put_password_slot`.
    """

    def change(vault: UserVault, before: list[VaultSlot]) -> list[VaultSlot]:
        vault.generation += 1
        return before

    _change(user, unlocked, change)


def give_up(user: Any) -> None:
    """Delete the vault of *user*: what is encrypted in it can never be read again."""
    UserVault.objects.using(alias(user)).filter(user_id=user.pk).delete()


def slots_of(vault: UserVault, using: str) -> list[VaultSlot]:
    """All slots of *vault*.

    Raises: Tampered: more than one can have.
    """
    with _readable():
        found = list(VaultSlot.objects.using(using).filter(vault_id=vault.pk).order_by("pk")[: slots.SLOTS_MAX + 1])
    if len(found) > slots.SLOTS_MAX:
        raise Tampered("the user vault has more slots than one can have")
    return found


def has_slot(user: Any, kind: str) -> bool:
    """Whether the vault of *user* says that it has such a slot."""
    found: bool = VaultSlot.objects.using(alias(user)).filter(vault__user_id=user.pk, kind=kind).exists()
    return found


def keep_up(user: Any, unlocked: UnlockedVault, password: Text) -> None:
    """Bring the slots to what the settings say now: the cost of a guess rises, the escrow comes and goes."""
    now, found = profile(), slots_of(UserVault(pk=unlocked.vault_id), alias(user))
    if any(one.kind == _KIND.PASSWORD and slots.is_outdated(one, now) for one in found):
        slot = new_password_slot(user, unlocked, password)
        put_password_slot(user, unlocked, slot, drops_sessions=False)
    said = escrow.public_key()
    wanted = [] if said is None else [escrow.fingerprint(said)]
    if [slots.stored_bytes(one.salt) for one in found if one.kind == _KIND.ESCROW] != wanted:
        put_escrow_slot(user, unlocked, said)


def password_credential(password: Text) -> PassphraseCredential:
    """A password, stretched with the cost that the settings say.

    Raises: ValueError: empty, longer than 4,096 bytes, with a NUL, or no text.
    """
    return PassphraseCredential(_buffer(password), profile=profile())


@contextmanager
def _readable() -> Iterator[None]:
    """Rows are read within.

    Raises: Tampered: a column holds what it cannot hold: SQLite keeps any type in any column.
    """
    try:
        yield
    except ValueError:
        raise Tampered("the tables of user vaults hold what was not written there") from None


def now_us() -> int:
    """Microseconds since 1970 UTC."""
    return time_ns() // 1_000


def alias(user: Any) -> str:
    """The database that the vault of *user* lies in: the user's own, as the router says."""
    found: str = router.db_for_write(UserVault, instance=user)
    return found


def _open(user: Any, credential: Any, kind: str) -> tuple[UnlockedVault, uuid.UUID]:
    vault = find(user)
    if vault is None:
        raise NotFound("the user has no vault yet")
    found = slots_of(vault, alias(user))
    for slot in (one for one in found if one.kind == kind):
        try:
            key = slots.unwrap(slot, vault, credential)
        except WrongKey:
            continue
        try:
            slots.check_proof(vault, found, key)
        except BaseException:
            key.wipe()
            raise
        return UnlockedVault(vault.pk, slots.user_text(user), vault.generation, key), slot.pk
    raise WrongKey("this does not open the user vault")


def _change(
    user: Any, unlocked: UnlockedVault, change: Callable[[UserVault, list[VaultSlot]], list[VaultSlot]]
) -> None:
    using = alias(user)
    with transaction.atomic(using=using):
        # A write comes first: SQLite knows no lock of a row, and who reads before he writes may have to start again.
        rows = UserVault.objects.using(using).filter(pk=unlocked.vault_id, user_id=user.pk)
        if not rows.update(user_id=user.pk):
            raise NotFound("the user vault has gone")
        vault = rows.select_for_update().get()
        before = slots_of(vault, using)
        slots.check_proof(vault, before, unlocked.user_key)
        # Whose key has fallen meanwhile is not to have it kept for what it does last.
        is_current = vault.generation <= unlocked.generation
        after = change(vault, before)
        kept = {one.pk for one in after}
        VaultSlot.objects.using(using).filter(pk__in=[one.pk for one in before if one.pk not in kept]).delete()
        known = {one.pk for one in before}
        for slot in after:
            if slot.pk not in known:
                slot.save(using=using, force_insert=True)
        vault.proof = slots.proof(vault, after, unlocked.user_key)
        unlocked.check_open()
        vault.save(using=using, update_fields=["generation", "proof"])
    if is_current:
        unlocked.generation = vault.generation


def _password_slot(vault: UserVault, password: Text, key: SecretBytes) -> VaultSlot:
    credential = password_credential(password)
    try:
        slot = VaultSlot(vault_id=vault.pk, kind=_KIND.PASSWORD, created_us=now_us())
        return slots.wrap(slot, vault, credential, key)
    finally:
        credential.wipe()


def _buffer(value: Text) -> bytearray:
    if isinstance(value, SecretStr):
        return HiddenBuffer(value.reveal_buffer())
    try:
        return HiddenBuffer(value, "utf-8")
    except UnicodeEncodeError:
        # `from None`: the cause holds the password.
        raise ValueError("a password is text without lone surrogates") from None


class Bound:
    """What keys in sessions are bound to, as it lies in the database now: objects in memory may have changed since.

    Attributes:
        vault_id: of the user's vault.
        generation: of the vault.
        password: the stored string of the log-in's password.
    """

    __slots__ = ("generation", "password", "vault_id")

    def __init__(self, vault_id: uuid.UUID, generation: int, password: str) -> None:
        self.vault_id = vault_id
        self.generation = generation
        self.password = password


def bound_now(user: Any) -> Bound | None:
    """See `Bound`; None when the user has no vault. One query."""
    rows = UserVault.objects.using(alias(user)).filter(user_id=user.pk)
    with _readable():
        found = rows.values_list("pk", "generation", "user__password").first()
    return None if found is None else Bound(*found)
