"""What lies in the inbox: judged, taken in, accepted, discarded.

A deposit is believed when a known depositor has signed it, it opens, its path is one that the
depositor may write to, and it is neither old nor a repetition. Everything else waits for a
person. Source: docs/format.md#deposits.
"""

from __future__ import annotations

from strongroom.crypto.digest import sha256
from strongroom.errors import Conflict, NotFound, StrongroomError, Tampered
from strongroom.items import Field, Version, parse_path
from strongroom.keys import deposit_keys
from strongroom.stores.schema import OBJECTS
from strongroom.vault import history
from strongroom.vault.core import Core
from strongroom.vault.deposit_records import Deposit, Depositor, decode_content
from strongroom.vault.depositors import (
    TYPE,
    inbox_of,
    read_depositor,
    read_depositors,
    refresh_notice,
    refuse_transaction,
    write_depositor,
)
from strongroom.vault.records import AUTHOR_BYTES_MAX, ITEM
from strongroom.vault.values import to_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from strongroom.stores.inbox import Inbox, Letter
    from strongroom.vault.change import Change

_REPEATED = "it was taken in before"


class Pending:
    """A deposit that waits in the inbox.

    Attributes:
        id: 32 hex digits.
        path: where it would go; empty when it does not open.
        fields: names only.
        depositor: the name of the one who has signed it; empty when nobody known has.
        user: the uid of who wrote the file, by the kernel's word.
        reason: why it waits; empty when it would be taken in.
        can_be_accepted: whether it opens at all.
    """

    __slots__ = (
        "_content", "_letter", "_opens", "_received_ns", "depositor", "fields", "id", "path", "reason", "size", "user",
    )  # fmt: skip

    def __init__(self, letter: Letter) -> None:
        self._letter = letter
        self._received_ns = letter.changed_ns
        self._content: tuple[Deposit, dict[str, Field]] | None = None
        self._opens = False
        self.id = letter.deposit_id.hex()
        self.user = letter.user
        self.size = letter.size
        self.path = ""
        self.depositor = ""
        self.fields: tuple[str, ...] = ()
        self.reason = ""

    @property
    def can_be_accepted(self) -> bool:
        """Whether it opens, so that a person may accept it."""
        return self._opens and self.reason != _REPEATED

    @property
    def received(self) -> datetime:
        """When the file was last changed, by the kernel's word; aware UTC."""
        from datetime import UTC, datetime, timedelta

        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._received_ns // 1000)


class TakenIn:
    """A deposit that has become a version of an item."""

    __slots__ = ("depositor", "path", "version")

    def __init__(self, path: str, version: Version, depositor: str) -> None:
        self.path = path
        self.version = version
        self.depositor = depositor


def list_pending(core: Core) -> list[Pending]:
    """What waits, the oldest first; nothing is changed."""
    letters = inbox_of(core).letters()
    found = []
    with core.reading() as rows:
        known = {depositor.id: depositor for depositor in read_depositors(core, rows)}
        for letter in letters:
            pending = _judge(core, letter, known)
            # Values are held for one deposit at a time, however many wait.
            pending._content = None
            found.append(pending)
    return found


def collect(core: Core) -> list[TakenIn]:
    """See `Vault.collect_deposits`."""
    refuse_transaction(core)
    refresh_notice(core)
    taken = []
    for letter in _by_counter(inbox_of(core), inbox_of(core).letters()):
        with core.reading() as rows:
            known = {depositor.id: depositor for depositor in read_depositors(core, rows)}
            pending = _judge(core, letter, known)
        if pending.reason == _REPEATED:
            # Authentic, and in the vault already: a copy, or what a crash after the commit has left.
            inbox_of(core).remove(letter.deposit_id)
        elif not pending.reason:
            version = _take(core, pending, "deposit", is_forced=False)
            if version is not None:
                taken.append(TakenIn(pending.path, version, pending.depositor))
    return taken


def accept(core: Core, deposit_id: str, approve: Callable[[Pending], bool] | None = None) -> TakenIn | None:
    """See `Vault.accept_deposit`."""
    refuse_transaction(core)
    pending = find_pending(core, deposit_id)
    if pending.reason == _REPEATED:
        raise Conflict(f"the deposit {pending.id} was taken in before", advice=_discard(pending))
    if not pending.can_be_accepted:
        raise Tampered(
            f"the deposit {pending.id} cannot be accepted: {pending.reason}",
            advice=_discard(pending),
        )
    # What is asked about is what is written: the file is its writer's, who may exchange it at any time.
    if approve is not None and not approve(pending):
        return None
    version = _take(core, pending, "deposit accept", is_forced=True)
    if version is None:
        raise Conflict(f"the deposit {pending.id} cannot be accepted: {pending.reason}")
    return TakenIn(pending.path, version, pending.depositor)


def _discard(pending: Pending) -> str:
    return f"strongroom deposit discard {pending.id}"


def discard(core: Core, deposit_id: str) -> Pending:
    """See `Vault.discard_deposit`."""
    pending = find_pending(core, deposit_id)
    inbox_of(core).remove(pending._letter.deposit_id)
    return pending


def find_pending(core: Core, deposit_id: str) -> Pending:
    """The one waiting deposit whose id is, or begins with, *deposit_id*.

    Raises: NotFound: none, or several.
    """
    found = [letter for letter in inbox_of(core).letters() if letter.deposit_id.hex().startswith(deposit_id)]
    if len(found) != 1 or not deposit_id:
        raise NotFound(
            f"{'several deposits begin' if found else 'no deposit waits that begins'} with {deposit_id}",
            advice="see what waits: strongroom deposit list",
        )
    with core.reading() as rows:
        return _judge(core, found[0], {depositor.id: depositor for depositor in read_depositors(core, rows)})


