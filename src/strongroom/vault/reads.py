"""From a path to the values that a get gives; the sealed version is remembered, or read from the store."""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import Expired, NotFound, Tampered, VaultLocked
from strongroom.items import RESERVED_MARK, parse_path, quoted_name
from strongroom.stores.interface import blob
from strongroom.stores.schema import VERSIONS
from strongroom.vault import history
from strongroom.vault.records import DESTROYED, decode_fields
from strongroom.wire import u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.items import Field
    from strongroom.keys.envelope import Envelope
    from strongroom.stores.interface import Reading, Row
    from strongroom.vault.core import Core
    from strongroom.vault.ledger import LedgeredRows
    from strongroom.vault.names import Place
    from strongroom.vault.records import Entry
    from strongroom.vault.sealed_versions import Parts

FETCHED_AT_ONCE = 256
"""Of 4 KiB each, half of what `sealed_versions` remembers."""


def open_fields(core: Core, path: str, version: int | None, *, allow_expired: bool) -> tuple[Entry, dict[str, Field]]:
    """One version with its values.

    Raises: NotFound, Expired, ValueError: as `Vault.get`.
    """
    entry, envelope, sealed, parts = find_sealed(core, path, version, allow_expired=allow_expired)
    try:
        # As a view, whose content no traceback shows.
        plaintext = memoryview(envelope.decrypt(labels.VERSION, sealed, *parts))
    except (VaultLocked, Tampered):
        # Another thread may have taken in or made new keys since, and wiped these: once more, alone.
        with core.reading():
            entry, envelope, sealed, parts = find_sealed(core, path, version, allow_expired=allow_expired, anew=True)
            try:
                plaintext = memoryview(envelope.decrypt(labels.VERSION, sealed, *parts))
            except Tampered:
                raise history.changed_version(path, entry.number) from None
    return entry, decode_fields(plaintext)


def fetch_many(core: Core, rows: Reading | LedgeredRows, paths: list[str]) -> None:
    """Remember what the current versions at these paths need, in a few questions to the store, for gets that follow.

    Args:
        rows: of an open reading.
        paths: at most `FETCHED_AT_ONCE`.

    Raises: ValueError: a path is not canonical.
    """
    if core.change is not None:
        return
    tree, sealed = core.tree, core.sealed
    tree.find_many(rows, [parse_path(path) for path in paths])  # type: ignore[arg-type]  # no change is open
    wanted: dict[Row, tuple[str, Place, Entry]] = {}
    for path in paths:
        place = tree.known_item(path)
        entry = None if place is None else place.node.entry(place.node.current)
        if place is not None and entry is not None and sealed.get(path, None) is None:
            wanted[place.id, entry.number] = path, place, entry
    for key, row in rows.get_many(VERSIONS, list(wanted)).items():  # type: ignore[union-attr]
        path, place, entry = wanted[key]
        sealed.remember(path, None, (place, entry.number, blob(row, 2), (place.id, u64(entry.number), entry.edition)))


def find_sealed(
    core: Core, path: str, version: int | None, *, allow_expired: bool, anew: bool = False
) -> tuple[Entry, Envelope, bytes, Parts]:
    """The version to read, and what is needed to open it without holding up other threads.

    Args:
        anew: ask the store, whatever is remembered.

    Raises: NotFound, Expired, ValueError: as `Vault.get`.
    """
    if path[:1] == RESERVED_MARK:
        parse_path(path)  # what is remembered below would not ask who says it
    if core.store.is_remote and not anew:
        found = _find_in_one_journey(core, path, version, allow_expired)
        if found is not None:
            return found
    with core.mutex:
        known = None if anew or core.change is not None else core.sealed.get(path, version)
        if known is not None and core.is_newest():
            place, number, sealed, parts = known
            return readable_entry(core, path, place, number, allow_expired), core.envelope, sealed, parts
        with core.reading() as rows:
            place = core.tree.known_item(path) or history.find_item(core, rows, path)
            entry = readable_entry(core, path, place, version, allow_expired)
            row = rows.get(VERSIONS, place.id, entry.number)
            if row is None:
                raise history.missing_version(path, entry.number)
            sealed, parts = blob(row, 2), (place.id, u64(entry.number), entry.edition)
            if core.change is None:
                core.sealed.remember(path, version, (place, entry.number, sealed, parts))
            return entry, core.envelope, sealed, parts


