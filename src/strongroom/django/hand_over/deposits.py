"""What the web process does: it leaves credentials for the worker, and takes them back. It reads nothing."""

from __future__ import annotations

import uuid

from asgiref.sync import sync_to_async
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from strongroom.credentials.hidden import HiddenFields
from strongroom.django.hand_over import records
from strongroom.django.hand_over.models import NAME_MAX, WAITING, WITHDRAWN, HandedOver
from strongroom.errors import NotFound, UnsafePermissions, VaultLocked, WouldPrompt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from strongroom.vault.values import FieldValue


def hand_over(user: Any, name: str, fields: Mapping[str, FieldValue], *, service: str) -> HandedOver:
    """Leave a credential of *user*'s for the worker; what was handed over under this name before is replaced.

    Through the vault's agent, where the capability ``deposit`` is enough. Without an agent it is sealed into the
    vault's inbox, with the depositor's key that ``STRONGROOM_HAND_OVER["DEPOSIT_KEY"]`` or
    ``STRONGROOM_DEPOSIT_KEY`` names.

    Args:
        user: saved; the credential is bound to its primary key.
        name: what the user calls the account, 1 to 200 characters; it stands in the database as it is.
        fields: what the connector needs, as `Vault.set` takes them. Addresses belong in here too: what stands in
            the database can be changed there.
        service: one of the names in ``STRONGROOM_SYNC``.

    A transaction of the caller's that is rolled back takes the row back and not the deposit: the worker then waits for
    a deposit that never comes, until the credential is handed over again.

    Returns: the row; the worker finds it at its next round.
    Raises:
        ValueError, TypeError: a name, service or field that cannot be stored.
        StrongroomError: it could not be left; there is no row then that was not there before.
    """
    for own in records.OWN_FIELDS:
        if own in fields:
            raise ValueError(f"{own} is not a field of yours")
    if len(name) > NAME_MAX:
        raise ValueError(f"a name has at most {NAME_MAX} characters")
    records.folder(service)
    # Reports of errors show the variables of every frame.
    fields = HiddenFields(fields)
    found = {"user_id": user.pk, "service": service, "name": name}
    records.binding(HandedOver(**found))
    using = router.db_for_write(HandedOver, instance=user)
    with transaction.atomic(using=using):
        handed = _row(using, found)
        # Last, as a deposit cannot be taken back: what the database refuses was refused by now.
        marks = {records.BINDING: records.binding(handed), records.DEPOSIT: records.deposit_mark(handed)}
        deposit(records.credential_path(handed), HiddenFields({**fields, **marks}))
    return handed


def withdraw(handed: HandedOver) -> None:
    """Take a credential back: it is not used from now on, and the worker destroys it at its next round.

    Nothing makes it undone, also no change of the row; the user hands the credential over anew.

    Raises: StrongroomError: it could not be left in the vault, and is still in use.
    """
    deposit(records.withdrawn_path(handed), {records.BINDING: records.binding(handed)})
    after = {"state": WITHDRAWN, "next_sync": None, "last_result": ""}
    HandedOver.objects.using(handed._state.db).filter(pk=handed.pk).update(**after)
    for name, value in after.items():
        setattr(handed, name, value)


async def ahand_over(user: Any, name: str, fields: Mapping[str, FieldValue], *, service: str) -> HandedOver:
    """As `hand_over`, in a thread."""
    fields = HiddenFields(fields)
    handed: HandedOver = await sync_to_async(hand_over)(user, name, fields, service=service)
    return handed


awithdraw = sync_to_async(withdraw)


def before_delete(*, instance: HandedOver, **_signal: object) -> None:
    """A row is about to go: what it stands for may not be used any more.

    Raises: StrongroomError: it could not be said in the vault; the row stays.
    """
    # Also where the row says that it was withdrawn: whoever writes to the database may have written that.
    deposit(records.withdrawn_path(instance), {records.BINDING: records.binding(instance)})


def deposit(path: str, fields: Mapping[str, FieldValue]) -> None:
    """Write, through the agent or into the inbox.

    Raises: StrongroomError: neither way is open.
    """
    try:
        with records.open_vault() as vault:
            vault.set(path, fields)
            return
    except (VaultLocked, UnsafePermissions, WouldPrompt) as error:
        # The agent is locked, or there is none and the vault's file is not for this user.
        closed = error
    from strongroom.locate.depositing import Depositor

    try:
        depositor = Depositor(records.option("VAULT"), records.option("DEPOSIT_KEY"))
    except NotFound:
        raise closed from None
    with depositor:
        depositor.deposit(path, fields)


def _row(using: str, found: dict[str, Any]) -> HandedOver:
    """The row of that name which was not withdrawn, made if there is none, and due at once."""
    rows = HandedOver.objects.using(using)
    due = {"state": WAITING, "next_sync": timezone.now(), "failures": 0, "last_result": "", "deposit": uuid.uuid4()}
    for _ in range(3):
        handed = _find(rows, found)
        if handed is None:
            try:
                with transaction.atomic(using=using):
                    made: HandedOver = rows.create(**found, **due)
                    return made
            except IntegrityError:
                # Somebody was faster under the same name, or there is no such user.
                if _find(rows, found) is None:
                    raise
        # Of these columns alone: a worker that is busy with it keeps its claim.
        elif rows.exclude(state=WITHDRAWN).filter(pk=handed.pk).update(**due):
            handed.refresh_from_db()
            return handed
    raise IntegrityError("the row came and went")


def _find(rows: Any, found: dict[str, Any]) -> HandedOver | None:
    handed: HandedOver | None = rows.exclude(state=WITHDRAWN).filter(**found).first()
    return handed