def _by_counter(inbox: Inbox, letters: list[Letter]) -> list[Letter]:
    """The letters in the order in which they claim to have been written; only the claims are kept in memory."""
    claims = []
    for letter in letters:
        try:
            counter = Deposit.decode(inbox.read(letter.deposit_id)).counter
        except StrongroomError:
            continue  # `list_pending` says why it stays where it is
        claims.append((counter, letter.deposit_id, letter))
    return [letter for _counter, _id, letter in sorted(claims, key=lambda claim: claim[:2])]


def _judge(core: Core, letter: Letter, known: dict[bytes, Depositor]) -> Pending:
    """Look into a letter, and say why it may not be taken in."""
    pending = Pending(letter)
    try:
        deposit = Deposit.decode(inbox_of(core).read(letter.deposit_id))
        if deposit.vault_id != core.keys.header.vault_id:
            raise Tampered("it is for another vault")
        path, fields = _open(core, deposit)
        components = parse_path(path)
    except StrongroomError as error:
        pending.reason = error.message
        return pending
    except (ValueError, TypeError) as error:
        pending.reason = f"it holds what no item can hold: {error}"
        return pending
    pending.path = path
    pending.fields = tuple(fields)
    pending._content, pending._opens = (deposit, fields), True
    if deposit.deposit_id != letter.deposit_id:
        pending.reason = "its file was renamed"
        return pending
    depositor = known.get(deposit.depositor_id)
    pending.reason = _objection(core, deposit, depositor, components, path)
    if depositor is not None and _is_signed(deposit, depositor):
        pending.depositor = depositor.name
    return pending


def _open(core: Core, deposit: Deposit) -> tuple[str, dict[str, Field]]:
    info = deposit_keys.deposit_info(
        deposit.vault_id, deposit.key_version, deposit.deposit_id, deposit.depositor_id, deposit.counter
    )
    try:
        content = deposit_keys.open_deposit(core.keys, deposit.key_version, deposit.sealed, info)
    except Tampered:
        raise Tampered("it does not open: changed, or sealed to another key") from None
    try:
        path, fields = decode_content(content)
    finally:
        content[:] = bytes(len(content))
    # Names are checked here: whoever wrote this was not our own program, perhaps.
    return path, to_fields(fields)


def _objection(
    core: Core, deposit: Deposit, depositor: Depositor | None, components: tuple[str, ...], path: str
) -> str:
    if depositor is None:
        return "nobody known has signed it"
    if not _is_signed(deposit, depositor):
        return f"its signature is not {depositor.name}'s"
    if depositor.has_taken(deposit.deposit_id):
        return _REPEATED
    if not depositor.covers(components):
        return f"{depositor.name} may not deposit there"
    return depositor.objection(deposit.counter, _digest(path), core.clock_us())


def _is_signed(deposit: Deposit, depositor: Depositor) -> bool:
    try:
        deposit_keys.check_signature(
            depositor.public_key,
            deposit.vault_id,
            deposit.key_version,
            deposit.deposit_id,
            deposit.depositor_id,
            deposit.counter,
            deposit.sealed,
            deposit.signature,
        )
    except Tampered:
        return False
    return True


def _take(core: Core, pending: Pending, operation: str, *, is_forced: bool) -> Version | None:
    """Write a judged deposit as a version, remember it, remove the file; None when it may not be after all."""
    assert pending._content is not None  # noqa: S101 - the callers have looked
    deposit, fields = pending._content
    # The deposit's id answers a repetition after a crash; a stranger's says nothing.
    with core.changing(operation, None if is_forced else deposit.deposit_id) as change:
        depositor = _still_known(core, change, deposit)
        # Another key holder may have been faster: judged again with what is committed now.
        if not is_forced:
            pending.reason = _objection(core, deposit, depositor, parse_path(pending.path), pending.path)
            if pending.reason:
                return None
        elif depositor is not None and depositor.has_taken(deposit.deposit_id) and pending.depositor:
            pending.reason = _REPEATED
            return None
        is_authentic = depositor is not None and bool(pending.depositor)
        change.author = _author(core, pending.depositor if is_authentic else "")
        place = core.tree.find(change.rows, parse_path(pending.path), ITEM)
        cas = 0 if place is None else place.node.current
        settings = core.settings(change.rows)
        version = history.write_version(change, core, pending.path, fields, settings=settings, cas=cas)
        if depositor is not None and is_authentic:
            row = change.rows.get(OBJECTS, TYPE, depositor.id)
            depositor.remember(deposit.counter, deposit.deposit_id, _digest(pending.path), change.now)
            write_depositor(core, change.rows, depositor, replaces=row)
    inbox_of(core).remove(pending._letter.deposit_id)
    return version


def _still_known(core: Core, change: Change, deposit: Deposit) -> Depositor | None:
    row = change.rows.get(OBJECTS, TYPE, deposit.depositor_id)
    return None if row is None else read_depositor(core, row)


def _author(core: Core, name: str) -> str:
    text = f"deposit {name}" if name else f"deposit of a stranger, accepted by {core.author}"
    return text.encode("utf-8")[:AUTHOR_BYTES_MAX].decode("utf-8", "ignore")


def _digest(path: str) -> bytes:
    return sha256(path.encode("utf-8"))[:16]
