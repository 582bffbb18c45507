"""Is this the vault that is meant, and its newest state? Asked of each vault that was opened.

A key only says that it opens this vault. Which one belongs at this place, whether it has come as
far as it should, and for an age identity who made it at all, is for the anchor to say; where there
is none yet, for whoever opens the vault and names its fingerprint (``--expect-vault``) and the
commit that it must have reached (``--expect-counter``). Without either, the first one is believed.
"""

from __future__ import annotations

from strongroom.errors import RolledBack, Tampered
from strongroom.locate.anchor import anchor_directory, anchor_of, keep
from strongroom.locate.expected import NOTHING, Expected
from strongroom.locate.places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import Header
    from strongroom.locate.anchor import FileAnchor, Tell
    from strongroom.vault.vault import Vault


def guard(vault: Vault, *, expected: Expected = NOTHING, tell: Tell | None = None) -> None:
    """Compare a vault that was just opened with what is known of it, and remember it from now on.

    Args:
        expected: what the caller knows of it.
        tell: receives a line when no anchor can be kept, or nothing says who made the vault; None, or where
            the caller knows as much, for the vault's notes.

    Raises:
        RolledBack: it is older than what this machine has seen or was expected, or of another lineage.
        Tampered: it is another vault than the one that was seen here, or was expected.
        FormatUnsupported, UnsafePermissions, StoreUnavailable: about the anchor itself.
    """
    if expected.counter is not None and (expected.fingerprint or not _is_public(vault)):
        # Who names the state needs no anchor, and no note that there is none.
        tell = None
    tell = tell or vault.notes.append
    anchor = anchor_of(vault, tell=tell)
    try:
        is_first = _recognise(vault, anchor, expected)
    except RolledBack:
        # A replica may be behind as long as the primary is not.
        if not vault._core.store.ask_primary():
            raise
        is_first = _recognise(vault, anchor, expected)
    if is_first and expected.fingerprint is None and _is_public(vault):
        tell(_first_seen(vault.location, vault._core.keys.header))
    vault.anchor = anchor


def _recognise(vault: Vault, anchor: FileAnchor | None, expected: Expected) -> bool:
    """Whether nothing was known of the vault before."""
    # In this order: another program may commit and write the anchor between the two.
    record = None if anchor is None else anchor.read()
    counter, header = vault.commit_counter, vault._core.keys.header
    expected.check(vault, vault.location)
    if anchor is not None:
        places = _places(anchor, vault.location)
        # A former holder can lead an older fingerprint to a vault of his own: it does not say which one lies here.
        is_named = expected.fingerprint == header.identity.hex()
        if not is_named:
            _check_place(places, vault.location, header)
        anchor.compare(vault.location, header, counter, record, is_proved=not _is_public(vault))
        keep(lambda: places.remember(vault.vault_id, instead=is_named), anchor.complain)
    return record is None


def remember_new(vault: Vault, *, tell: Tell | None = None) -> None:
    """Begin the anchor of a vault that was just made; that it cannot be written is a note and no error.

    Args:
        tell: receives the note; None for the vault's own.
    """
    vault.anchor = anchor = anchor_of(vault, tell=tell)
    if anchor is not None:
        anchor.settle(vault.commit_counter, vault._core.keys.header)
        _move_in(anchor, vault.location, vault.vault_id)


def recognise_copy(
    vault: Vault, name: str, *, target: str | None = None, expected: Expected = NOTHING, tell: Tell
) -> None:
    """Refuse a backup of another vault than the one that it should be of; an older state is what backups are for.

    Args:
        vault: the backup or a copy of it, opened.
        name: where the backup lies, for messages.
        target: the place that it is going to take; None when it is only looked at.
        expected: what the caller knows of it.
        tell: receives a line when nothing says who made it.

    Raises: Tampered, RolledBack: it is not what is known or expected.
    """
    expected.check(vault, name)
    header = vault._core.keys.header
    if expected.fingerprint == header.identity.hex():
        return
    anchor = anchor_of(vault)
    record = None if anchor is None else anchor.read()
    if record is None:
        if _is_public(vault) and expected.fingerprint is None:
            tell(_first_seen(name, header))
    elif not record.knows(header, is_proved=not _is_public(vault)):
        raise Tampered(
            f"{name} is no backup of the vault that this machine knows under the id {vault.vault_id.hex()}",
            advice=_if_you_know(header),
        )
    if anchor is not None and target is not None:
        other = _places(anchor, target).is_foreign(vault.vault_id)
        if other is not None:
            raise Tampered(
                f"{name} is a backup of another vault (id {vault.vault_id.hex()}) than the one that was seen at "
                f"{target} (id {other.hex()})",
                advice=_if_you_know(header),
            )


def believe_restored(target: str, counter: int, header: Header, *, tell: Tell) -> None:
    """Believe the backup that took the place *target*, whatever was known before.

    Args:
        counter: the commit counter there now.
        header: of the vault there now.
        tell: receives a line when this machine keeps no anchor.
    """
    from strongroom.locate.anchor import FileAnchor

    directory = anchor_directory(tell)
    if directory is not None:
        anchor = FileAnchor(directory, header.vault_id, tell=tell)
        anchor.accept(counter, header)
        _move_in(anchor, target, header.vault_id)


def find_stranger(vault: Vault) -> Tampered | None:
    """Why the vault is not the one that was seen at its place; None when it is, or the place is new."""
    anchor = anchor_of(vault)
    if anchor is None:
        return None
    header = vault._core.keys.header
    record = anchor.read()
    if record is not None and not record.knows(header, is_proved=not _is_public(vault)):
        return record.stranger(vault.location, header)
    try:
        _check_place(_places(anchor, vault.location), vault.location, header)
    except Tampered as why:
        return why
    return None


def accept_stranger(vault: Vault, *, tell: Tell | None = None) -> None:
    """Believe that this vault belongs where it lies, on a person's word.

    Args:
        tell: receives a line when that cannot be remembered; None for the vault's notes.
    """
    anchor = anchor_of(vault, tell=tell)
    if anchor is None:
        return
    header = vault._core.keys.header
    record = anchor.read()
    if record is not None and not record.knows(header, is_proved=not _is_public(vault)):
        anchor.accept(vault.commit_counter, header)
    _move_in(anchor, vault.location, vault.vault_id)


def _is_public(vault: Vault) -> bool:
    return vault._core.keys.is_slot_public


def _places(anchor: FileAnchor, location: str) -> Places:
    from strongroom.stores import durable

    return Places(durable.parent(anchor.path), location)


def _move_in(anchor: FileAnchor, location: str, vault_id: bytes) -> None:
    keep(lambda: _places(anchor, location).remember(vault_id, instead=True), anchor.complain)


def _check_place(places: Places, location: str, header: Header) -> None:
    other = places.is_foreign(header.vault_id)
    if other is not None:
        raise Tampered(
            f"another vault lies at {location}: its id is {header.vault_id.hex()}, and {other.hex()} was seen there",
            advice="put the vault that belongs there back in its place\n"
            "if you put this one there: strongroom status --accept-vault",
        )


def _first_seen(location: str, header: Header) -> str:
    return (
        f"{location} is seen here for the first time, and an age identity opens what anybody makes for it: "
        f"compare its fingerprint {header.identity.hex()} with the one that strongroom status shows elsewhere, "
        "or name that with --expect-vault"
    )


def _if_you_know(header: Header) -> str:
    return f"if you know that it is right: --expect-vault {header.identity.hex()}"