def _find_in_one_journey(
    core: Core, path: str, version: int | None, allow_expired: bool
) -> tuple[Entry, Envelope, bytes, Parts] | None:
    """As `find_sealed`, when at most one row is missing and nobody else has written; else None.

    While the store is asked, other threads go on. The row and the token are of one moment: if it is
    that to which the path belongs, so is the row.
    """
    mutex = core.mutex
    with mutex:
        if core.is_locked or core.is_busy or core.has_looked:
            return None
        known = core.sealed.get(path, version)
        place = core.tree.known_item(path) if known is None else known[0]
        if place is None:
            return None
        token, envelope, remembered = core.token, core.envelope, core.sealed
        forgotten = remembered.times_forgotten
        try:
            entry = readable_entry(core, path, place, version, allow_expired)
        except (NotFound, Expired):
            return None  # as far as is known here: whoever looks at the store says so
    if known is not None:
        # What was remembered belongs to the newest moment as long as nobody has committed.
        return (entry, envelope, known[2], known[3]) if core.store.change_token() == token else None
    now, row = core.store.glance(VERSIONS, place.id, entry.number)
    if row is None or now != token:
        return None
    sealed, parts = blob(row, 2), (place.id, u64(entry.number), entry.edition)
    with mutex:
        if core.token == token and remembered.times_forgotten == forgotten and not core.is_busy:
            remembered.remember(path, version, (place, entry.number, sealed, parts))
    return entry, envelope, sealed, parts


def open_many(core: Core, paths: list[str]) -> dict[str, tuple[Entry, dict[str, Field]]] | None:
    """The current versions at all of these paths with their values, asked for in one question.

    Args:
        paths: at most `FETCHED_AT_ONCE`.

    Returns: None where that is not enough: a name was not met before, or another program has written.
    """
    with core.mutex:
        places = _known_places(core, paths)
        if places is None:
            return None
        token, envelope, sealed = core.token, core.envelope, core.sealed
        forgotten = sealed.times_forgotten
        known = {path: found for path in paths if (found := sealed.get(path, None)) is not None}
    missing: dict[Row, str] = {
        (place.id, entry.number): path for path, (place, entry) in places.items() if path not in known
    }
    if not missing:
        now = core.store.change_token()
    else:
        now, rows = core.store.glance_many(VERSIONS, list(missing))
        for key, row in rows.items():
            place, entry = places[missing[key]]
            parts = place.id, u64(entry.number), entry.edition
            known[missing[key]] = place, entry.number, blob(row, 2), parts
    if now != token or len(known) < len(places):
        return None
    with core.mutex:
        if core.token == token and sealed.times_forgotten == forgotten and not core.is_busy:
            for path in missing.values():
                sealed.remember(path, None, known[path])
    try:
        return {
            path: (entry, decode_fields(memoryview(envelope.decrypt(labels.VERSION, known[path][2], *known[path][3]))))
            for path, (_, entry) in places.items()
        }
    except (VaultLocked, Tampered):
        return None  # there may be new keys: whoever asks for one alone says what it is


def _known_places(core: Core, paths: list[str]) -> dict[str, tuple[Place, Entry]] | None:
    """Where these items lie and which versions are current, as far as that is known here; None for more than that."""
    if core.is_locked or core.is_busy or core.has_looked:
        return None
    found: dict[str, tuple[Place, Entry]] = {}
    for path in paths:
        place = core.tree.known_item(path)
        if place is None or path[:1] == RESERVED_MARK:
            return None
        try:
            found[path] = place, readable_entry(core, path, place, None, allow_expired=False)
        except (NotFound, Expired):
            return None  # as in `_find_in_one_journey`
    return found


def readable_entry(core: Core, path: str, place: Place, version: int | None, allow_expired: bool) -> Entry:
    """The entry of a version whose values may be read.

    Raises:
        NotFound: no such version, or it is deleted or destroyed.
        Expired: it is past its date.
    """
    node = place.node
    number = node.current if version is None else version
    entry = node.entries[-1] if number == node.current and node.entries else node.entry(number)
    if entry is None or entry.number != number:
        raise NotFound(f"{path} has no version {number}", advice=f"see them: strongroom log {quoted_name(path)}")
    if entry.state == DESTROYED:
        raise NotFound(f"version {number} of {path} was destroyed", advice=f"see: strongroom log {quoted_name(path)}")
    if entry.deleted or entry.expires:
        now = core.clock_us()
        if entry.is_deleted(now):
            raise NotFound(f"{path} was deleted", advice=f"bring it back with: strongroom restore {quoted_name(path)}")
        if 0 < entry.expires <= now and not allow_expired:
            raise Expired(
                f"{path} expired on {entry.describe().expires:%Y-%m-%d %H:%M} UTC",
                advice=f"store a new value and say how long it holds: strongroom set --expires 90d {quoted_name(path)}",
            )
    return entry
